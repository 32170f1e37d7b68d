"""Certificates of a run, made with openssl."""

import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from . import process

NAMES = ['a.example', 'b.example', 'c.example', 'd.example', 'off.example']

# dates of validity; clocks of hosts are set back as well
DAYS = -2, 30


class Certificates:

    def __init__(self, directory):
        self.directory = directory
        self.ca = self._path('ca.pem')
        self.server = self._path('server.pem')
        self.server_key = self._path('server.key')
        self.client = self._path('client.pem')
        self.client_key = self._path('client.key')
        self.other_ca = self._path('other-ca.pem')

        self._authority('ca', '/CN=authority')
        self._authority('other-ca', '/CN=another authority')
        self._issue('server', '/CN=a.example',
                    'subjectAltName=' + ','.join('DNS:' + n for n in NAMES))
        self._issue('client', '/CN=client',
                    'extendedKeyUsage=clientAuth')

    def issue(self, name, names, ca='ca'):
        """The files of another certificate, for DNS:... and IP:..., and of its
        key.
        """
        self._issue(name, '/CN=' + name, 'subjectAltName=' + names, ca)
        return self._path(name + '.pem'), self._path(name + '.key')

    def expire(self, name, ca='ca'):
        """Signs a certificate again so that it expired yesterday; returns its
        files.
        """
        self._date(name, ca, -2, -1)
        return self._path(name + '.pem'), self._path(name + '.key')

    def _date(self, name, ca, begin, end):
        """Signs a certificate again, with dates in days from now."""
        old = x509.load_pem_x509_certificate(self._read(name + '.pem'))
        key = serialization.load_pem_private_key(self._read(ca + '.key'),
                                                 None)
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        builder = (x509.CertificateBuilder().subject_name(old.subject)
                   .issuer_name(old.issuer).public_key(old.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now + datetime.timedelta(days=begin))
                   .not_valid_after(now + datetime.timedelta(days=end)))
        for extension in old.extensions:
            builder = builder.add_extension(extension.value,
                                            extension.critical)
        with open(self._path(name + '.pem'), 'wb') as f:
            f.write(builder.sign(key, hashes.SHA256()).public_bytes(
                serialization.Encoding.PEM))

    def _read(self, name):
        with open(self._path(name), 'rb') as f:
            return f.read()

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _key(self, name):
        process.run(['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt',
                     'ec_paramgen_curve:P-256', '-out', self._path(name)])

    def _authority(self, name, subject):
        self._key(name + '.key')
        process.run(['openssl', 'req', '-x509', '-new', '-key',
                     self._path(name + '.key'), '-subj', subject, '-out',
                     self._path(name + '.pem')])
        self._date(name, name, *DAYS)

    def _issue(self, name, subject, extension, ca='ca'):
        self._key(name + '.key')
        with open(self._path(name + '.ext'), 'w', encoding='ascii') as f:
            f.write(extension + '\n')
        request = process.run(['openssl', 'req', '-new', '-key',
                               self._path(name + '.key'), '-subj', subject])
        process.run(['openssl', 'x509', '-req', '-CA',
                     self._path(ca + '.pem'), '-CAkey',
                     self._path(ca + '.key'), '-CAcreateserial', '-extfile',
                     self._path(name + '.ext'), '-out',
                     self._path(name + '.pem')], input=request)
        self._date(name, ca, *DAYS)
