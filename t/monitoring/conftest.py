"""What the tests of monitoring have in common with those of the cluster."""

import os
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

sys.path.insert(0, os.path.join(TOP, 't', 'cluster'))

from harness import lab as labs  # noqa: E402


@pytest.fixture(scope='session')
def lab():
    with labs.Lab() as shared:
        yield shared
        left = shared.leftovers()
    assert not left, 'left behind: ' + '; '.join(left)
