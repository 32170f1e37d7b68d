"""Session IDs that the cluster has not made are never looked up in memcached.

Each of them causes a full handshake and is counted.
"""

import dataclasses
import os

import pytest

from harness import clients, conf, process, proxy, sessions

OTHER = 9001        # another cluster, on the same memcached
TICKETS = 9002      # a third cluster, with tickets
FLOOD = 200


@pytest.fixture(scope='module')
def cluster(lab, make_module_cluster):
    """The second host reaches memcached through a proxy."""
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
    """The counters of the second host."""
    group = cluster.hosts[1].group()
    return {**group['sessions'], 'full': group['handshakes']['full']}


def offer(cluster, client, forged):
    """Offers all of these IDs; returns by how much the counters have risen.

    memcached must be asked for nothing but rings and probes.
    """
    settle(cluster, client, [None])
    cluster.way.asked.clear()
    before = counts(cluster)
    settle(cluster, client, forged)
    after = counts(cluster)
    assert not cluster.way.asked
    return {name: after[name] - before[name] for name in after}


def stores(cluster):
    """Whether stores are counted: memcached may be too slow for all of them.
    """
    shown = counts(cluster)
    return shown['stored'] + shown['dropped']


def settle(cluster, client, offered):
    """Makes full handshakes until their stores and the lookups are reported.
    """
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
    """An ID with the name of a STEK of the cluster, and a wrong MAC."""
    for _ in range(FLOOD):
        yield session.under(session.identity[:4] + os.urandom(28))


def other_random(session):
    """A correct MAC with other random bytes than those it was made for."""
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
    """A change of any byte is noticed: the last ten are the MAC of name and
    scope, those before them the MAC of the ID.
    """
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
    # and the session has not been spoiled
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
    """The session ID that every TLS 1.3 client sends is not counted as forged.
    """
    client = sessions.Client('TLSv1.3')
    grown = offer(cluster, client, [None] * FLOOD)
    assert grown['full'] == FLOOD
    assert grown['forged'] == grown['lookups'] == 0


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_ticket_where_tickets_are_off(cluster, version):
    """A client comes back with a ticket from before tickets were switched off.

    The session ID that it sends with the ticket is one that it has made up.
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
