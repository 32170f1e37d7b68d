"""Reads and writes the records in memcached, by their documented formats.

This is a second implementation of what src/sss_secret.h, src/sss_label.h,
src/sss_seal.h, src/sss_ring_codec.h and src/sss_presence.h describe.  It opens
the rings of hosts without forward secrecy; those of others are closed to it.
"""

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

RING = 1
HEADER, TAG, LABEL = 32, 16, 64
KEY = struct.Struct('>QIQQ16s32s32s')


class BadRecord(Exception):
    """Bytes that are not the record they should be."""


@dataclass(frozen=True)
class Stek:
    """One key of a ring."""

    slot: int
    rotation: int       # seconds
    created: int        # milliseconds since the epoch
    expires: int        # seconds since the epoch
    name: bytes
    aes: bytes
    hmac: bytes

    @property
    def short_name(self):
        return self.name[:4].hex()


def hkdf(key, salt, info, size):
    """HKDF-SHA256, RFC 5869."""
    secret = hmac.digest(salt or bytes(32), key, 'sha256')
    out = block = b''
    number = 0
    while len(out) < size:
        number += 1
        block = hmac.digest(secret, block + info + bytes([number]), 'sha256')
        out += block
    return out[:size]


def ring_name(secret, namespace, what='ring'):
    info = (b'ngx_ssl_session_sync name 1' + bytes([len(what)])
            + what.encode() + namespace.encode())
    return 'sss1:' + hkdf(bytes.fromhex(secret), b'', info, 20).hex()


def presence_name(namespace):
    text = b'ngx_ssl_session_sync presence 1' + namespace.encode()
    return 'sss1:' + hashlib.sha256(text).digest()[:20].hex()


def fingerprint(secret):
    return hkdf(bytes.fromhex(secret), b'', b'ngx_ssl_session_sync tag 1', 8)


def _cipher(key, salt, purpose):
    derived = hkdf(key, salt, b'ngx_ssl_session_sync seal 1'
                   + bytes([purpose]), 44)
    return AESGCM(derived[:32]), derived[32:]


def label(secret, namespace, generation=1):
    """The label of a host without a group."""
    text = b'SSSL' + bytes([1, 0, 0, 0]) + generation.to_bytes(4, 'big')
    text = text.ljust(48, b'\0')
    under = hkdf(bytes.fromhex(secret), b'', b'ngx_ssl_session_sync label 1',
                 32)
    return text + hmac.digest(under, text + namespace.encode(),
                              'sha256')[:16]


def seal(secret, namespace, plain, purpose=RING):
    tag = label(secret, namespace)
    salt = os.urandom(24)
    header = b'SSS1' + bytes([1, purpose, 0, 0]) + salt
    cipher, nonce = _cipher(bytes.fromhex(secret), salt, purpose)
    return tag + header + cipher.encrypt(nonce, plain, header + tag
                                         + namespace.encode())


def unseal(secret, namespace, sealed, purpose=RING):
    if len(sealed) < LABEL + HEADER + TAG:
        raise BadRecord('%d bytes' % len(sealed))
    tag, sealed = sealed[:LABEL], sealed[LABEL:]
    header = sealed[:HEADER]
    if header[:8] != b'SSS1' + bytes([1, purpose, 0, 0]):
        raise BadRecord('header %s' % header[:8].hex())
    cipher, nonce = _cipher(bytes.fromhex(secret), header[8:], purpose)
    try:
        return cipher.decrypt(nonce, sealed[HEADER:],
                              header + tag + namespace.encode())
    except InvalidTag:
        raise BadRecord('not sealed with this secret') from None


def decode_ring(plain):
    if len(plain) < 4 or plain[0] != 1:
        raise BadRecord('not an encoded ring')
    count = int.from_bytes(plain[1:4], 'big')
    if len(plain) != 4 + count * KEY.size:
        raise BadRecord('%d keys in %d bytes' % (count, len(plain)))
    return [Stek(*fields) for fields in KEY.iter_unpack(plain[4:])]


def encode_ring(keys):
    return (bytes([1]) + len(keys).to_bytes(3, 'big')
            + b''.join(KEY.pack(k.slot, k.rotation, k.created, k.expires,
                                k.name, k.aes, k.hmac) for k in keys))


def open_ring(secret, namespace, sealed):
    """The keys of a sealed ring."""
    return decode_ring(unseal(secret, namespace, sealed))


def session_name(key, identity):
    """The memcached key of the session with an ID that was made under a STEK.
    """
    under = hkdf(key.aes + key.hmac, b'', b'ngx_ssl_session_sync id 2', 32)
    mac = hmac.digest(under, b'\x01' + identity[:14], 'sha256')
    return 'sss1:' + mac[-20:].hex()


def ring_of(server, secret, namespace='main'):
    """The keys on one memcached server; none if there is no record."""
    sealed = server.get(ring_name(secret, namespace))
    return [] if sealed is None else open_ring(secret, namespace, sealed)


def session_of(server, secret, identity, namespace='main'):
    """The record of the session with an ID on a memcached server, if it has
    one.
    """
    key, = [key for key in ring_of(server, secret, namespace)
            if key.name[:4] == identity[:4]]
    return session_name(key, identity)
