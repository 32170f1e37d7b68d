"""What can happen to memcached, and must not affect handshakes."""

import itertools
import time

import pytest

from harness import (clients, forwarder, load, memcached, process, proxy,
                     record)

# seconds; longer than the half second that a poll waits for an answer
SLOW = 2.0


@pytest.fixture
def cluster(make_cluster):
    """A cluster whose keys rotate quickly, with tickets that outlive the test.
    """
    cluster = make_cluster(forward_secrecy='off', hosts=2)
    cluster.wait_agreed()
    cluster.wait_whole()
    return cluster


def ring(cluster, server):
    """The short names of the keys in one memcached server."""
    return {key.short_name for key in record.ring_of(server, cluster.secret)}


def wait_ring(cluster, server):
    """Waits until a server has every key that any host has."""
    def whole():
        held = ring(cluster, server)
        return all(host.keys() <= held for host in cluster.hosts)
    process.wait_until(whole, 'every key in ' + server.name)


def wait_state(cluster, state):
    process.wait_until(
        lambda: all(host.group()['state'] == state for host in cluster.hosts),
        'state "%s"' % state)


def wait_server(cluster, server, state):
    def seen():
        return all(s['state'] == state for host in cluster.hosts
                   for s in host.group()['servers']
                   if s['address'] == server.server)
    process.wait_until(seen, '%s to be %s' % (server.name, state))


def test_records_are_as_described(cluster):
    """A ring can be opened with the secret and the documented format alone."""
    server = cluster.memcached[0]
    keys = record.ring_of(server, cluster.secret)
    assert {key.short_name for key in keys} >= cluster.hosts[0].keys()
    shown = {key['name']: key for key in cluster.hosts[0].group()['keys']}
    for key in keys:
        if key.short_name in shown:
            assert key.slot == shown[key.short_name]['slot']
            assert key.rotation == 4
            assert key.expires == shown[key.short_name]['expires']
    names = set(server.items())
    assert names == {record.ring_name(cluster.secret, 'main'),
                     record.presence_name('main')}


def test_records_expire(cluster):
    """memcached drops a ring when its last key has expired."""
    server = cluster.memcached[0]
    name = record.ring_name(cluster.secret, 'main')
    with server.connect() as c:
        keys = record.open_ring(cluster.secret, 'main', c.get(name))
        until = time.time() + c.lifetime(name)
    latest = max(key.expires for key in keys)
    assert abs(until - latest) <= 10


def test_kill_one(cluster):
    victim, survivor = cluster.memcached
    with load.Load(cluster.hosts, lifetime=250):
        victim.kill()
        wait_server(cluster, victim, 'down')
        cluster.wait_rotations(2)
        wait_ring(cluster, survivor)
        victim.start()
        wait_server(cluster, victim, 'up')
        wait_ring(cluster, victim)


def test_kill_all(cluster):
    """All servers are killed: hosts go on with their keys, and make those that
    are due.
    """
    with load.Load(cluster.hosts[:1], lifetime=250), \
            load.Load(cluster.hosts[1:], lifetime=250):
        for server in cluster.memcached:
            server.kill()
        wait_state(cluster, 'cut off')
        cluster.wait_rotations(2)
        for server in cluster.memcached:
            server.start()
        wait_state(cluster, 'ok')
        cluster.wait_agreed()
        cluster.wait_whole()
    with load.Load(cluster.hosts, lifetime=250) as mixed:
        process.wait_until(lambda: mixed.resumed > 50, 'some load')


def test_restart_empty(cluster):
    with load.Load(cluster.hosts, lifetime=250):
        for server in cluster.memcached:
            server.restart()
        for server in cluster.memcached:
            wait_ring(cluster, server)


def test_flush_all(cluster):
    with load.Load(cluster.hosts, lifetime=250):
        for server in cluster.memcached:
            server.flush()
        for server in cluster.memcached:
            wait_ring(cluster, server)


def test_freeze_one(cluster):
    victim, survivor = cluster.memcached
    with load.Load(cluster.hosts, lifetime=250):
        victim.freeze()
        wait_server(cluster, victim, 'down')
        cluster.wait_rotations(2)
        wait_ring(cluster, survivor)
        victim.thaw()
        wait_server(cluster, victim, 'up')
        wait_ring(cluster, victim)


def test_freeze_all(cluster):
    with load.Load(cluster.hosts[:1], lifetime=250), \
            load.Load(cluster.hosts[1:], lifetime=250):
        for server in cluster.memcached:
            server.freeze()
        wait_state(cluster, 'cut off')
        cluster.wait_rotations(1)
        for server in cluster.memcached:
            server.thaw()
        wait_state(cluster, 'ok')
        cluster.wait_agreed()


def garbage(cluster, sealed):
    return bytes(range(256)) * 3


def empty(cluster, sealed):
    return b''


def truncated(cluster, sealed):
    return sealed[:-5]


def header_only(cluster, sealed):
    return sealed[:record.HEADER]


def bit_flipped(cluster, sealed):
    middle = len(sealed) // 2
    return (sealed[:middle] + bytes([sealed[middle] ^ 1])
            + sealed[middle + 1:])


def other_namespace(cluster, sealed):
    """The record that another cluster with the same secret would have there.
    """
    return record.seal(cluster.secret, 'other',
                       record.unseal(cluster.secret, 'main', sealed))


def other_secret(cluster, sealed):
    return record.seal('5' * 63 + 'a', 'main',
                       record.unseal(cluster.secret, 'main', sealed))


def other_purpose(cluster, sealed):
    return record.seal(cluster.secret, 'main',
                       record.unseal(cluster.secret, 'main', sealed), 2)


def other_version(cluster, sealed):
    return sealed[:4] + bytes([2]) + sealed[5:]


def half_a_key(cluster, sealed):
    """A correctly sealed record whose contents are no ring."""
    return record.seal(cluster.secret, 'main',
                       record.unseal(cluster.secret, 'main', sealed)[:-54])


def huge(cluster, sealed):
    return b'S' * 1000000


BROKEN = [garbage, empty, truncated, header_only, bit_flipped,
          other_namespace, other_secret, other_purpose, other_version,
          half_a_key, huge]


@pytest.fixture(scope='module')
def steady(make_module_cluster):
    """A cluster whose keys do not change while records are broken and
    repaired.
    """
    cluster = make_module_cluster(forward_secrecy='off',
                                  hosts=2, rotation='7d', poll='200ms')
    cluster.wait_agreed()
    cluster.wait_whole()
    return cluster


@pytest.mark.parametrize('broken', BROKEN, ids=lambda f: f.__name__)
def test_broken_record(steady, broken):
    """A broken record is counted, logged once, ignored and replaced."""
    name = record.ring_name(steady.secret, 'main')
    keys = steady.hosts[0].keys()
    before = bad_records(steady)
    tickets = [(c, c.full(steady.hosts[0]).session)
               for c in map(clients.Client, clients.VERSIONS)]

    for server in steady.memcached:
        server.set(name, broken(steady, server.get(name)))
    process.wait_until(lambda: bad_records(steady) > before,
                       'the record to be counted')
    for server in steady.memcached:
        process.wait_until(lambda server=server: repaired(steady, server),
                           'the record to be replaced')

    for client, session in tickets:
        for host in steady.hosts:
            result = client.connect(host, session=session)
            assert result.error is None and result.reused
    assert steady.hosts[0].keys() >= keys


def repaired(cluster, server):
    try:
        return (ring(cluster, server) >= cluster.hosts[0].keys()
                and bool(ring(cluster, server)))
    except record.BadRecord:
        return False


def bad_records(cluster):
    return sum(server['bad_records'] for host in cluster.hosts
               for server in host.group()['servers'])


def test_broken_record_is_logged_once(lab, make_cluster):
    """A broken record is logged once, though every poll finds it again."""
    cluster = make_cluster(forward_secrecy='off',
                           hosts=1, memcached_servers=1, rotation='7d',
                           start=False)
    host = cluster.hosts[0]
    name = record.ring_name(cluster.secret, 'main').encode()
    versions = itertools.count(1)

    def tell(words):
        if words[0] in (b'get', b'gets') and name in words:
            return b'VALUE %s 0 7 %d\r\ngarbage\r\nEND\r\n' % (
                name, next(versions))
        return b'STORED\r\n' if name in words else None

    with proxy.Proxy(cluster.memcached[0], lab.network.address) as way:
        host.config.groups[0].memcached = [way.server]
        cluster.start()
        cluster.wait_whole(servers=[way])
        way.lie = tell
        process.wait_until(lambda: bad_records(cluster) >= 8, 'bad records')
        told = [line for line in host.warnings('ssl_session_sync:')
                if 'record' in line]
        host.stop()
    assert len(told) == 1, told


def test_old_record_of_its_own(make_cluster):
    """An old ring has a part of the keys: the missing ones are written back.
    """
    cluster = make_cluster(forward_secrecy='off', hosts=2)
    cluster.wait_agreed()
    cluster.wait_whole()
    name = record.ring_name(cluster.secret, 'main')
    old = [server.get(name) for server in cluster.memcached]
    with load.Load(cluster.hosts, lifetime=250):
        cluster.wait_rotations(2)
        for server, value in zip(cluster.memcached, old):
            server.set(name, value)
        for server in cluster.memcached:
            wait_ring(cluster, server)


def test_presence_record_garbage(steady):
    name = record.presence_name('main')
    for server in steady.memcached:
        server.set(name, b'SSSP\x01\xff' + bytes(100))
    for server in steady.memcached:
        process.wait_until(
            lambda server=server: record.fingerprint(steady.secret)
            in (server.get(name) or b''), 'the presence record to be new')
    assert all(host.group()['state'] == 'ok' for host in steady.hosts)


def test_slow_memcached(lab, make_cluster):
    """A server slower than a poll waits is treated like one that is gone."""
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, memcached_servers=1, start=False)
    server = cluster.memcached[0]
    with forwarder.Forwarder(lab.network.address,
                             [(server.address, memcached.PORT)],
                             pair=server.pair) as way:
        for host in cluster.hosts:
            host.config.groups[0].memcached = [way.server]
        cluster.start()
        cluster.wait_agreed()
        with load.Load(cluster.hosts[:1], lifetime=250), \
                load.Load(cluster.hosts[1:], lifetime=250):
            way.delay = SLOW
            wait_state(cluster, 'cut off')
            cluster.wait_rotations(1)
            way.delay = 0.0
            wait_state(cluster, 'ok')
            cluster.wait_agreed()
        for host in cluster.hosts:
            host.stop()


def test_small_delay_is_no_matter(lab, make_cluster):
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, memcached_servers=1, start=False)
    server = cluster.memcached[0]
    with forwarder.Forwarder(lab.network.address,
                             [(server.address, memcached.PORT)], delay=0.01,
                             pair=server.pair) as way:
        for host in cluster.hosts:
            host.config.groups[0].memcached = [way.server]
        cluster.start()
        cluster.wait_agreed()
        with load.Load(cluster.hosts, lifetime=250):
            cluster.wait_rotations(2)
        for host in cluster.hosts:
            host.stop()


def test_started_without_memcached(make_cluster):
    """A host that starts without memcached serves alone, and merges its keys
    with those of the others later.
    """
    cluster = make_cluster(forward_secrecy='off', hosts=2, start=False)
    for server in cluster.memcached:
        server.kill()
    cluster.start()
    wait_state(cluster, 'cut off')
    tickets = []
    for version in clients.VERSIONS:
        for host in cluster.hosts:
            client = clients.Client(version)
            tickets.append((client, client.full(host).session))
    for server in cluster.memcached:
        server.start()
    cluster.wait_agreed()
    for client, session in tickets:
        for host in cluster.hosts:
            result = client.connect(host, session=session)
            assert result.error is None and result.reused


def test_unix_socket_and_dead_address_in_a_list(make_cluster):
    """A server that never existed does not disturb the others."""
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, memcached_servers=1, start=False)
    for host in cluster.hosts:
        host.config.groups[0].memcached = [
            'unix:' + host.path('no-such-socket'),
            cluster.memcached[0].server]
    cluster.start()
    cluster.wait_agreed()
    with load.Load(cluster.hosts, lifetime=250):
        cluster.wait_rotations(1)
