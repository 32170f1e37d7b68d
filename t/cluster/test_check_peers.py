"""ssl-session-sync-check and servers that are not nginx.

What each fleet resumes is what its configuration shares: a file of ticket
keys, a memcached, or nothing. The servers are those of the bench.
"""

import os
import sys

import pytest

from harness import checker, conf, process
from harness.checker import IDS_12, TICKETS_12, TLS_13

sys.path.insert(0, os.path.join(conf.REPOSITORY, 't', 'bench'))

import hosts  # noqa: E402
import peers  # noqa: E402

# kinds of sessions that two hosts share when they have the same file of keys
# and the same memcached; each host has the rest for itself
SHARED = {'haproxy': {TICKETS_12, TLS_13},
          'httpd': {TICKETS_12, IDS_12, TLS_13},
          'h2o': {TICKETS_12, IDS_12, TLS_13}}

MODULES = {module.__name__.rpartition('.')[2]: module
           for module in peers.modules()}

if not MODULES['httpd'].keeps_key():
    SHARED['httpd'] -= {TICKETS_12, TLS_13}


@pytest.fixture(params=sorted(SHARED))
def peer(request):
    if not peers.find(MODULES[request.param].PROGRAM):
        pytest.skip('%s is not installed' % request.param)
    return request.param


@pytest.fixture
def site(lab):
    """Away from /tmp's sticky bit: servers change their user."""
    with hosts.Site(lab.make('peers')) as place:
        yield place
    process.run(['rm', '-rf', place.directory])


def start(site, peer, fleets):
    """One host in each of these fleets; [with tickets], [without]."""
    shared, servers = {}, []
    for number, fleet in enumerate(fleets):
        if fleet not in shared:
            memcached = hosts.Memcached(site, 'memcached-' + fleet)
            shared[fleet] = peers.share(site, fleet, memcached, None)
        servers.append(MODULES[peer].start(
            site, 'host%d' % number, shared[fleet]))
    return ([server.address for server in servers],
            [server.ticketless for server in servers])


def shown(where, expected):
    """Until what resumes is what is expected; what was told then.

    Some get their keys, and store sessions, a while later.
    """
    def told_so():
        told = checker.ask(where)
        return told if all(
            checker.pairs(told, kind) == expected[kind]
            and checker.missed(told, kind)
            == checker.every(where) - expected[kind]
            for kind in expected) else None

    return process.wait_until(told_so, 'exactly these pairs to resume')


def test_right(site, peer):
    where, without = start(site, peer, ['one', 'one'])
    told = shown(where, {
        kind: checker.every(where) if kind in SHARED[peer]
        else checker.at_home(where)
        for kind in (TICKETS_12, IDS_12, TLS_13)})
    assert {problem['kind'] for problem in told['problems']} \
        == {TICKETS_12, IDS_12, TLS_13} - SHARED[peer]
    assert told['status'] == (0 if len(SHARED[peer]) == 3 else 1)

    told = checker.ask('--only', '%s,%s' % (TICKETS_12, TLS_13), where)
    if TICKETS_12 in SHARED[peer]:
        assert (told['status'], told['problems']) == (0, [])
    else:
        assert told['status'] == 1
        for problem in told['problems']:
            assert 'keys of the same name' in problem['text']
    for kind in TICKETS_12, TLS_13:
        names = {tuple(key['name'] for key in source['keys'])
                 for source in told['sessions'] if source['kind'] == kind}
        assert len(names) == 1, names

    # where there are no tickets, all are IDs
    if IDS_12 in SHARED[peer]:
        shown(without, {IDS_12: checker.every(without)})


def test_wrong(site, peer):
    where, _ = start(site, peer, ['one', 'another'])
    told = shown(where, {kind: checker.at_home(where)
                         for kind in (TICKETS_12, IDS_12, TLS_13)})
    assert told['status'] == 1
    assert [(problem['what'], problem['kind'])
            for problem in told['problems']] == [
                ('not_resumed', kind)
                for kind in (TICKETS_12, IDS_12, TLS_13)]
    for problem in told['problems']:
        assert set(map(tuple, problem['pairs'])) \
            == checker.every(where) - checker.at_home(where)


def test_one_wrong(site, peer):
    """The third host has keys, and a memcached, of its own."""
    where, _ = start(site, peer, ['one', 'one', 'another'])
    expected = {
        kind: checker.every(where[:2]) | {(where[2], where[2])}
        if kind in SHARED[peer] else checker.at_home(where)
        for kind in (TICKETS_12, IDS_12, TLS_13)}
    told = shown(where, expected)
    assert told['status'] == 1
    for problem in told['problems']:
        if problem['kind'] in SHARED[peer]:
            assert '%s is apart' % where[2] in problem['text']


def test_another_name(site):
    """HAProxy with one certificate resumes a session whatever the name is."""
    where, _ = start(site, 'haproxy', ['one', 'one'])
    told = checker.ask('--other-name', 'b.example', '--only',
                       '%s,%s' % (TICKETS_12, TLS_13), where)
    assert told['status'] == 1
    assert [problem['what'] for problem in told['problems']] \
        == ['other_name'] * 2
    for problem in told['problems']:
        assert set(map(tuple, problem['pairs'])) == checker.every(where)
