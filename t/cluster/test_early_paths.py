"""Early data while memcached is slow or its bytes are garbled, and while
hosts do not agree on where it is.
"""

import pytest

from harness import early, middlebox, process

HOSTS = 8


@pytest.fixture(name='cluster', scope='module')
def fixture_cluster(make_module_cluster, upstream):
    """Between every host and every server there is a middlebox."""
    cluster = make_module_cluster(hosts=HOSTS, memcached_servers=2,
                                  rotation='7d', workers=1, start=False)
    cluster.boxes = [middlebox.Middlebox(server.site, 11211, server.directory)
                     for server in cluster.memcached]
    early.prepare(cluster, upstream, lookup_timeout='300ms')
    for host in cluster.hosts:
        host.config.groups[0].memcached = [box.server
                                           for box in cluster.boxes]
    try:
        for box in cluster.boxes:
            box.start()
        cluster.start()
        cluster.wait_agreed()
        yield cluster
        for host in cluster.hosts:
            host.stop()
    finally:
        for box in cluster.boxes:
            box.kill()


def tell(cluster, command):
    for box in cluster.boxes:
        box.tell(command)


@pytest.mark.parametrize('command', ['delay 0.2', 'delay 0.6', 'garble 0.05',
                                     'garble 0.3', 'garble 0.7'])
def test_bytes(tape, command):
    """Slow for who waits, slower than anybody waits, and nonsense."""
    before = tape.accepted(6)
    tell(tape.cluster, command)
    try:
        tape.play(before)
        for _ in range(5):
            tape.play(tape.record(4), 8)
            tape.play(before, 8)
    finally:
        tell(tape.cluster, 'pass')
    tape.finish()
    tape.check()


def others(hosts):
    """How many flights had a ticket of a host with other servers."""
    return sum(early.counts(host)['servers'] for host in hosts)


# which servers one host has, and all others
APART = {'less': (slice(1), slice(None)), 'none in common': (slice(1),
                                                            slice(1, None))}


@pytest.mark.parametrize('servers', APART)
def test_other_servers(tape, servers):
    """Hosts with other servers than the rest: none accepts what others have.

    Each side has the flights of the other, of before and of meanwhile.
    """
    cluster = tape.cluster
    odd, rest = cluster.hosts[0], cluster.hosts[1:]
    both = odd.config.groups[0].memcached
    before = tape.accepted(4)
    others_before = others(cluster.hosts)
    try:
        for host in cluster.hosts:
            mine, theirs = APART[servers]
            host.config.groups[0].memcached = both[mine if host is odd
                                                   else theirs]
            host.reload()
        tape.play(before)
        for _ in range(3):
            for host in cluster.hosts[:2]:
                tape.play(tape.record(4, host))
        # the logs of both sides are old enough by then
        early.wait_ready(early.Client(), [odd, rest[0]])
        for _ in range(3):
            for host in cluster.hosts[:2]:
                tape.play(tape.record(4, host))
        tape.finish()
        tape.check()
        process.wait_until(lambda: others(cluster.hosts) > others_before,
                           'a host that knows of the others')
    finally:
        for host in cluster.hosts:
            host.config.groups[0].memcached = both
            host.reload()
