"""Listeners without this module share no sessions with a listener that has it.

They have the same certificate and the same shared cache of nginx.
"""

import itertools

import pytest

from harness import conf, trust

SYNCED, OFF, NONE, OTHER_OFF = range(9001, 9005)
HOW = {SYNCED: 'main', OFF: 'off', NONE: None, OTHER_OFF: 'off'}
STEP = {conf.HTTP: 0, conf.STREAM: 100, conf.MAIL: 200}
APART = [ports for ports in itertools.permutations((SYNCED, OFF, NONE), 2)
         if SYNCED in ports]


@pytest.fixture(scope='module', params=[0, 1],
                ids=['alone', 'with-memcached'])
def cluster(request, make_module_cluster):
    """The second host is plain nginx."""
    cluster = make_module_cluster(hosts=2, memcached_servers=request.param,
                                  rotation='7d', start=False, workers=1,
                                  session_cache=trust.CACHE)
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(kind, port=port + step, sync=sync)
            for kind, step in STEP.items() for port, sync in HOW.items()])
    cluster.hosts[1].config.synced = False
    cluster.start()
    cluster.wait_agreed(cluster.hosts[:1])
    return cluster


def place(kind, port, name='a.example'):
    return {'kind': kind, 'port': port + STEP[kind], 'name': name}


def resumes(way, host, where, there):
    taker = trust.client(way)
    session = taker.full(host, **trust.at(way, where)).session
    return trust.offered(way, taker, host, session, there).reused


@pytest.mark.parametrize('kind', conf.KINDS)
@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
def test_apart(cluster, name, way, kind):
    host, plain = cluster.hosts
    for ports in APART:
        where, there = (place(kind, port, name) for port in ports)
        assert not resumes(way, host, where, there), ports
        # by ID that would have been possible
        if way[1] == trust.ID and way[0] == 'TLSv1.2':
            assert resumes(way, plain, where, there), ports


@pytest.mark.parametrize('kind', conf.KINDS)
@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('ports', [(OFF, OFF), (OFF, NONE), (NONE, OTHER_OFF),
                                   (NONE, NONE)],
                         ids=lambda ports: '%d-%d' % ports)
def test_among_themselves(cluster, ports, way, kind):
    """Among themselves they behave as in plain nginx."""
    host, plain = (resumes(way, host, *(place(kind, port) for port in ports))
                   for host in cluster.hosts)
    assert host == plain
    if ports[0] == ports[1]:
        assert host


@pytest.mark.parametrize('kind', conf.KINDS)
@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
def test_turned(make_cluster, way, kind):
    """Nor does an earlier session resume after a reload has changed a
    listener.
    """
    cluster = make_cluster(hosts=1, memcached_servers=0, rotation='7d',
                           start=False, workers=1, session_cache=trust.CACHE)
    host, = cluster.hosts
    host.config.servers = trust.in_pairs([
        conf.Server(kind, port=port + STEP[kind], sync=HOW[port])
        for port in (SYNCED, OFF)])
    cluster.start()
    cluster.wait_agreed()
    places = [place(kind, port) for port in (SYNCED, OFF)]
    taker = trust.client(way)
    made = [taker.full(host, **trust.at(way, where)).session
            for where in places]
    for server in host.config.servers:
        server.sync = {'main': 'off', 'off': 'main'}[server.sync]
    host.reload()
    for where, session in zip(places, made):
        result = trust.offered(way, taker, host, session, where)
        assert not result.reused, where
