"""Session IDs that the cluster did not make never reach memcached.

Each of them is a full handshake and a count.
"""

import dataclasses
import os

import pytest

from harness import clients, conf, process, proxy, sessions

OTHER = 9001        # another cluster, on the same memcached
TICKETS = 9002      # another cluster still, with tickets
FLOOD = 200


@pytest.fixture(scope='module')
def cluster(lab, make_module_cluster):
    """The second host talks to memcached through a proxy."""
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  lookup_timeout='5s', start=False,
                                  workers=1)
    for host in cluster.hosts:
        host.config.servers = [conf.Server(),
                               conf.Server(port=OTHER, sync='second')]
        host.config.groups.append(dataclasses.replace(
            host.config.groups[0], name='second', lookup_timeout='10s',
            secrets=['a7' * 31 + 'c3']))
    sessions.without_tickets(cluster.hosts)
    for host in cluster.hosts:
        host.config.servers.append(conf.Server(port=TICKETS, sync='second'))
    with proxy.Proxy(cluster.memcached[0], lab.network.address) as way:
        cluster.hosts[1].config.groups[0].memcached = [way.server]
        cluster.start()
        cluster.wait_agreed()
        cluster.wait_agreed(group='second')
        for version in clients.VERSIONS:
            sessions.Chain(version).remote(*cluster.hosts)
        cluster.way = way
        yield cluster
        for host in cluster.hosts:
            host.stop()


def counts(cluster):
    """Of the second host."""
    group = cluster.hosts[1].group()
    return {**group['sessions'], 'full': group['handshakes']['full']}


def offer(cluster, client, forged):
    """Offers all of them; returns how the counters have grown.

    Memcached is asked for nothing but rings and signs of life.
    """
    settle(cluster, client, [None])
    cluster.way.asked.clear()
    before = counts(cluster)
    settle(cluster, client, forged)
    after = counts(cluster)
    assert not cluster.way.asked
    return {name: after[name] - before[name] for name in after}


def stores(cluster):
    """Memcached may be too slow for all of them."""
    shown = counts(cluster)
    return shown['stored'] + shown['dropped']


def settle(cluster, client, offered):
    """Full handshakes, until their stores are told of, as are lookups."""
    already = stores(cluster)
    for session in offered:
        result = client.connect(cluster.hosts[1], session=session)
        assert result.error is None and not result.reused, result
    each = 2 if client.version == 'TLSv1.3' else 1
    process.wait_until(lambda: stores(cluster)
                       >= already + each * len(offered), 'stores')


def random_ids(session):
    for _ in range(FLOOD):
        yield session.under(os.urandom(32))


def right_key(session):
    """Of a STEK that the cluster has, and with a MAC that is none."""
    for _ in range(FLOOD):
        yield session.under(session.identity[:4] + os.urandom(28))


def other_random(session):
    """A MAC of the cluster behind random bytes that it is not for."""
    for _ in range(FLOOD):
        yield session.under(session.identity[:4] + os.urandom(10)
                            + session.identity[14:])


def constant(session):
    for number in range(256):
        yield session.under(bytes([number]) * 32)


@pytest.mark.parametrize('version', clients.VERSIONS)
@pytest.mark.parametrize('forge', [random_ids, right_key, other_random,
                                   constant], ids=lambda f: f.__name__)
def test_flood(cluster, forge, version):
    client = sessions.Client(version)
    forged = list(forge(client.full(cluster.hosts[0]).session))
    grown = offer(cluster, client, forged)
    assert grown['forged'] == grown['full'] == len(forged)
    assert grown['lookups'] == 0
    assert grown['refused_binding'] == 0


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_every_byte_counts(cluster, version):
    """The last ten are the MAC of name and scope, the others of the ID."""
    client = sessions.Client(version)
    session = client.full(cluster.hosts[0]).session
    forged = []
    for place in range(32):
        identity = bytearray(session.identity)
        identity[place] ^= 1 << place % 8
        forged.append(session.under(bytes(identity)))
    grown = offer(cluster, client, forged)
    assert grown['forged'] == 22
    assert grown['refused_binding'] == 10
    assert grown['lookups'] == 0
    # it was not spoiled, either
    assert client.connect(cluster.hosts[1], session=session).reused


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_ids_of_another_cluster(cluster, version):
    client = sessions.Client(version)
    foreign = [client.full(cluster.hosts[0], port=OTHER).session
               for _ in range(20)]
    grown = offer(cluster, client, foreign)
    assert grown['forged'] == 20
    assert grown['lookups'] == 0


def test_compatibility_session_id(cluster):
    """What every client of TLS 1.3 sends is not taken for an attack."""
    client = sessions.Client('TLSv1.3')
    grown = offer(cluster, client, [None] * FLOOD)
    assert grown['full'] == FLOOD
    assert grown['forged'] == grown['lookups'] == 0


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_ticket_where_tickets_are_off(cluster, version):
    """A client comes back with what it got before the configuration changed.

    The session ID next to a ticket is one that the client made up.
    """
    client = clients.Client(version)
    session = client.full(cluster.hosts[0], port=TICKETS).session
    assert session.has_ticket
    assert client.connect(cluster.hosts[1], session=session,
                          port=TICKETS).reused
    session = client.full(cluster.hosts[0], port=TICKETS).session
    grown = offer(cluster, client, [session])
    assert grown['full'] == 1
    assert grown['lookups'] == 0
