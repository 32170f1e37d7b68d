"""Sessions by ID of clients with small and with large certificates."""

import datetime
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness import clients, conf, process, sessions

TELL = ('verify=$ssl_client_verify dn=$ssl_client_s_dn '
        'fingerprint=$ssl_client_fingerprint serial=$ssl_client_serial')
TOLD = ('verify', 'dn', 'fingerprint', 'serial')

# bytes of names in the client's certificate, which is stored in the session,
# and in each certificate between it and the root
CHAINS = {
    'small': (100, []),
    'chain': (100, [1000] * 6),
    'above-the-limit-of-nginx': (5000, []),
    'large-chain': (20000, [10000] * 4),
    'as-large-as-it-gets': (60000, [1000]),
}


class Issuer:

    def __init__(self, name, issuer=None, padding=0, authority=True):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME,
                                                  name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder()
                   .subject_name(self.name)
                   .issuer_name((issuer or self).name)
                   .public_key(self.key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=30))
                   .add_extension(x509.BasicConstraints(authority, None),
                                  True))
        names = [x509.DNSName('%048d.example' % number)
                 for number in range(padding // 58)]
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(names), False)
        self.certificate = builder.sign((issuer or self).key,
                                        hashes.SHA256())

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)
    return path


def chain(directory, root, leaf, between):
    """A client's certificate with what leads to the root, and its key."""
    made = [root]
    for number, padding in enumerate(between):
        made.append(Issuer('between%d' % number, made[-1], padding))
    made.append(Issuer('client', made[-1], leaf, authority=False))
    key = made[-1].key.private_bytes(serialization.Encoding.PEM,
                                     serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())
    return (write(os.path.join(directory, 'chain.pem'),
                  b''.join(one.pem() for one in reversed(made[1:]))),
            write(os.path.join(directory, 'chain.key'), key))


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=2, memcached_servers=2,
                                  rotation='7d', start=False,
                                  session_cache='shared:sessions:1m')
    cluster.root = Issuer('root')
    authority = write(os.path.join(cluster.directory, 'root.pem'),
                      cluster.root.pem())
    for host in cluster.hosts:
        host.config.servers = [conf.Server(verify='on', ca=authority,
                                           extra='ssl_verify_depth 9;',
                                           tell=TELL)]
    sessions.without_tickets(cluster.hosts)
    cluster.start()
    cluster.wait_agreed()
    return cluster


def client_of(cluster, version, leaf, between):
    client = clients.Client(version, certificate=chain(
        cluster.directory, cluster.root, leaf, between))
    client.context.options |= clients.ssl.OP_NO_TICKET
    return client


@pytest.mark.parametrize('version', clients.VERSIONS)
@pytest.mark.parametrize('size', CHAINS)
def test_resumes(cluster, size, version):
    """It resumes on the other host, and the server knows the client as before.
    """
    client = client_of(cluster, version, *CHAINS[size])
    first, second = cluster.hosts

    def resumed():
        born = client.full(first)
        assert born.fields['verify'] == 'SUCCESS'
        assert born.fields['dn'] == 'CN=client'
        result = client.connect(second, session=born.session)
        assert result.error is None
        return (born, result) if result.reused else None

    born, result = process.wait_until(resumed, 'a session')
    assert result.fields['sync'] == 'id-remote'
    for name in TOLD:
        assert result.fields[name] == born.fields[name]


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_own_host(cluster, version):
    """It resumes on its own host, though it is too large for nginx's cache."""
    client = client_of(cluster, version, 20000, [])
    host = cluster.hosts[0]

    def resumed():
        result = client.connect(host, session=client.full(host).session)
        return result if result.reused else None

    result = process.wait_until(resumed, 'a session')
    assert result.fields['sync'] == 'id-remote'
    assert result.fields['verify'] == 'SUCCESS'


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_too_large_for_memcached(cluster, version):
    """A session too large for memcached: a full handshake each time."""
    client = client_of(cluster, version, 70000, [])
    first, second = cluster.hosts
    before = second.group()['sessions']
    for _ in range(5):
        session = client.full(first).session
        result = client.connect(second, session=session)
        assert result.error is None and not result.reused
        assert result.fields['verify'] == 'SUCCESS'
    after = second.group()['sessions']
    assert after['bad_records'] == before['bad_records']
    assert after['failures'] == before['failures']
