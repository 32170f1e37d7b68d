"""Early data while memcached is slow or its bytes are garbled, and while
hosts do not agree on where it is.
"""

import pytest

from harness import early, middlebox, process

HOSTS = 8


@pytest.fixture(name='upstream', scope='module')
def fixture_upstream(lab):
    with early.Upstream(lab.network.address) as upstream:
        yield upstream


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


@pytest.fixture(name='tape')
def fixture_tape(cluster, upstream):
    early.wait_ready(early.Client(), cluster.hosts)
    return early.Tape(cluster, upstream)


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
    """How often these found that some host has other servers."""
    return sum(early.counts(host)['servers'] for host in hosts)


def test_other_servers(tape):
    """One host is reloaded with a server less: nobody accepts at two places.

    It has all flights that the others accept before it, and the other way.
    """
    cluster = tape.cluster
    odd = cluster.hosts[0]
    servers = odd.config.groups[0].memcached
    odd.config.groups[0].memcached = servers[:1]
    odd.reload()
    try:
        numbers = tape.record(12, cluster.hosts[1])
        tape.play(numbers)
        tape.finish()
        tape.check()
        process.wait_until(lambda: others(cluster.hosts) > 0,
                           'a host that sees the others')
    finally:
        odd.config.groups[0].memcached = servers
        odd.reload()
