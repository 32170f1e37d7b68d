"""Fixtures of the cluster's tests."""

import pytest

from harness import cluster as clusters
from harness import lab as labs


@pytest.fixture(scope='session')
def lab():
    """What all tests of this process share; nothing of it may be left."""
    with labs.Lab() as shared:
        yield shared
        left = shared.leftovers()
    assert not left, 'left behind: ' + '; '.join(left)


@pytest.fixture
def make_cluster(lab, request):
    """Starts clusters that end with the test."""
    return _maker(lab, request)


@pytest.fixture(scope='module')
def make_module_cluster(lab, request):
    """Starts clusters that end with the last test of a file."""
    return _maker(lab, request)


def _maker(lab, request):
    def make(**parameters):
        context = clusters.Cluster(lab, **parameters)
        context.__enter__()
        failed = request.session.testsfailed

        def end():
            # a failed test wants to see the error logs
            if request.session.testsfailed > failed:
                context.tell()
            context.__exit__(None)

        request.addfinalizer(end)
        return context

    return make


@pytest.fixture
def needs_cuts(lab):
    if not lab.network.can_cut:
        pytest.skip('no network namespaces here (%s): hosts on loopback '
                    'addresses cannot be cut off' % lab.why_no_namespaces)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """The tests of a file share a cluster: they go to one process."""
    from xdist.scheduler import LoadFileScheduling
    return LoadFileScheduling(config, log)


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get('skipped', [])
    if skipped:
        terminalreporter.write_line(
            'NOT TESTED HERE: %d tests were skipped; -rs says why'
            % len(skipped), yellow=True)
