"""Early data while hosts and keys come and go, and at a steady load."""

import dataclasses
import threading

import pytest

from harness import early, sessions

SCOPE = 9201


@pytest.fixture(name='cluster', scope='module')
def fixture_cluster(make_module_cluster, upstream):
    cluster = make_module_cluster(hosts=3, memcached_servers=2, rotation='20s',
                                  session_timeout='60s', workers=1,
                                  start=False)
    early.prepare(cluster, upstream)
    for host in cluster.hosts:
        base = host.config.servers[0]
        host.config.servers.append(dataclasses.replace(base, port=SCOPE,
                                                       scope='another'))
    cluster.start()
    cluster.wait_agreed()
    return cluster


def test_life(tape):
    """Keys that rotate, a reload, a binary upgrade, and a host that joins."""
    cluster = tape.cluster
    before = tape.accepted(6)
    cluster.wait_rotations(1)
    tape.play(before)
    before += tape.accepted(4)
    cluster.hosts[0].reload()
    tape.play(before)
    before += tape.accepted(4, cluster.hosts[1])
    cluster.hosts[1].upgrade()
    tape.play(before)
    new = cluster.add_host()
    early.prepare(cluster, tape.upstream)
    new.start()
    cluster.wait_agreed()
    tape.play(tape.record(4, cluster.hosts[2]))
    tape.finish()
    tape.check()
    # with the keys of a rotation, which began while there were flights
    early.wait_ready(early.Client(), [new])
    tape.play(tape.accepted(4, new))
    tape.finish()
    tape.check()


class Load:
    """Fresh clients: a full handshake, then a request in early data."""

    def __init__(self, cluster, upstream, name):
        self.cluster = cluster
        self.upstream = upstream
        self.name = name
        self.results = []
        self.failed = []
        self.lock = threading.Lock()

    def _client(self, number, count):
        client = early.Client()
        hosts = self.cluster.hosts
        for i in range(count):
            path = '/up/%s/%d/%d' % (self.name, number, i)
            born = client.connect(hosts[(number + i) % len(hosts)])
            result = born
            if born.error is None:
                result = client.ask(hosts[(number + i + 1) % len(hosts)],
                                    born.session, path)
            with self.lock:
                if result.error is not None:
                    self.failed.append(result)
                else:
                    self.results.append(result.early)
                    assert self.upstream.count(path) == 1

    def run(self, clients=4, count=60):
        """Returns how many were accepted."""
        threads = [threading.Thread(target=self._client, args=[i, count])
                   for i in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.failed, self.failed[:3]
        assert len(self.results) == clients * count
        return self.results.count(early.ACCEPTED)


# why early data is refused where nobody was late
REASONS = ('forgotten', 'servers', 'clock', 'full', 'unheld', 'replay')


def refused(cluster):
    """How many flights, other than by lateness."""
    counts = [early.counts(host) for host in cluster.hosts]
    return sum(one[reason] for one in counts for reason in REASONS)


def test_steady(tape):
    """At least 99 of 100 are accepted, and each asks for its page once.

    On a busy machine memcached, or the client, may be too late for more: that
    is told apart.
    """
    for number in range(5):
        early.wait_ready(early.Client(), tape.cluster.hosts)
        before = refused(tape.cluster)
        load = Load(tape.cluster, tape.upstream, 'steady%d' % number)
        accepted = load.run()
        grown = refused(tape.cluster) - before
        if accepted >= 0.99 * len(load.results):
            break
    assert accepted > 0
    assert accepted >= 0.99 * (accepted + grown)


def test_frozen(tape):
    """None are, and no handshake fails, while memcached says nothing."""
    for server in tape.cluster.memcached:
        server.freeze()
    try:
        load = Load(tape.cluster, tape.upstream, 'frozen')
        assert load.run(count=20) == 0
    finally:
        for server in tape.cluster.memcached:
            server.thaw()


def test_nothing_waits(cluster):
    """What could not be accepted is no reason to ask memcached anything.

    No early data offered; a ticket that does not open; a scope that it is not
    for.
    """
    client = early.Client()
    host = cluster.hosts[0]
    early.wait_ready(client, [host])

    def grown(before):
        now = early.counts(host)
        return {name: now[name] - before[name] for name in now
                if now[name] != before[name]}

    born = client.full(host)
    before = early.counts(host)
    assert client.connect(host, session=born.session).reused
    assert grown(before) == {}

    data = bytearray(born.session.data)
    at = data.find(born.session.identity) + 60
    data[at] ^= 1
    broken = sessions.Session(bytes(data), born.session.identity)
    result = client.ask(host, broken, '/up/broken')
    assert result.error is None and not result.reused
    assert grown(before) == {'off': 1}

    before = early.counts(host)
    result = client.ask(host, born.session, '/up/scope', port=SCOPE)
    assert result.error is None and not result.reused
    assert grown(before) == {'off': 1}
