"""Certificates and revocation lists, on disk and as the oracle knows them."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
# of a client's certificate that has expired on a host whose clock is ahead
SHORT = datetime.timedelta(hours=6)
AHEAD = '+12h'

A, B, W, U = 'a.example', 'b.example', '*.w.example', 'u.example'
ADDRESS = 'IP 127.0.0.1'

# name: (common name, subjectAltNames, kind of key)
SERVERS = {
    'a': (A, (A,), 'ec'),
    'a-renewed': (A, (A,), 'ec'),
    'b': (B, (B,), 'ec'),
    'b-rsa': (B, (B,), 'rsa'),
    'ab': (A, (A, B), 'ec'),
    'ab-renewed': (B, (B, A), 'ec'),
    'wild': (W, (W, A), 'ec'),
    'all': (A, (A, B, W, U), 'ec'),
    # the common name counts only without a DNS name beside it
    'common': (A, (), 'ec'),
    'decoy': (A, (B,), 'ec'),
    'address': (A, (ADDRESS,), 'ec'),
    # a wildcard that matches nothing: too short for OpenSSL
    'shallow': ('shallow', ('*.example',), 'ec'),
}

# what a server may have: one certificate or several
SETS = {name: (name,) for name in SERVERS if name != 'b-rsa'}
SETS['a and b'] = ('a', 'b-rsa')

# name: (issuer, does it end soon)
CLIENTS = {
    'none': None,
    'one': ('A', False),
    'two': ('A', False),
    'short': ('A', True),
    'deep': ('between', False),
    'stranger': ('B', False),
}
AUTHORITIES = {'A': None, 'B': None, 'between': 'A'}

# name: the certificates that a list revokes
LISTS = {'empty': (), 'one': ('one',), 'two': ('two',),
         'between': ('between',)}


def names(chosen):
    """All names in certificates: of each, the common name if it must be."""
    found = set()
    for name in SETS[chosen]:
        common, alternative, _ = SERVERS[name]
        found |= set(alternative)
        if not any(one != ADDRESS for one in alternative):
            found.add(common)
    return frozenset(found)


def subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def alternatives(alternative):
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(one.split()[1]))
         if one == ADDRESS else x509.DNSName(one) for one in alternative])


class Papers:

    def __init__(self, directory):
        self.directory = directory
        self.now = datetime.datetime.utcnow()
        self.made = {}          # name: (key, certificate)
        for name, issuer in AUTHORITIES.items():
            self._issue('ca-' + name, 'authority ' + name,
                        issuer and 'ca-' + issuer, authority=True)
        for name, (common, alternative, kind) in SERVERS.items():
            self._issue('server-' + name, common, 'ca-A', kind=kind,
                        alternative=alternative)
        for name, found in CLIENTS.items():
            if found:
                issuer, short = found
                self._issue('client-' + name, name, 'ca-' + issuer,
                            life=SHORT if short else 30 * DAY)
        self._bundle('client-deep', ['client-deep', 'ca-between'])
        self._bundle('cas-A', ['ca-A'])
        self._bundle('cas-B', ['ca-B'])
        self._bundle('cas-AB', ['ca-A', 'ca-B'])
        for name, revoked in LISTS.items():
            self._list(name, revoked)

    def path(self, name):
        return os.path.join(self.directory, name)

    def _write(self, name, data):
        with open(self.path(name), 'wb') as f:
            f.write(data)

    def _issue(self, name, common, issuer, authority=False, kind='ec',
               alternative=(), life=30 * DAY):
        key = ec.generate_private_key(ec.SECP256R1()) if kind == 'ec' \
            else rsa.generate_private_key(65537, 2048)
        signer, parent = self.made[issuer] if issuer else (key, None)
        builder = (
            x509.CertificateBuilder().subject_name(subject(common))
            .issuer_name(parent.subject if parent else subject(common))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - DAY)
            .not_valid_after(self.now + life)
            .add_extension(x509.BasicConstraints(authority, None), True))
        if alternative:
            builder = builder.add_extension(alternatives(alternative), False)
        self.made[name] = key, builder.sign(signer, hashes.SHA256())
        self._bundle(name, [name])
        self._write(name + '.key', key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption()))

    def _bundle(self, name, members):
        self._write(name + '.pem', b''.join(
            self.made[one][1].public_bytes(serialization.Encoding.PEM)
            for one in members))

    def _list(self, name, revoked):
        """A file with a list of every authority: nginx wants them all."""
        data = b''
        for authority in AUTHORITIES:
            key, certificate = self.made['ca-' + authority]
            builder = (x509.CertificateRevocationListBuilder()
                       .issuer_name(certificate.subject)
                       .last_update(self.now - DAY)
                       .next_update(self.now + 7 * DAY))
            for one in revoked:
                found = self.made[('ca-' if one in AUTHORITIES else 'client-')
                                  + one][1]
                if found.issuer == certificate.subject:
                    builder = builder.add_revoked_certificate(
                        x509.RevokedCertificateBuilder()
                        .serial_number(found.serial_number)
                        .revocation_date(self.now - DAY).build())
            data += builder.sign(key, hashes.SHA256()).public_bytes(
                serialization.Encoding.PEM)
        self._write('list-%s.pem' % name, data)
