"""Sessions by ID resume on every host."""

import itertools
import socket
import ssl

import pytest

from harness import clients, conf, process, sessions


def by_id(version):
    client = clients.Client(version)
    client.context.options |= ssl.OP_NO_TICKET
    return client


def tickets_off(hosts):
    for host in hosts:
        for server in host.config.servers:
            server.extra += ' ssl_session_tickets off;'


@pytest.fixture(scope='module', params=['none', 'shared:sessions:1m',
                                        'builtin'])
def cluster(request, make_module_cluster):
    cluster = make_module_cluster(hosts=3, memcached_servers=2,
                                  rotation='7d', start=False,
                                  session_cache=request.param)
    tickets_off(cluster.hosts)
    cluster.start()
    cluster.wait_agreed()
    warm(cluster)
    return cluster


def warm(cluster):
    """Waits until every worker is connected to memcached; stores do not wait
    for it.
    """
    for version in clients.VERSIONS:
        client = by_id(version)
        for first, second in itertools.permutations(cluster.hosts, 2):
            for _ in range(8):
                sessions.redeem(client, first, second)


@pytest.mark.parametrize('kind', conf.KINDS)
@pytest.mark.parametrize('version', clients.VERSIONS)
def test_pairs(cluster, version, kind):
    client = by_id(version)
    for first, second in itertools.permutations(cluster.hosts, 2):
        result = sessions.redeem(client, first, second, kind=kind)
        if kind == conf.HTTP:
            assert result.fields['sync'] == 'id-remote'


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_another_name(cluster, version):
    client = by_id(version)
    first, second = cluster.hosts[:2]
    for host in first, second:
        session = client.full(first, name='a.example').session
        result = client.connect(host, session=session, name='b.example')
        assert result.error is None and not result.reused


def test_used_twice(cluster):
    """TLS 1.3: a session is good for one handshake."""
    client = by_id('TLSv1.3')
    first, second, third = cluster.hosts
    process.wait_until(lambda: first.group()['sessions']['stored'] > 0,
                       'a store')
    session = client.full(first).session
    process.wait_until(lambda: client.connect(second, session=session).reused,
                       'the session')
    for host in cluster.hosts:
        assert not client.connect(host, session=session).reused


def test_memcached_frozen(make_cluster):
    cluster = make_cluster(hosts=2, memcached_servers=1, rotation='7d',
                           start=False, session_cache='shared:sessions:1m',
                           lookup_timeout='300ms')
    tickets_off(cluster.hosts)
    cluster.start()
    cluster.wait_agreed()
    warm(cluster)
    client = by_id('TLSv1.2')
    first, second = cluster.hosts
    session = client.full(first).session
    cluster.memcached[0].freeze()
    for _ in range(30):
        result = client.connect(second, session=session)
        assert result.error is None and not result.reused
        result = client.connect(first, session=session)
        assert result.error is None and result.reused
    cluster.memcached[0].thaw()
    process.wait_until(lambda: client.connect(
        second, session=client.full(first).session).reused, 'the breaker')
