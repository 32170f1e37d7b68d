"""One recorded flight to a whole fleet, while memcached fails in every way.

Whatever fails, and whenever: what a flight asks for is done once at most.
"""

import pytest

from harness import early, process

HOSTS = 8


@pytest.fixture(name='cluster', scope='module')
def fixture_cluster(make_module_cluster, upstream):
    cluster = make_module_cluster(hosts=HOSTS, memcached_servers=2,
                                  rotation='7d', workers=1, start=False)
    for server in cluster.memcached:
        server.memory = ['-m', '1', '-I', '512k']
        server.restart()
    early.prepare(cluster, upstream, lookup_timeout='300ms')
    cluster.start()
    cluster.wait_agreed()
    return cluster


def drill(tape, fail, heal=None):
    """Flights from before, from meanwhile and from afterwards.

    Those from before were accepted.
    """
    before = tape.accepted(6)
    fail()
    tape.play(before)
    tape.play(tape.record(4))
    if heal is not None:
        heal()
    tape.play(before)
    tape.play(tape.record(4))
    tape.finish()
    tape.check()


def test_well(tape):
    """A thousand times at once, and again: once."""
    for _ in range(early.TRIES):
        tape.play(tape.record(1), 1000)
        if tape.check() == 1:
            break
    tape.finish(200)
    assert tape.check() == 1


def test_restarted(tape):
    def restart():
        for server in tape.cluster.memcached:
            server.restart()

    drill(tape, restart)


def test_flushed(tape):
    def flush():
        for server in tape.cluster.memcached:
            server.flush()

    drill(tape, flush)


def test_flushed_later(tape):
    """What was used a moment before such a flush survives it."""
    def flush():
        for server in tape.cluster.memcached:
            with server.connect() as c:
                assert c.ask('flush_all 2') == 'OK'

    drill(tape, flush)


def test_killed_and_back(tape):
    def kill():
        for server in tape.cluster.memcached:
            server.kill()

    def start():
        for server in tape.cluster.memcached:
            server.start()

    drill(tape, kill, start)


def test_loses_a_server_and_gets_it_back(tape):
    server = tape.cluster.memcached[0]
    drill(tape, server.kill, server.start)


def test_frozen(tape):
    def freeze():
        for server in tape.cluster.memcached:
            server.freeze()

    def thaw():
        for server in tape.cluster.memcached:
            server.thaw()

    drill(tape, freeze, thaw)


def flood(server, number):
    """So many items that all others have to go, of the sizes of a log."""
    with server.connect() as c:
        for size in (20, 40, 60, 100, 200, 400, 800, 2000):
            for i in range(1500):
                c.file.write(b'set flood%d-%d-%d 0 0 %d noreply\r\n'
                             % (number, size, i, size) + b'x' * size
                             + b'\r\n')
        c.file.flush()
        assert c.ask('version').startswith('VERSION')


def test_flooded(tape):
    """A server of a megabyte, which throws everything out."""
    def fill():
        for number in range(5):
            for server in tape.cluster.memcached:
                flood(server, number)
            tape.play(range(len(tape.flights)), 8)

    drill(tape, fill)
    with tape.cluster.memcached[0].connect() as c:
        assert c.statistic('evictions') > 0


def test_half_of_the_fleet(tape, needs_cuts):
    """Half of the hosts reach one server only, the others the other."""
    servers = tape.cluster.memcached
    halves = tape.cluster.hosts[:HOSTS // 2], tape.cluster.hosts[HOSTS // 2:]

    def cut():
        for half, server in zip(halves, servers):
            for host in half:
                host.site.cut_from([server.address])

    def heal():
        for host in tape.cluster.hosts:
            host.site.heal()

    drill(tape, cut, heal)


def test_nothing_failed(cluster):
    """Early data comes back by itself."""
    early.wait_ready(early.Client(), cluster.hosts)
    for host in cluster.hosts:
        process.wait_until(
            lambda host=host: early.counts(host)['accepted'] > 0,
            'a count of ' + host.name)
