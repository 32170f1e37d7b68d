"""A worker has no descriptor left for memcached: nginx's own cache is used."""

import os

import pytest

from harness import conf, process, trust

SAID = 'are not looked up in memcached by this worker'
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      'no_eventfd.c')
PORT = {conf.HTTP: 9001, conf.STREAM: 9002}
KINDS = tuple(PORT)
SCOPED = 9003
IDS = [way for way in trust.WAYS if way[1] == trust.ID]


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    """The worker of the first host has no descriptor left, that of the second
    has.
    """
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    library = os.path.join(cluster.directory, 'no_eventfd.so')
    process.run(['cc', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC',
                 '-o', library, SOURCE])
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(kind, port=port) for kind, port in PORT.items()]
            + [conf.Server(port=PORT[conf.HTTP], name='b.example'),
               conf.Server(port=SCOPED, scope='payments')])
    poor = cluster.hosts[0]
    poor.environment = {'LD_PRELOAD': library}
    poor.expected = [SAID, 'no client of memcached']
    cluster.start()
    cluster.wait_agreed()
    assert poor.warnings(SAID)
    assert not cluster.hosts[1].warnings(SAID)
    return cluster


def at(kind, **other):
    return {'kind': kind, 'port': PORT[kind], 'name': 'a.example', **other}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('way', IDS, ids='-'.join)
def test_own_cache(cluster, way, kind):
    """Each session resumes, and so does the one that it is given then."""
    host = cluster.hosts[0]
    taker = trust.client(way)
    for _ in range(3):
        result = taker.full(host, **trust.at(way, at(kind)))
        for _ in range(3):
            result = trust.offered(way, taker, host, result.session, at(kind))
            assert result.reused, result
            assert result.fields['sync'] == 'id-local'


@pytest.mark.parametrize('way', IDS, ids='-'.join)
@pytest.mark.parametrize('there', [
    at(conf.HTTP, name='b.example'), at(conf.HTTP, name=None),
    at(conf.HTTP, port=SCOPED)], ids=['name', 'no-name', 'scope'])
def test_binding(cluster, there, way):
    host = cluster.hosts[0]
    taker = trust.client(way)
    for where, other in ((at(conf.HTTP), there), (there, at(conf.HTTP))):
        session = taker.full(host, **trust.at(way, where)).session
        result = trust.offered(way, taker, host, session, other)
        assert not result.reused, result


@pytest.mark.parametrize('way', IDS, ids='-'.join)
def test_other_host(cluster, way):
    """On the other host there is a full handshake, and no failure."""
    first, second = cluster.hosts
    taker = trust.client(way)
    for host, other in ((first, second), (second, first)):
        session = taker.full(host, **trust.at(way, at(conf.HTTP))).session
        result = trust.offered(way, taker, other, session, at(conf.HTTP))
        assert not result.reused, result
    trust.must_resume(way, taker, second, at(conf.HTTP), second,
                      at(conf.HTTP))


@pytest.mark.parametrize('version', trust.VERSIONS)
def test_tickets(cluster, version):
    """Tickets need no connection to memcached while a client connects."""
    way = version, trust.TICKET
    for first, second in trust.hosts_of(cluster):
        trust.must_resume(way, trust.client(way), first, at(conf.HTTP),
                          second, at(conf.HTTP))
