"""Workers that die, reloads, binary upgrades."""

import signal
import socket

from harness import clients, cluster as clusters, conf, load, process


def speaker(host):
    return host.group()['speaker']


def kill_worker(host, pid):
    host.expected.append('exited on signal 9')
    process.kill(pid, signal.SIGKILL)
    process.wait_until(
        lambda: pid not in host.workers()
        and len(host.workers()) == host.config.workers, 'a new worker')


def test_speaking_worker_is_killed(make_cluster):
    """The worker that polls is killed: another one takes over, no key is lost.
    """
    cluster = make_cluster(hosts=2)
    cluster.wait_agreed()
    host, other = cluster.hosts
    for _ in range(2):
        before = process.wait_until(lambda: speaker(host), 'a speaker')
        keys = host.keys()
        tickets = [(c, c.full(host).session)
                   for c in map(clients.Client, clients.VERSIONS)]
        assert before in host.workers()
        kill_worker(host, before)
        assert host.keys() >= keys
        process.wait_until(lambda before=before: speaker(host)
                           not in (0, None, before), 'another speaker')
        assert speaker(host) in host.workers()
        polls = host.group()['servers'][0]['polls']
        process.wait_until(
            lambda polls=polls: host.group()['servers'][0]['polls'] != polls,
            'the new speaker to poll')
        for client, session in tickets:
            for server in (host, other):
                result = client.connect(server, session=session)
                assert result.error is None and result.reused
    cluster.wait_rotations(2)
    cluster.wait_agreed()


def test_all_workers_are_killed(make_cluster):
    """All workers are killed: the keys stay in the zone, which the master has.
    """
    cluster = make_cluster(hosts=1, memcached_servers=0, rotation='7d')
    host = cluster.hosts[0]
    key = clusters.current_key(host)
    tickets = [(c, c.full(host).session)
               for c in map(clients.Client, clients.VERSIONS)]
    for pid in host.workers():
        kill_worker(host, pid)
    assert clusters.current_key(host) == key
    for client, session in tickets:
        result = client.connect(host, session=session)
        assert result.error is None and result.reused


def test_reload_under_load(make_cluster):
    cluster = make_cluster(hosts=2)
    cluster.wait_agreed()
    with load.Load(cluster.hosts, lifetime=250):
        for _ in range(3):
            for host in cluster.hosts:
                keys = host.keys()
                host.reload()
                assert host.keys() >= keys
        cluster.wait_rotations(1)
    cluster.wait_agreed()


def test_reload_keeps_the_ring_without_memcached(make_cluster):
    """A reload while no server answers: the keys come from the zone."""
    cluster = make_cluster(hosts=1, rotation='7d')
    host = cluster.hosts[0]
    key = clusters.current_key(host)
    for server in cluster.memcached:
        server.kill()
    with load.Load([host], lifetime=250) as steady:
        for _ in range(2):
            host.reload()
            assert clusters.current_key(host) == key
        process.wait_until(lambda: steady.resumed > 30, 'some load')


def test_reload_changes_the_rotation(make_cluster):
    """Keys of the old rotation still decrypt."""
    cluster = make_cluster(hosts=2, rotation='4s')
    cluster.wait_agreed()
    with load.Load(cluster.hosts, lifetime=250) as steady:
        for rotation in ('6s', '3s'):
            for host in cluster.hosts:
                host.config.groups[0].rotation = rotation
                host.reload()
            cluster.wait_agreed()
            resumed = steady.resumed
            process.wait_until(lambda resumed=resumed:
                               steady.resumed > resumed + 50, 'some load')


def test_reload_with_another_zone_size(make_cluster):
    """A longer timeout needs more keys, for which nginx makes a new zone."""
    cluster = make_cluster(hosts=2, rotation='7d')
    cluster.wait_agreed()
    cluster.wait_whole()
    with load.Load(cluster.hosts, lifetime=250) as steady:
        host = cluster.hosts[0]
        capacity = host.group()['ring_capacity']
        host.config.session_timeout = '5000d'
        host.reload()
        assert host.group()['ring_capacity'] > capacity
        cluster.wait_agreed()
        resumed = steady.resumed
        process.wait_until(lambda: steady.resumed > resumed + 50, 'load')


def test_refused_reload_harms_nothing(make_cluster):
    cluster = make_cluster(hosts=1, rotation='7d')
    host = cluster.hosts[0]
    host.expected.append('[emerg]')
    key = clusters.current_key(host)
    host.config.groups[0].secrets = ['not a secret']
    with load.Load([host], lifetime=250) as steady:
        try:
            host.reload()
        except RuntimeError:
            pass
        else:
            raise AssertionError('a malformed secret was accepted')
        resumed = steady.resumed
        process.wait_until(lambda: steady.resumed > resumed + 30, 'load')
    assert clusters.current_key(host) == key


def test_binary_upgrade_under_load(make_cluster):
    cluster = make_cluster(hosts=2)
    cluster.wait_agreed()
    cluster.wait_whole()
    with load.Load(cluster.hosts, lifetime=250):
        for host in cluster.hosts:
            host.upgrade()
        cluster.wait_agreed()
        cluster.wait_rotations(1)


def test_long_connection_over_a_reload(make_cluster):
    """An old worker that still serves a connection delays nothing."""
    cluster = make_cluster(hosts=1, memcached_servers=1)
    host = cluster.hosts[0]
    with socket.create_connection((host.address, conf.PORT[conf.HTTP]), 10):
        host.reload()
        cluster.wait_rotations(1)
        for version in clients.VERSIONS:
            client = clients.Client(version)
            session = client.full(host).session
            assert client.connect(host, session=session).reused
