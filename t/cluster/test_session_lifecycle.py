"""Reload, death and upgrade of hosts while clients resume by session ID."""

import os
import signal
import socket
import threading
import time

from harness import clients, conf, process, session_load, sessions

# so long that a busy machine makes no difference
PATIENT = '10s'


def start(make_cluster, **parameters):
    parameters = {'hosts': 2, 'memcached_servers': 2, 'rotation': '7d',
                  'lookup_timeout': PATIENT, **parameters}
    cluster = make_cluster(start=False, **parameters)
    sessions.without_tickets(cluster.hosts)
    cluster.start()
    cluster.wait_agreed()
    connect(cluster)
    return cluster


def connect(cluster):
    """Waits until sessions of every host resume on every host."""
    for version in clients.VERSIONS:
        one = session_load.client(version)
        for first in cluster.hosts:
            for second in cluster.hosts:
                process.wait_until(
                    lambda one=one, first=first, second=second:
                    one.connect(second,
                                session=one.full(first).session).reused,
                    'a session of %s on %s' % (first.name, second.name))


def threads(pid):
    return len(os.listdir('/proc/%d/task' % pid))


def wait_ended(pids, what):
    """Waits until all old workers and their threads have ended."""
    process.wait_until(lambda: not any(process.alive(pid) for pid in pids),
                       what)


def test_reload_under_load(make_cluster):
    cluster = start(make_cluster, hosts=3,
                    session_cache='shared:sessions:1m')
    old = session_load.Stored(cluster, times=2)
    with session_load.SessionLoad(cluster.hosts) as load:
        load.wait_for(30)
        for _ in range(2):
            workers = [pid for host in cluster.hosts
                       for pid in host.workers()]
            for host in cluster.hosts:
                host.reload()
            old.redeem()
            load.wait_for(30)
            wait_ended(workers, 'old workers to end')


def test_worker_killed_under_load(make_cluster):
    """Connections of the killed worker are lost, and no session is."""
    cluster = start(make_cluster, hosts=2)
    old = session_load.Stored(cluster, times=4)
    # what the worker was doing is lost with it
    with session_load.SessionLoad(cluster.hosts, must_resume=False) as load:
        for number in range(4):
            load.wait_for(20)
            host = cluster.hosts[number % 2]
            host.expected.append('exited on signal 9')
            victim = host.workers()[0]
            since = time.monotonic()
            process.kill(victim)
            wait_ended([victim], 'the killed worker to end')
            load.killed(since)
            process.wait_until(
                lambda host=host:
                len(host.workers()) == host.config.workers, 'a new worker')
            old.redeem()
        load.wait_for(20)


def test_upgrade_under_load(make_cluster):
    """USR2; WINCH ends the old workers, and QUIT the old master."""
    cluster = start(make_cluster, hosts=2)
    old = session_load.Stored(cluster, times=3)
    host = cluster.hosts[0]
    with session_load.SessionLoad(cluster.hosts) as load:
        load.wait_for(20)
        master, workers = host.pid, host.workers()
        host.second_master()
        old.redeem()
        load.wait_for(20)
        process.kill(master, signal.SIGWINCH)
        wait_ended(workers, 'the old workers to end')
        assert process.alive(master)
        old.redeem()
        load.wait_for(20)
        process.kill(master, signal.SIGQUIT)
        wait_ended([master], 'the old master to end')
        old.redeem()
        load.wait_for(20)


class Held:
    """Handshakes that wait for an answer of memcached."""

    def __init__(self, host, sessions):
        self.results = []
        self.threads = [
            threading.Thread(target=self._resume, args=[host, one, session])
            for one, session in sessions]

    def _resume(self, host, one, session):
        self.results.append(one.connect(host, session=session))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *exc):
        for thread in self.threads:
            thread.join()


def waiting(host):
    """The number of connections whose handshake is under way, by its sockets.
    """
    return host.group()['engines']['waiting']


def frozen_with_sessions(make_cluster, count):
    """A host whose memcached is frozen, and sessions of another host."""
    cluster = start(make_cluster, memcached_servers=1, workers=1,
                    lookup_timeout='5s')
    first, second = cluster.hosts
    sessions = []
    for number in range(count):
        one = session_load.client(clients.VERSIONS[number % 2])
        sessions.append((one, one.full(first).session))
    process.wait_until(
        lambda: first.group()['sessions']['stored'] >= count, 'stores')
    cluster.memcached[0].freeze()
    return cluster, second, sessions


def test_quit_while_handshakes_are_held(make_cluster):
    """A reload while memcached is frozen: handshakes that are held become full
    ones.
    """
    cluster, host, sessions = frozen_with_sessions(make_cluster, 6)
    worker = host.workers()[0]
    with Held(host, sessions) as held:
        process.wait_until(lambda: waiting(host) == 6, 'held handshakes')
        process.kill(host.pid, signal.SIGHUP)
        wait_ended([worker], 'a worker with held handshakes to end')
    assert [r for r in held.results if r.error or r.reused] == []
    cluster.memcached[0].thaw()
    connect(cluster)


def breakers(host):
    return host.group()['engines']['breakers_open']


def test_a_worker_that_is_gone_waits_for_nothing(make_cluster):
    """A worker that ends is no longer counted with its open breaker and its
    lookup.
    """
    cluster = start(make_cluster, memcached_servers=1, workers=1,
                    lookup_timeout='300ms')
    first, second = cluster.hosts
    one = session_load.client('TLSv1.2')
    session = one.full(first).session
    for end in 'reload', 'kill':
        cluster.memcached[0].freeze()
        process.wait_until(
            lambda: one.connect(second, session=session).error is None
            and breakers(second) == 1, 'the breaker to open')
        worker = second.workers()[0]
        if end == 'kill':
            second.expected.append('exited on signal 9')
            process.kill(worker)
            process.wait_until(lambda worker=worker: second.workers()
                               not in ([], [worker]), 'a new worker')
        else:
            second.reload()
        wait_ended([worker], 'the worker to end')
        cluster.memcached[0].thaw()
        process.wait_until(lambda: breakers(second) == 0
                           and waiting(second) == 0,
                           'the breaker of the dead worker to be forgotten')
        connect(cluster)


def test_a_worker_that_lingers_tells_the_truth(make_cluster):
    """An old worker that still serves a connection goes on reporting: its
    breaker has closed.
    """
    cluster = start(make_cluster, memcached_servers=1, workers=1,
                    lookup_timeout='300ms')
    first, second = cluster.hosts
    one = session_load.client('TLSv1.2')
    session = one.full(first).session
    with socket.create_connection(
            (second.address, conf.PORT[conf.HTTP]), 10):
        cluster.memcached[0].freeze()
        process.wait_until(
            lambda: one.connect(second, session=session).error is None
            and breakers(second) == 1, 'the breaker to open')
        old, = second.workers()
        second.reload()
        cluster.memcached[0].thaw()
        process.wait_until(lambda: breakers(second) == 0,
                           'the breaker to be closed')
        assert process.alive(old)


def test_counters_outlive_a_worker(make_cluster):
    """What a worker has counted after its last tick is not lost when it ends.
    """
    cluster = start(make_cluster, memcached_servers=1, workers=1,
                    poll='60s', rotation='7d')
    host = cluster.hosts[0]
    before = host.group()['sessions']['stored']
    one = session_load.client('TLSv1.2')
    for _ in range(10):
        one.full(host)
    host.reload()
    process.wait_until(
        lambda: host.group()['sessions']['stored'] >= before + 10,
        'the stores of the old worker to be counted')


def test_reload_changes_the_servers(make_cluster):
    """In another order the servers have the same sessions; a new server gets a
    share.
    """
    cluster = start(make_cluster)
    old = session_load.Stored(cluster)
    extra = cluster.add_memcached()
    extra.start()
    with session_load.SessionLoad(cluster.hosts, must_resume=False) as load:
        load.wait_for(20)
        for host in cluster.hosts:
            host.config.groups[0].memcached.reverse()
            host.reload()
        old.redeem()
        for host in cluster.hosts:
            host.config.groups[0].memcached.append(extra.server)
            host.reload()
        load.wait_for(20)
        cluster.wait_whole()
        connect(cluster)
        process.wait_until(lambda: len(extra.keys()) > 3,
                           'sessions on the new server')
        for host in cluster.hosts:
            host.config.groups[0].memcached = [extra.server]
            host.reload()
        connect(cluster)
        load.wait_for(20)


def test_reload_changes_the_lookup_timeout(make_cluster):
    cluster = start(make_cluster, memcached_servers=1)
    old = session_load.Stored(cluster)
    host = cluster.hosts[1]
    with session_load.SessionLoad(cluster.hosts) as load:
        load.wait_for(20)
        host.config.groups[0].lookup_timeout = '20s'
        host.reload()
        load.wait_for(20)
    old.redeem()
    one = session_load.client('TLSv1.2')
    session = one.full(cluster.hosts[0]).session
    process.wait_until(lambda: one.connect(host, session=session).reused,
                       'the session to be stored')
    host.config.groups[0].lookup_timeout = '200ms'
    host.reload()
    cluster.memcached[0].freeze()
    result = one.connect(host, session=session)
    assert result.error is None and not result.reused
    assert result.seconds < 10, result.seconds


def test_reload_takes_the_module_away(make_cluster):
    """A reload without the module leaves no thread; with it again, sessions
    resume.
    """
    cluster = start(make_cluster)
    old = session_load.Stored(cluster)
    host = cluster.hosts[1]
    with session_load.SessionLoad(cluster.hosts, must_resume=False) as load:
        for attempt in range(2):
            load.wait_for(20)
            workers = host.workers()
            # first without the directives, then without the module
            host.config.synced = False
            host.reload()
            wait_ended(workers, 'old workers to end')
            assert [threads(pid) for pid in host.workers()] == [1, 1]
            result = session_load.client('TLSv1.2').full(host)
            assert 'sync' not in result.fields, attempt
            host.config.synced = True
            host.reload()
        load.wait_for(20)
        for server in host.config.servers:
            server.sync = 'off'
        workers = host.workers()
        host.reload()
        wait_ended(workers, 'old workers to end')
        result = session_load.client('TLSv1.2').full(host)
        assert result.fields['sync'] == ''
        for server in host.config.servers:
            server.sync = 'main'
        host.reload()
        load.wait_for(20)
    old.redeem()
