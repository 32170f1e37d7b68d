"""Settings of a name-based server also apply to sessions by ID."""

import itertools

import pytest

from harness import clients, conf, session_load, sessions

SCOPED, OWN = 9001, 9002        # c.example with this scope, and without
SHARED = 9003                   # each name has different settings
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


@pytest.mark.parametrize('kind', conf.KINDS)
def test_client_without_tickets(cluster, kind):
    """The server issues tickets, and this client takes none."""
    client = session_load.client('TLSv1.2')
    for first, second in pairs(cluster):
        result = sessions.redeem(client, first, second, kind=kind)
        assert not result.session.has_ticket
        if kind != conf.MAIL:
            assert result.fields['sync'] == 'id-remote'


def test_name_without_tickets(cluster):
    client = clients.Client('TLSv1.2')
    for first, second in pairs(cluster):
        issued = first.group()['tickets']['issued']
        result = sessions.redeem(client, first, second, name='b.example')
        assert result.fields['sync'] == 'id-remote'
        assert first.group()['tickets']['issued'] == issued
    # next to a name that has tickets
    result = sessions.redeem(client, *cluster.hosts)
    assert result.fields['sync'] == 'ticket'


def test_name_without_tickets_in_tls_1_3(cluster):
    """Before nginx 1.29.2 OpenSSL uses the listener's setting, and finds no
    session.
    """
    client = clients.Client('TLSv1.3')
    early_name = cluster.build.version() >= (1, 29, 2)
    for first, second in pairs(cluster):
        where = {'name': 'b.example'}
        if early_name:
            result = sessions.redeem(client, first, second, **where)
            assert result.fields['sync'] == 'id-remote'
        else:
            session = client.full(first, **where).session
            result = client.connect(second, session=session, **where)
            assert result.error is None and not result.reused


def made_by_the_cluster(host, session):
    return session.identity[:4].hex() in host.keys()


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_name_that_is_off(cluster, version):
    """Sessions of a name that is "off" stay on their host, and resume nowhere
    else there.
    """
    first, second = cluster.hosts
    client = sessions.Client(version)
    synced = client.full(first, port=SHARED).session
    assert made_by_the_cluster(first, synced)
    where = {'name': 'off.example', 'port': SHARED}
    issued = client.full(first, **where)
    assert issued.fields['sync'] == ''
    assert not made_by_the_cluster(first, issued.session)
    for host, name in ((second, 'off.example'), (first, 'a.example'),
                       (second, 'a.example'), (first, 'c.example')):
        result = client.connect(host, session=issued.session, port=SHARED,
                                name=name)
        assert result.error is None and not result.reused
    result = client.connect(second, session=synced, **where)
    assert result.error is None and not result.reused


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_name_with_a_scope(cluster, version):
    client = session_load.client(version)
    shared, scoped, own = ({'port': port, 'name': 'c.example'}
                           for port in (SHARED, SCOPED, OWN))
    for first, second in pairs(cluster):
        sessions.redeem(client, first, second, scoped, **shared)
        sessions.redeem(client, first, second, shared, **scoped)
        for where, there in ((shared, own), (own, shared),
                             (shared, {'port': SHARED})):
            session = client.full(first, **where).session
            result = client.connect(second, session=session, **there)
            assert result.error is None and not result.reused


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_cache_that_is_off(cluster, version):
    """With "ssl_session_cache off" there is no ID that could be looked up."""
    client = sessions.Client(version)
    for first, second in itertools.product(cluster.hosts, repeat=2):
        session = client.full(first, port=UNCACHED).session
        if session is not None:
            assert not made_by_the_cluster(first, session)
        result = client.connect(second, session=session, port=UNCACHED)
        assert result.error is None and not result.reused


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_synced_session_at_a_name_that_is_off(cluster, version):
    """It does not resume there, even on its own host, where nginx's cache has
    it.
    """
    first = cluster.hosts[0]
    client = sessions.Client(version)
    session = client.full(first, port=SHARED).session
    result = client.connect(first, session=session, port=SHARED,
                            name='off.example')
    assert result.error is None and not result.reused
