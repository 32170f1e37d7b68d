"""A name that stands for several memcached servers, and changes."""

import pytest

from harness import clients, dns, load, process, record, sessions

NAME = dns.NAME + ':11211'


@pytest.fixture
def named(lab, make_cluster):
    """Hosts that use memcached by name, each with a resolver of its own."""
    if not lab.network.can_cut:
        pytest.skip('each host needs a network of its own')
    resolvers = []

    def make(**parameters):
        cluster = make_cluster(forward_secrecy='off',
                               start=False, hosts=2, **parameters)
        for host in cluster.hosts:
            host.config.groups[0].memcached = [NAME]
            resolvers.append(dns.Dns(host))
        return cluster, resolvers

    yield make
    for resolver in resolvers:
        resolver.stop()


def known(host):
    return {server['address']: server for server in host.group()['servers']}


def wait_known(host, servers):
    """Waits until a host has exactly these servers, each with all of its keys.
    """
    wanted = {server.server for server in servers}
    process.wait_until(
        lambda: set(known(host)) == wanted
        and all(s['whole'] for s in known(host).values()),
        '%s to know %s' % (host.name, ', '.join(sorted(wanted))))


def ring(cluster, server):
    return {key.short_name for key in record.ring_of(server, cluster.secret)}


def test_addresses_come_and_go(named):
    """Addresses come and go under load; hosts learn of them in any order."""
    cluster, resolvers = named(memcached_servers=3, rotation='7d')
    first, second, third = cluster.memcached
    for resolver, servers in zip(resolvers, ([first, second],
                                             [second, first])):
        resolver.answer([server.address for server in servers])
    cluster.start()
    for host in cluster.hosts:
        wait_known(host, [first, second])
        assert {s['memcached'] for s in known(host).values()} == {NAME}
    keys = cluster.hosts[0].keys()
    assert keys == cluster.hosts[1].keys() == ring(cluster, first)
    with load.Load(cluster.hosts, lifetime=250):
        for resolver in resolvers:
            resolver.answer([third.address, second.address])
        first.kill()
        for host in cluster.hosts:
            wait_known(host, [second, third])
        assert ring(cluster, third) >= keys


def test_name_that_does_not_resolve(named):
    """A name that does not resolve does not delay a start, is reported, and is
    tried again.
    """
    cluster, resolvers = named(memcached_servers=1, rotation='7d')
    cluster.start()
    for host in cluster.hosts:
        server = process.wait_until(
            lambda host=host: known(host).get(NAME), 'a server to be listed')
        process.wait_until(
            lambda host=host: 'could not be resolved'
            in known(host)[NAME]['error'], 'the error')
        assert server['state'] in ('down', 'unknown')
        assert host.group()['state'] in ('cut off', 'starting')
        client = clients.Client(clients.VERSIONS[0])
        session = client.full(host).session
        assert client.connect(host, session=session).reused
    for resolver in resolvers:
        resolver.answer([cluster.memcached[0].address])
    for host in cluster.hosts:
        wait_known(host, cluster.memcached)
    cluster.wait_agreed()


def test_reload_while_the_resolver_is_silent(named):
    """New workers use the addresses of the former ones at once."""
    cluster, resolvers = named(memcached_servers=2, rotation='7d',
                               session_cache='none')
    sessions.without_tickets(cluster.hosts)
    for resolver in resolvers:
        resolver.answer([server.address for server in cluster.memcached])
    cluster.start()
    first, second = cluster.hosts
    for host in cluster.hosts:
        wait_known(host, cluster.memcached)
    cluster.wait_agreed()
    client = sessions.Client('TLSv1.2')
    sessions.redeem(client, first, second)
    before = first.group()['sessions']['stored']
    held = [client.full(first).session for _ in range(10)]
    process.wait_until(
        lambda: first.group()['sessions']['stored'] >= before + len(held),
        'the sessions to be stored')
    for resolver in resolvers:
        resolver.silent()
    second.reload()
    for session in held:
        result = client.connect(second, session=session)
        assert result.error is None and result.reused
    assert set(known(second)) == {server.server
                                  for server in cluster.memcached}
    sessions.redeem(client, second, first)
