"""Fixtures of the cluster's tests.

Tests that start memcached do so with and without TLS, as --memcached says:

    turns       half of the tests of each file without TLS, and the others
                with: always the same ones, chosen by their names; of files
                for which memcached does not matter, all without
    plain, tls  all without, or all with TLS
"""

import collections
import re
import zlib

import pytest

from harness import cluster as clusters
from harness import early, faketime
from harness import lab as labs
from harness import memcached

PLAIN, TLS, TURNS = 'plain', 'tls', 'turns'

# tests of where sessions resume, which has nothing to do with the client of
# memcached, and of what somebody between hosts and memcached can read
ASIDE = re.compile(r'test_trust_|test_pairs|test_local|test_harness|test_tls|'
                   r'test_rollout|test_recorder|test_wiping|test_page|'
                   r'test_joins')

# These files wait for minutes, and so begin first: the others end before them.
LONGEST = ('test_early_clocks', 'test_early_faults', 'test_early_paths',
           'test_protocols', 'test_early_life', 'test_check', 'test_no_use',
           'test_check_peers', 'test_recorder', 'test_early_clients',
           'test_early_basics')


def pytest_addoption(parser):
    parser.addoption('--memcached', choices=(PLAIN, TLS, TURNS),
                     default=TURNS, help='with TLS or without')


def pytest_generate_tests(metafunc):
    if 'transport' not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption('memcached')
    if chosen == TURNS:
        aside = (ASIDE.match(metafunc.module.__name__)
                 or not memcached.has_tls())
        kinds = [PLAIN] if aside else [PLAIN, TLS]
    else:
        kinds = [chosen]
    metafunc.parametrize('transport', kinds, indirect=True, scope='module')


def pytest_collection_modifyitems(config, items):
    if config.getoption('memcached') == TURNS:
        _take_turns(config, items)

    def place(item):
        name = item.module.__name__
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


def _take_turns(config, items):
    """Keeps one of the two variants of each test, and both kinds in each file.
    """
    files = collections.defaultdict(dict)   # {test: {kind: item}} of each
    for item in items:
        callspec = getattr(item, 'callspec', None)
        kind = callspec and callspec.params.get('transport')
        if kind:
            rest = [part for part in callspec.id.split('-') if part != kind]
            test = '-'.join([item.originalname, *rest])
            file = item.nodeid.partition('::')[0]
            files[file].setdefault(test, {})[kind] = item
    out = set()
    for tests in files.values():
        both = [name for name in sorted(tests) if len(tests[name]) == 2]
        with_tls = {name for name in both if zlib.crc32(name.encode()) & 1}
        if len(with_tls) in (0, len(both)):
            with_tls ^= set(both[:1])
        if len(both) > 1:
            out.update(tests[name][PLAIN if name in with_tls else TLS]
                       for name in both)
    config.hook.pytest_deselected(items=[i for i in items if i in out])
    items[:] = [item for item in items if item not in out]


@pytest.fixture(scope='session')
def lab():
    """What all tests of this process share; checks that nothing of it is left.
    """
    with labs.Lab() as shared:
        yield shared
        left = shared.leftovers()
    assert not left, 'left behind: ' + '; '.join(left)


@pytest.fixture(scope='module')
def transport(request):
    """How hosts connect to memcached: "plain" or "tls"."""
    return getattr(request, 'param', PLAIN)


@pytest.fixture
def make_cluster(lab, request, transport):
    """Starts clusters, and stops them at the end of the test."""
    return _maker(lab, request, transport)


@pytest.fixture(scope='module')
def make_module_cluster(lab, request, transport):
    """Starts clusters, and stops them after the last test of the file."""
    return _maker(lab, request, transport)


@pytest.fixture(name='apart')
def fixture_apart():
    """For tests in which the clock of a host moves, but not its timers."""
    if not faketime.clocks_apart():
        pytest.skip('before libfaketime 0.9.9 all timers of a host whose '
                    'clock is put forward expire')


@pytest.fixture(name='upstream', scope='module')
def fixture_upstream(lab):
    """Counts the requests of early data that reach it."""
    with early.Upstream(lab.network.address) as upstream:
        yield upstream


@pytest.fixture(name='tape')
def fixture_tape(cluster, upstream):
    """Records flights of early data to the hosts of the file's cluster, which
    are ready to accept them, and plays them again.
    """
    early.wait_ready(early.Client(), cluster.hosts)
    return early.Tape(cluster, upstream)


def _maker(lab, request, transport):
    def make(**parameters):
        parameters.setdefault('tls', transport == TLS)
        context = clusters.Cluster(lab, **parameters)
        context.__enter__()
        failed = request.session.testsfailed

        def end():
            # show the error logs of a test that has failed
            if request.session.testsfailed > failed:
                context.tell()
            context.__exit__(None)

        request.addfinalizer(end)
        return context

    return make


@pytest.fixture
def needs_tls():
    if not memcached.has_tls():
        pytest.skip('the memcached of this machine has no TLS')


@pytest.fixture
def needs_cuts(lab):
    if not lab.network.can_cut:
        pytest.skip('no network namespaces here (%s): hosts on loopback '
                    'addresses cannot be cut off' % lab.why_no_namespaces)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Runs all tests of a file in one process, since they share a cluster."""
    from xdist.scheduler import LoadFileScheduling
    # newer versions would begin with the files that have most tests
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get('skipped', [])
    if skipped:
        terminalreporter.write_line(
            'NOT TESTED HERE: %d tests were skipped; -rs says why'
            % len(skipped), yellow=True)
