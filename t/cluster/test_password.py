"""memcached with a password (-Y), and hosts with and without it."""

import pytest

from harness import clients, load, process, record, sessions, unusable

PASSWORD = 'nginx:se:cretwOrd'
REFUSED = 'memcached refuses the password of auth_file'
WANTED = 'memcached wants a password: give auth_file'


@pytest.fixture
def guarded(make_cluster):
    """memcached with a password; hosts that are not started yet have it, too.
    """
    def make(servers=1, rotation='7d', **parameters):
        cluster = make_cluster(forward_secrecy='off',
                               start=False, memcached_servers=0, hosts=0,
                               rotation=rotation, **parameters)
        for _ in range(servers):
            server = cluster.add_memcached()
            server.password = PASSWORD
            server.start()
        for _ in range(2):
            cluster.add_host(password=PASSWORD)
        return cluster
    return make


def known_to_nobody(cluster):
    """The password is in no log and in no status."""
    for host in cluster.hosts:
        for text in host.log(), host.get('/status'):
            assert 'wOrd' not in text


def test_keys_and_sessions(guarded):
    cluster = guarded(session_cache='none')
    sessions.without_tickets(cluster.hosts)
    cluster.start()
    cluster.wait_agreed()
    cluster.wait_whole()
    keys = {key.short_name for key in record.ring_of(cluster.memcached[0],
                                                     cluster.secret)}
    assert cluster.hosts[0].keys() == cluster.hosts[1].keys() == keys
    for version in clients.VERSIONS:
        sessions.redeem(sessions.Client(version), *cluster.hosts)
    # the password is sent again on a new connection
    cluster.memcached[0].restart()
    cluster.wait_whole()
    for version in clients.VERSIONS:
        sessions.redeem(sessions.Client(version), *cluster.hosts)
    known_to_nobody(cluster)


def test_server_without_password(make_cluster):
    """A server without a password takes the command, and stores nothing."""
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, memcached_servers=1, rotation='7d',
                           password=PASSWORD)
    cluster.wait_agreed()
    cluster.wait_whole()
    with cluster.memcached[0].connect() as c:
        assert c.get('sss1:auth') is None
    unusable.handshakes(cluster.hosts[0])
    known_to_nobody(cluster)


def test_wrong_password(guarded):
    """The server is down, with the reason, until a reload brings the right
    one.
    """
    cluster = guarded()
    good, bad = cluster.hosts
    group = bad.config.groups[0]
    group.password = 'nginx:another'
    cluster.start()
    unusable.wait_error(bad, cluster.memcached[0], REFUSED)
    unusable.handshakes(bad)
    assert bad.group()['state'] == 'cut off'
    process.wait_until(lambda: good.group()['state'] == 'ok', 'state "ok"')
    process.wait_until(
        lambda: unusable.server(bad, cluster.memcached[0])['errors'] >= 6,
        'more refusals')
    assert len(bad.warnings(REFUSED)) < 6
    assert 'another' not in bad.log()
    group.password = PASSWORD
    bad.reload()
    cluster.wait_agreed()
    known_to_nobody(cluster)


def test_no_password(guarded):
    cluster = guarded()
    without = cluster.hosts[0]
    without.config.groups[0].password = None
    cluster.start()
    unusable.wait_error(without, cluster.memcached[0], WANTED)
    unusable.handshakes(without)
    without.config.groups[0].password = PASSWORD
    without.reload()
    cluster.wait_agreed()


def test_password_is_changed(guarded):
    """The password is changed on memcached first: hosts go on alone until they
    have it.
    """
    cluster = guarded()
    cluster.start()
    cluster.wait_agreed()
    memcached = cluster.memcached[0]
    memcached.password = 'nginx:new'
    memcached.restart()
    for host in cluster.hosts:
        unusable.wait_error(host, cluster.memcached[0], REFUSED)
        unusable.handshakes(host)
        host.config.groups[0].password = memcached.password
        host.reload()
    cluster.wait_agreed()
    cluster.wait_whole()


def test_password_is_exchanged(guarded):
    """memcached accepts both passwords for some time, as docs/operations.md
    says.
    """
    new = 'nginx:new'
    cluster = guarded(servers=2, rotation='8s')
    cluster.start()
    cluster.wait_agreed()
    cluster.wait_whole()

    def memcached_has(passwords):
        for server in cluster.memcached:
            server.password = passwords
            server.kill()
            for host in cluster.hosts:
                process.wait_until(
                    lambda host=host, server=server:
                    unusable.server(host, server)['state'] == 'down',
                    'the server to be down')
            server.start()
            cluster.wait_whole()

    with load.Load(cluster.hosts, lifetime=250):
        memcached_has(PASSWORD + '\n' + new)
        for host in cluster.hosts:
            host.config.groups[0].password = new
            host.reload()
            cluster.wait_whole()
        memcached_has(new)
    cluster.wait_agreed()
