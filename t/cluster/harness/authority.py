"""Certificates with the names, dates and issuers that a test needs, and CRLs.
"""

import collections
import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

# files, as servers and clients take them, and how a CRL names the certificate
Pair = collections.namedtuple('Pair', 'certificate key serial')


def days(number):
    return (datetime.datetime.now(datetime.timezone.utc)
            + datetime.timedelta(days=number))


def write(path, *parts):
    """Replaces a file; nginx tells by inode and time that it has changed."""
    with open(path + '.new', 'wb') as f:
        f.write(b''.join(parts))
    os.replace(path + '.new', path)
    return path


class Authority:
    """Issues certificates into a directory; without an issuer it is a root."""

    def __init__(self, directory, name, issuer=None):
        self.directory = directory
        self.issuer = issuer
        self.name = _subject(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.count = 0
        self.certificate = (issuer or self)._sign(
            self.name, self.key.public_key(), (), True, days(30))
        self.path = os.path.join(directory, name.replace(' ', '-'))
        self.file = write(self.path + '.pem', self.pem())

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def _sign(self, subject, key, names, authority, until, more=()):
        builder = (x509.CertificateBuilder()
                   .subject_name(subject)
                   .issuer_name(self.name)
                   .public_key(key)
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(days(-2))
                   .not_valid_after(until)
                   .add_extension(x509.BasicConstraints(authority, None),
                                  True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(name) if isinstance(name, str) else name
                 for name in names]), False)
        for oid, data in more:
            builder = builder.add_extension(x509.UnrecognizedExtension(
                x509.ObjectIdentifier(oid), data), False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, common_name, names=(), until=None, key=None, more=()):
        """A certificate with the intermediate ones behind it; its files.

        Names are for DNS, or x509's; more extensions are bytes by their OID.
        Without a common name the subject is an organisation.
        """
        self.count += 1
        key = key or ec.generate_private_key(ec.SECP256R1())
        made = self._sign(_subject(common_name), key.public_key(), names,
                          False, until or days(30), more)
        chain, issuer = [], self
        while issuer.issuer is not None:
            chain.append(issuer.pem())
            issuer = issuer.issuer
        path = '%s-%d' % (self.path, self.count)
        return Pair(
            write(path + '.pem',
                  made.public_bytes(serialization.Encoding.PEM), *chain),
            write(path + '.key', key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption())),
            made.serial_number)

    def crl(self, *serials):
        """A CRL that revokes these certificates, in PEM; a new one at each
        call.
        """
        builder = (x509.CertificateRevocationListBuilder()
                   .issuer_name(self.name)
                   .last_update(days(-1))
                   .next_update(days(30)))
        self.count += 1
        builder = builder.add_extension(x509.CRLNumber(self.count), False)
        for serial in serials:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(days(-1))
                .build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM)


def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def _subject(name):
    if name is None:
        return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME,
                                             'nobody')])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
