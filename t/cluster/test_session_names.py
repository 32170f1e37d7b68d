"""What a name-based server says for itself holds for sessions by ID, too."""

import itertools

import pytest

from harness import clients, conf, process, session_load

SCOPED, OWN = 9001, 9002        # c.example with that scope, and without
SHARED = 9003                   # names of which each is different
UNCACHED = 9004
NO_TICKETS = 'ssl_session_tickets off;'


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache='shared:sessions:1m')
    for host in cluster.hosts:
        host.config.servers = [
            conf.Server(), conf.Server(conf.STREAM), conf.Server(conf.MAIL),
            conf.Server(name='b.example', extra=NO_TICKETS)] + [
            conf.Server(extra=NO_TICKETS, **parameters) for parameters in (
                {'port': SHARED},
                {'port': SHARED, 'name': 'c.example', 'scope': 'payments'},
                {'port': SHARED, 'name': 'off.example', 'sync': 'off'},
                {'port': SCOPED, 'name': 'c.example', 'scope': 'payments'},
                {'port': OWN, 'name': 'c.example'})] + [
            conf.Server(port=UNCACHED,
                        extra=NO_TICKETS + 'ssl_session_cache off;')]
    cluster.start()
    cluster.wait_agreed()
    return cluster


def pairs(cluster):
    return itertools.permutations(cluster.hosts, 2)


def resumed(client, first, second, there=None, **where):
    """Nobody waits for a store, so a client can be faster than it."""
    def once():
        session = client.full(first, **where).session
        result = client.connect(second, session=session,
                                **(where if there is None else there))
        assert result.error is None
        return result if result.reused else None

    return process.wait_until(once, 'a session of %s on %s'
                              % (first.name, second.name))


@pytest.mark.parametrize('kind', conf.KINDS)
def test_client_without_tickets(cluster, kind):
    """The server gives them, and this client takes none."""
    client = session_load.client('TLSv1.2')
    for first, second in pairs(cluster):
        result = resumed(client, first, second, kind=kind)
        assert not result.session.has_ticket
        if kind != conf.MAIL:
            assert result.fields['sync'] == 'id-remote'


def test_name_without_tickets(cluster):
    """In TLS 1.3 OpenSSL goes by the listener's default server."""
    client = clients.Client('TLSv1.2')
    for first, second in pairs(cluster):
        issued = first.group()['tickets']['issued']
        result = resumed(client, first, second, name='b.example')
        assert result.fields['sync'] == 'id-remote'
        assert first.group()['tickets']['issued'] == issued
    # next to a name that has them
    result = resumed(client, *cluster.hosts)
    assert result.fields['sync'] == 'ticket'


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_name_that_is_off(cluster, version):
    """Its sessions stay on their host, and open nothing else there."""
    first, second = cluster.hosts
    client = session_load.client(version)
    each = 2 if version == 'TLSv1.3' else 1
    resumed(client, first, second, port=SHARED)
    store(client, first, each)
    before = stored(first)
    for _ in range(5):
        where = {'name': 'off.example', 'port': SHARED}
        issued = client.full(first, **where)
        assert issued.fields['sync'] == ''
        for host, name in ((second, 'off.example'), (first, 'a.example'),
                           (second, 'a.example'), (first, 'c.example')):
            result = client.connect(host, session=issued.session,
                                    **{**where, 'name': name})
            assert result.error is None and not result.reused
    # two of them on the first host were full ones of names that are not off
    process.wait_until(lambda: stored(first) >= before + 10 * each, 'stores')
    store(client, first, each)
    assert stored(first) == before + 11 * each


def stored(host):
    shown = host.group()['sessions']
    return shown['stored'] + shown['dropped']


def store(client, host, each):
    """Stores are told of in order: so are those before."""
    before = stored(host)
    client.full(host, port=SHARED)
    process.wait_until(lambda: stored(host) >= before + each, 'stores')


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_name_with_a_scope(cluster, version):
    client = session_load.client(version)
    shared, scoped, own = ({'port': port, 'name': 'c.example'}
                           for port in (SHARED, SCOPED, OWN))
    for first, second in pairs(cluster):
        resumed(client, first, second, scoped, **shared)
        resumed(client, first, second, shared, **scoped)
        for where, there in ((shared, own), (own, shared),
                             (shared, {'port': SHARED})):
            session = client.full(first, **where).session
            result = client.connect(second, session=session, **there)
            assert result.error is None and not result.reused


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_cache_that_is_off(cluster, version):
    """It stays off: nothing is stored, nothing is looked up."""
    first, second = cluster.hosts
    client = session_load.client(version)
    each = 2 if version == 'TLSv1.3' else 1
    store(client, first, each)
    store(client, second, each)
    before = stored(first)
    lookups = second.group()['sessions']['lookups']
    for _ in range(5):
        session = client.full(first, port=UNCACHED).session
        for host in first, second:
            result = client.connect(host, session=session, port=UNCACHED)
            assert result.error is None and not result.reused
    store(client, first, each)
    store(client, second, each)
    assert stored(first) == before + each
    assert second.group()['sessions']['lookups'] == lookups
