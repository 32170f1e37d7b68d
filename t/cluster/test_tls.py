"""TLS between hosts and memcached."""

import itertools

import pytest

from harness import clients, dns, process, record, sessions, unusable

pytestmark = pytest.mark.usefixtures('needs_tls')

NUMBERS = itertools.count(1)


def wrong_authority(lab, address):
    return lab.certificates.issue('m%d' % next(NUMBERS), 'IP:' + address,
                                  ca='other-ca')


def expired(lab, address):
    name = 'm%d' % next(NUMBERS)
    lab.certificates.issue(name, 'IP:' + address)
    return lab.certificates.expire(name)


def wrong_address(lab, address):
    return lab.certificates.issue('m%d' % next(NUMBERS), 'IP:192.0.2.1')


def good(lab, address):
    return lab.certificates.issue('m%d' % next(NUMBERS), 'IP:' + address)


@pytest.fixture
def make_secure(lab, make_cluster):
    """Hosts that are not started yet, and memcached with these certificates.
    """
    def make(*certificates, hosts=2, **parameters):
        cluster = make_cluster(forward_secrecy='off', start=False,
                               memcached_servers=0, hosts=0, rotation='7d',
                               tls=False, trusted=lab.certificates.ca,
                               **parameters)
        for certificate in certificates:
            server = cluster.add_memcached()
            server.pair = certificate and certificate(lab, server.address)
            server.start()
        for _ in range(hosts):
            cluster.add_host()
        return cluster
    return make


def wait_up(cluster):
    cluster.wait_agreed()
    cluster.wait_whole()


def test_keys_and_sessions(make_secure):
    cluster = make_secure(good, good, session_cache='none')
    sessions.without_tickets(cluster.hosts)
    cluster.start()
    wait_up(cluster)
    for memcached in cluster.memcached:
        keys = {key.short_name
                for key in record.ring_of(memcached, cluster.secret)}
        assert keys == cluster.hosts[0].keys() == cluster.hosts[1].keys()
    for version in clients.VERSIONS:
        sessions.redeem(sessions.Client(version), *cluster.hosts)
    for memcached in cluster.memcached:
        memcached.restart()
    cluster.wait_whole()
    for version in clients.VERSIONS:
        sessions.redeem(sessions.Client(version), *cluster.hosts)


REFUSED = [(wrong_authority, 'the certificate is refused: '),
           (expired, 'the certificate is refused: certificate has expired'),
           (wrong_address, 'the certificate is refused: IP address mismatch')]


@pytest.mark.parametrize('certificate,why', REFUSED,
                         ids=lambda p: getattr(p, '__name__', ''))
def test_refused(lab, make_secure, certificate, why):
    """The server is down, with the reason, and nothing is sent to it until it
    has a valid certificate.
    """
    cluster = make_secure(certificate, good)
    bad, other = cluster.memcached
    cluster.start()
    for host in cluster.hosts:
        unusable.wait_error(host, bad, why)
        unusable.handshakes(host)
    cluster.wait_whole(servers=[other])
    assert not bad.keys()
    bad.pair = good(lab, bad.address)
    bad.restart()
    wait_up(cluster)


def test_plain_server(lab, make_secure):
    """A server without TLS waits for a line, or takes the ClientHello for one.
    """
    cluster = make_secure(None, good)
    plain, other = cluster.memcached
    cluster.start()
    for host in cluster.hosts:
        process.wait_until(
            lambda host=host: unusable.server(host, plain)['state'] == 'down',
            'the plain server to be down')
        assert 'TLS' in unusable.server(host, plain)['error']
        unusable.handshakes(host)
    cluster.wait_whole(servers=[other])


def test_plain_host(make_secure):
    """A host without "ssl" reports that the server has TLS."""
    cluster = make_secure(good, hosts=1)
    host = cluster.hosts[0]
    host.config.groups[0].trusted = None
    cluster.start()
    process.wait_until(
        lambda: unusable.server(host, cluster.memcached[0])['state'] == 'down',
        'the server to be down')
    unusable.handshakes(host)


def test_frozen_handshake(make_secure):
    """A server that accepts the connection and sends nothing."""
    cluster = make_secure(good, good)
    frozen, other = cluster.memcached
    frozen.freeze()
    cluster.start()
    for host in cluster.hosts:
        unusable.wait_error(host, frozen, 'timed out in the TLS handshake')
        unusable.handshakes(host)
    cluster.wait_whole(servers=[other])
    frozen.thaw()
    wait_up(cluster)


def test_client_certificate(lab, make_secure):
    """memcached asks for a client certificate: a host without one reports it.
    """
    pair = lab.certificates.client, lab.certificates.client_key
    cluster = make_secure(None)
    memcached = cluster.memcached[0]
    memcached.kill()
    memcached.pair = good(lab, memcached.address)
    memcached.client_ca = lab.certificates.ca
    memcached.client_pair = pair
    memcached.start()
    known, stranger = cluster.hosts
    known.config.groups[0].pair = pair
    cluster.start()
    process.wait_until(
        lambda: unusable.server(stranger, memcached)['state'] == 'down',
        'the stranger to be refused')
    unusable.handshakes(stranger)
    cluster.wait_whole(hosts=[known])
    stranger.config.groups[0].pair = pair
    stranger.reload()
    wait_up(cluster)
    # offers TLS sessions when it connects again
    memcached.restart()
    wait_up(cluster)


def test_password(make_secure):
    """The password is sent over the TLS connection."""
    cluster = make_secure(good, password='nginx:password')
    memcached = cluster.memcached[0]
    memcached.kill()
    memcached.password = 'nginx:password'
    memcached.start()
    cluster.start()
    wait_up(cluster)


def test_name(lab, make_secure):
    """The certificate is valid for the name of the directive, not for its
    address.
    """
    if not lab.network.can_cut:
        pytest.skip('each host needs a network of its own')
    cluster = make_secure(wrong_address)
    memcached = cluster.memcached[0]
    resolvers = []
    try:
        for host in cluster.hosts:
            host.config.groups[0].memcached = [dns.NAME + ':11211']
            resolvers.append(dns.Dns(host))
            resolvers[-1].answer([memcached.address])
        cluster.start()
        for host in cluster.hosts:
            unusable.wait_error(host, memcached, 'refused: hostname mismatch')
        memcached.pair = lab.certificates.issue('named',
                                                  'DNS:' + dns.NAME)
        memcached.restart()
        wait_up(cluster)
    finally:
        for resolver in resolvers:
            resolver.stop()
