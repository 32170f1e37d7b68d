"""Many handshakes of one worker that wait for memcached."""

import os
import signal
import statistics
import time

import pytest

from harness import callers, clients, conf, process, proxy, sessions

MANY = 1000
SOME = 40
# timeout of clients; on the second host handshakes may be held for longer
PATIENCE = 25.0


@pytest.fixture(scope='module')
def cluster(lab, make_module_cluster):
    """The second host reaches memcached through a proxy, and has a long
    lookup_timeout.
    """
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1, connections=4096,
                                  lookup_timeout='200s')
    for host in cluster.hosts:
        host.config.servers = [conf.Server(
            extra='client_header_timeout 200s;')]
    sessions.without_tickets(cluster.hosts)
    with proxy.Proxy(cluster.memcached[0], lab.network.address) as way:
        cluster.hosts[1].config.groups[0].memcached = [way.server]
        cluster.start()
        cluster.wait_agreed()
        for version in clients.VERSIONS:
            sessions.Chain(version).remote(*cluster.hosts)
        cluster.way = way
        yield cluster
        way.release()
        for host in cluster.hosts:
            host.stop()


def waiting(host):
    return host.group()['engines']['waiting']


def wait_waiting(host, count):
    process.wait_until(lambda: waiting(host) == count,
                       '%d to be waiting on %s' % (count, host.name), 150)


def remote(host):
    return host.group()['handshakes']['resumed_id_remote']


def meanwhile(host):
    """How long other clients are served, in seconds: without TLS, and with a
    full handshake.
    """
    plain, full = [], []
    chain = sessions.Chain('TLSv1.3', PATIENCE)
    for _ in range(20):
        began = time.monotonic()
        host.get('/status')
        plain.append(time.monotonic() - began)
        chain.session = None
        result = chain.offer(host)
        assert not result.reused
        full.append(result.seconds)
    assert max(plain) < PATIENCE
    return statistics.median(plain), statistics.median(full)


def tell(what, held, before):
    for name, one, other in zip(('plain request', 'full handshake'), held,
                                before):
        print('%s, %s: median %.2f ms, without %.2f ms'
              % (name, what, one * 1000, other * 1000))


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_all_held_at_once(cluster, version):
    first, second = cluster.hosts
    already = remote(second)
    before = meanwhile(second)
    cluster.way.hold()
    crowd = callers.Crowd(first, second, version, MANY, cluster.directory)
    wait_waiting(second, MANY)
    tell('%d held' % MANY, meanwhile(second), before)
    assert waiting(second) == MANY

    cluster.way.release()

    result = crowd.result()
    assert result['failures'] == 0, result
    assert result['resumed'] == MANY, result
    assert remote(second) == already + MANY
    wait_waiting(second, 0)


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_memcached_40_ms_away(cluster, version):
    first, second = cluster.hosts
    already = remote(second)
    before = meanwhile(second)
    cluster.way.delay = 0.04
    try:
        crowd = callers.Crowd(first, second, version, MANY,
                              cluster.directory)
        process.wait_until(lambda: remote(second) > already, 'the first', 150)
        tell('%d come' % MANY, meanwhile(second), before)
        result = crowd.result()
    finally:
        cluster.way.delay = 0.0
    assert result['failures'] == 0, result
    assert result['resumed'] == MANY, result
    assert remote(second) == already + MANY
    wait_waiting(second, 0)


def hold_some(cluster, version, count=SOME):
    """Opens connections on the second host that wait for the whole timeout."""
    first, second = cluster.hosts
    client = clients.Client(version)
    client.context.options |= clients.ssl.OP_NO_TICKET
    kept = [client.full(first).session for _ in range(count)]
    cluster.way.hold()
    held = [callers.Caller(client, second, session) for session in kept]
    wait_waiting(second, count)
    return held


def descriptors(host):
    worker, = host.workers()
    return len(os.listdir('/proc/%d/fd' % worker))


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_clients_hang_up(cluster, version):
    """Clients close their connections with FIN and with RST; others are
    served.
    """
    second = cluster.hosts[1]
    before = descriptors(second)
    already = remote(second)
    held = hold_some(cluster, version)
    stay = held[::4]
    for number, caller in enumerate(held):
        if caller not in stay:
            if number % 2:
                caller.hang_up()
            else:
                caller.reset()

    cluster.way.release()

    for caller in stay:
        result = caller.finish()
        assert result.error is None and result.reused
    wait_waiting(second, 0)
    process.wait_until(lambda: descriptors(second) <= before,
                       'the connections to be closed')
    assert remote(second) >= already + len(stay)


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_reload(cluster, version):
    """After a reload the old worker completes its handshakes, and ends."""
    second = cluster.hosts[1]
    old, = second.workers()
    held = hold_some(cluster, version)

    second.reload()
    assert process.alive(old)
    cluster.way.release()

    for caller in held:
        result = caller.finish()
        assert result.error is None and result.reused
        assert result.fields['sync'] == 'id-remote'
        assert int(result.fields['pid']) == old
    process.wait_until(lambda: not process.alive(old), 'the old worker')
    wait_waiting(second, 0)


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGKILL],
                         ids=['terminated', 'killed'])
def test_worker_ends(cluster, how):
    """A worker is killed: its connections are lost, and another one serves."""
    first, second = cluster.hosts
    old, = second.workers()
    held = hold_some(cluster, 'TLSv1.2')
    second.expected.append('exited on signal 9')

    process.kill(old, how)
    process.wait_until(lambda: not process.alive(old), 'the worker to end')
    cluster.way.release()

    for caller in held:
        assert caller.finish().error is not None
    process.wait_until(lambda: second.workers() not in ([], [old]),
                       'another worker')
    wait_waiting(second, 0)
    for chain in map(sessions.Chain, clients.VERSIONS):
        chain.remote(first, second)


def test_host_stops(cluster):
    """The host stops at once, although handshakes wait."""
    first, second = cluster.hosts
    held = hold_some(cluster, 'TLSv1.3')
    process.kill(second.pid, signal.SIGTERM)
    process.wait_until(lambda: not second.family(), 'the host to stop')
    for caller in held:
        assert caller.finish().error is not None
    cluster.way.release()
    second.start()
    cluster.wait_agreed()
    wait_waiting(second, 0)
    for chain in map(sessions.Chain, clients.VERSIONS):
        chain.remote(first, second)


def test_breaker_open_at_reload(cluster):
    """A worker that ended with an open breaker is no longer counted."""
    second = cluster.hosts[1]
    chain = sessions.Chain('TLSv1.2', PATIENCE)
    chain.full(cluster.hosts[0])

    def refuse(words):
        raise proxy.HangUp()

    cluster.way.lie = refuse

    def opened():
        chain.offer(second)
        return second.group()['engines']['breakers_open']

    process.wait_until(opened, 'the breaker to open')
    old, = second.workers()
    cluster.way.lie = None
    second.reload()
    process.wait_until(lambda: not process.alive(old), 'the old worker')
    process.wait_until(lambda: not second.group()['engines']['breakers_open'],
                       'no breaker to be open')
