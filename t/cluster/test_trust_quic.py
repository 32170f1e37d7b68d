"""Sessions by ID over QUIC, where no handshake can be held: as in plain nginx.
"""

import pytest

from harness import conf, trust

PORT = conf.PORT[conf.HTTP]
NAMES = ['a.example', 'b.example', 'off.example']


@pytest.fixture(name='cluster')
def fixture_cluster(make_cluster):
    """The third host is plain nginx with the same configuration."""
    cluster = make_cluster(hosts=3, memcached_servers=1, rotation='7d',
                           start=False, session_cache=trust.CACHE)
    if not cluster.hosts[0].build.has('with-http_v3_module'):
        pytest.skip('this nginx has no HTTP/3')
    for host in cluster.hosts:
        listen = 'listen %s:%d quic' % (host.address, PORT)
        # for QUIC this is the time in which a handshake must be complete
        more = '; keepalive_timeout 10s; ssl_session_tickets off;'
        host.config.servers = [
            conf.Server(name=name, sync='off' if name == 'off.example'
                        else 'main', extra=listen
                        + (' reuseport' if name == NAMES[0] else '') + more)
            for name in NAMES]
    cluster.hosts[2].config.synced = False
    cluster.start()
    cluster.wait_agreed(cluster.hosts[:2])
    return cluster


def visit(host, name, session=None):
    from harness import quic
    result = quic.get(host, PORT, name, session)
    assert result.error is None, result
    return result


@pytest.mark.parametrize('name', NAMES)
def test_own_host(cluster, name):
    """They resume on their own host again and again."""
    for host in cluster.hosts[2], cluster.hosts[0]:
        result = visit(host, name)
        assert not result.reused
        for _ in range(3):
            result = visit(host, name, result.session)
            assert result.reused, '%s: %r' % (host.name, result)
            if host.config.synced and name != 'off.example':
                assert result.fields['sync'] == 'id-local'


def test_another_name(cluster):
    """They do not resume for another name, which nginx's cache does not check.
    """
    host = cluster.hosts[0]
    for name in NAMES:
        for other in NAMES:
            if other != name:
                session = visit(host, name).session
                assert not visit(host, other, session).reused


def test_another_host(cluster):
    """On another host there is a full handshake, and no failure."""
    first, second = cluster.hosts[:2]
    for name in NAMES:
        session = visit(first, name).session
        assert not visit(second, name, session).reused


def test_tcp(cluster):
    """Over TCP, beside it, sessions by ID resume on every host."""
    first, second = cluster.hosts[:2]
    for version in trust.VERSIONS:
        way = version, trust.ID
        where = {'port': PORT - trust.WITHOUT, 'name': 'a.example'}
        trust.must_resume(way, trust.client(way), first, where, second,
                          where)
