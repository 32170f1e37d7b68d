"""Servers with several certificates, certificates without names, addresses."""

import ipaddress

import pytest
from cryptography import x509

from harness import authority, conf, trust

(BOTH, SWAPPED, FIRST_ALONE, SECOND_ALONE, ADDRESS, MORE_ADDRESSES,
 OTHER_ADDRESS, ADDRESS_AND_NAME, TOGETHER, TURNED,
 NOBODY) = range(9001, 9012)
CIPHERS = ('ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256')
# which of the two certificates, by its type of key, is for one.example
FIRST = ('ecdsa', 'rsa')


def address(*last):
    return [x509.IPAddress(ipaddress.ip_address('192.0.2.%d' % number))
            for number in last]


NAMES = {
    ADDRESS: ('address', address(1)),
    MORE_ADDRESSES: ('address', address(1, 2)),
    OTHER_ADDRESS: ('address', address(2)),
    ADDRESS_AND_NAME: ('address', address(1) + ['one.example']),
    TOGETHER: ('one.example', ['one.example', 'two.example']),
    TURNED: ('two.example', ['two.example', 'one.example']),
    NOBODY: (None, []),
}


def two(port, one, another):
    """A server with two certificates."""
    return conf.Server(port=port, pair=one, extra=
                       'ssl_certificate %s; ssl_certificate_key %s;'
                       % another[:2])


def servers(issuer, kept):
    """The servers of a host; only the certificate without a name is the same
    on all hosts.
    """
    listed = []
    for step, kind in enumerate(FIRST):
        keys = [None, authority.rsa_key()]
        if kind == 'rsa':
            keys.reverse()
        one, another = (issuer.issue(name, [name], key=key) for name, key
                        in zip(('one.example', 'two.example'), keys))
        step *= 100
        listed += [two(BOTH + step, one, another),
                   two(SWAPPED + step, another, one),
                   conf.Server(port=FIRST_ALONE + step, pair=one),
                   conf.Server(port=SECOND_ALONE + step, pair=another)]
    listed += [conf.Server(port=port, pair=kept if port == NOBODY
                           else issuer.issue(*NAMES[port]))
               for port in NAMES]
    return trust.in_pairs(listed)


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    cluster.issuer = authority.Authority(cluster.directory, 'issuer')
    kept = cluster.issuer.issue(*NAMES[NOBODY])
    for host in cluster.hosts:
        host.config.servers = servers(cluster.issuer, kept)
    cluster.start()
    cluster.wait_agreed()
    return cluster


def each(cluster, way, outcome, ports, name, **parameters):
    """Sessions of each host are offered to the other, with certificates of
    their own.
    """
    where, there = ({'port': port, 'name': name} for port in ports)
    for first, second in trust.hosts_of(cluster)[1:]:
        outcome(way, trust.client(way, **parameters), first, where, second,
                there)


def of_kind(kind, ports):
    return [port + 100 * FIRST.index(kind) for port in ports]


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('kind', FIRST)
@pytest.mark.parametrize('name', [None, 'one.example', 'two.example',
                                  'unknown.test'])
def test_order(cluster, name, kind, way):
    """The order of the certificates makes no difference, whichever one the
    client accepts.
    """
    for ports in (BOTH, SWAPPED), (SWAPPED, BOTH):
        for cipher in CIPHERS[:1 if way[0] == 'TLSv1.3' else 2]:
            each(cluster, way, trust.must_resume, of_kind(kind, ports), name,
                 ciphers=cipher)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('kind', FIRST)
@pytest.mark.parametrize('there', [TOGETHER, TURNED, BOTH, BOTH + 100])
def test_same_names(cluster, there, kind, way):
    """The same names, in whichever of the certificates and with whatever keys.
    """
    both, = of_kind(kind, [BOTH])
    for ports in (both, there), (there, both):
        each(cluster, way, trust.must_resume, ports, None)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('kind', FIRST)
@pytest.mark.parametrize('both', [BOTH, SWAPPED])
def test_one_covers_the_name(cluster, both, kind, way):
    for ports in (FIRST_ALONE, both), (both, FIRST_ALONE):
        each(cluster, way, trust.must_resume, of_kind(kind, ports),
             'one.example', ciphers=CIPHERS[FIRST.index(kind)])
    each(cluster, way, trust.must_not_resume,
         of_kind(kind, (both, SECOND_ALONE)), 'one.example')


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('kind', FIRST)
@pytest.mark.parametrize('name', [None, 'unknown.test'])
def test_none_covers_the_name(cluster, name, kind, way):
    """If no certificate covers the name, all names together are compared."""
    for alone in FIRST_ALONE, SECOND_ALONE:
        for ports in (alone, BOTH), (BOTH, alone):
            each(cluster, way, trust.must_not_resume, of_kind(kind, ports),
                 name)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
def test_addresses(cluster, way):
    """Addresses in certificates count for clients without SNI."""
    for port in ADDRESS, ADDRESS_AND_NAME:
        each(cluster, way, trust.must_resume, (port, port), None)
    for there in MORE_ADDRESSES, OTHER_ADDRESS, ADDRESS_AND_NAME:
        each(cluster, way, trust.must_not_resume, (ADDRESS, there), None)
        each(cluster, way, trust.must_not_resume, (there, ADDRESS), None)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'one.example'])
def test_renewed_without_a_name(cluster, name, way):
    """A renewed certificate without a name counts as another server."""
    each(cluster, way, trust.must_resume, (NOBODY, NOBODY), name)
    where = {'port': NOBODY, 'name': name}
    first, second = cluster.hosts
    changed = [server for server in second.config.servers
               if server.port in (NOBODY, NOBODY + trust.WITHOUT)]
    kept = changed[0].pair
    renewed = cluster.issuer.issue(*NAMES[NOBODY])
    taker = trust.client(way)
    session = trust.made(way, taker, second, where).session
    try:
        for server in changed:
            server.pair = renewed
        second.reload()
        cluster.wait_agreed()
        result = trust.offered(way, taker, second, session, where)
        assert not result.reused, result
        for hosts in cluster.hosts, cluster.hosts[::-1]:
            trust.must_not_resume(way, trust.client(way), hosts[0], where,
                                  hosts[1], where)
        trust.must_resume(way, trust.client(way), second, where, second,
                          where)
    finally:
        for server in changed:
            server.pair = kept
        second.reload()
        cluster.wait_agreed()
    trust.must_resume(way, trust.client(way), first, where, second, where)
