"""Two halves of a cluster that are cut off from each other, and meet again."""

import pytest

from harness import clients, cluster as clusters, load, process

pytestmark = pytest.mark.usefixtures('needs_cuts')


def cut(halves):
    for mine, other in (halves, halves[::-1]):
        for machine in mine:
            machine.site.cut_from([m.address for m in other])


def heal(halves):
    for half in halves:
        for machine in half:
            machine.site.heal()


def wait_down(half, other):
    """Waits until no host of a half reaches a memcached server of the other.
    """
    lost = {m.server for m in other if hasattr(m, 'server')}

    def down():
        return all(server['state'] == 'down'
                   for machine in half if hasattr(machine, 'group')
                   for server in machine.group()['servers']
                   if server['address'] in lost)

    process.wait_until(down, 'the other half to be out of sight')


def two_keys(*halves):
    keys = [{clusters.current_key(host) for host in half} for half in halves]
    return all(len(k) == 1 for k in keys) and keys[0] != keys[1]


def collect(host, tickets):
    for version in clients.VERSIONS:
        client = clients.Client(version)
        tickets.append((client, client.full(host).session))


def check_everywhere(cluster, tickets):
    for client, session in tickets:
        for host in cluster.hosts:
            result = client.connect(host, session=session)
            assert result.error is None and result.reused


def test_halves(make_cluster):
    """Each half rotates keys of its own; afterwards tickets of both resume."""
    cluster = make_cluster(hosts=4)
    cluster.wait_agreed()
    cluster.wait_whole()
    hosts, servers = cluster.hosts, cluster.memcached
    halves = [hosts[:2] + servers[:1], hosts[2:] + servers[1:]]
    tickets = []

    with load.Load(hosts[:2], lifetime=250), \
            load.Load(hosts[2:], lifetime=250):
        cut(halves)
        wait_down(*halves)
        wait_down(*halves[::-1])
        for _ in range(3):
            cluster.wait_rotations(1, hosts[0])
            cluster.wait_rotations(1, hosts[2])
            for host in hosts:
                collect(host, tickets)
        process.wait_until(lambda: two_keys(hosts[:2], hosts[2:]),
                           'each half to encrypt with one key of its own')
        assert all(host.group()['state'] == 'ok' for host in hosts)
        heal(halves)
        cluster.wait_agreed()

    cluster.wait_whole()
    check_everywhere(cluster, tickets)
    with load.Load(hosts, lifetime=250) as mixed:
        process.wait_until(lambda: mixed.resumed > 50, 'some load')


def test_one_host_alone(make_cluster):
    """A host that loses all servers goes on, and comes back."""
    cluster = make_cluster(hosts=3, rotation='2s')
    cluster.wait_agreed()
    lonely, others = cluster.hosts[0], cluster.hosts[1:]
    halves = [[lonely], others + cluster.memcached]
    tickets = []

    with load.Load([lonely], lifetime=250), load.Load(others, lifetime=250):
        cut(halves)
        process.wait_until(lambda: lonely.group()['state'] == 'cut off',
                           'the host to notice')
        for _ in range(2):
            cluster.wait_rotations(1, lonely)
            for host in cluster.hosts:
                collect(host, tickets)
        heal(halves)
        process.wait_until(lambda: lonely.group()['state'] == 'ok',
                           'the host to be back')
        cluster.wait_agreed()

    check_everywhere(cluster, tickets)


def test_started_while_cut_off(make_cluster):
    """Servers that do not answer delay a start by a second at most."""
    cluster = make_cluster(hosts=2, rotation='7d', start=False)
    first, late = cluster.hosts
    first.start()
    halves = [[late], cluster.memcached]
    cut(halves)
    late.start()
    tickets = []
    for host in cluster.hosts:
        collect(host, tickets)
    process.wait_until(lambda: late.group()['state'] == 'cut off',
                       'the host to notice')
    heal(halves)
    cluster.wait_agreed()
    check_everywhere(cluster, tickets)
