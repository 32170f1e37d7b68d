"""Opens a message of HPKE (RFC 9180), mode_psk, with the KEMs that it uses.

Written from the standards, for opening recorded joins, since no library does
it.  Only HKDF-SHA256 and AES-256-GCM are supported.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import mlkem

X25519, XWING = 0x0020, 0x647a
KDF_HKDF_SHA256, AEAD_AES_256_GCM = 1, 2
MODE_PSK = 1
XWING_LABEL = b'\\.//^\\'


def extract(key, salt=b''):
    """HKDF-Extract of RFC 5869."""
    return hmac.digest(salt or bytes(32), key, 'sha256')


def expand(secret, info, size):
    """HKDF-Expand of RFC 5869."""
    out = block = b''
    while len(out) < size:
        number = len(out) // 32 + 1
        block = hmac.digest(secret, block + info + bytes([number]), 'sha256')
        out += block
    return out[:size]


def hkdf(key, info, size, salt=b''):
    return expand(extract(key, salt), info, size)


class Suite:
    """The labelled functions of RFC 9180, section 4, of one suite."""

    def __init__(self, identity):
        self.identity = identity

    def extract(self, salt, label, key):
        return extract(b'HPKE-v1' + self.identity + label + key, salt)

    def expand(self, secret, label, info, size):
        return expand(secret, size.to_bytes(2, 'big') + b'HPKE-v1'
                      + self.identity + label + info, size)


def public_of(private):
    """The X25519 public key of a private key of 32 bytes."""
    key = x25519.X25519PrivateKey.from_private_bytes(private)
    return key.public_key().public_bytes(serialization.Encoding.Raw,
                                         serialization.PublicFormat.Raw)


def agree(private, public):
    key = x25519.X25519PrivateKey.from_private_bytes(private)
    return key.exchange(x25519.X25519PublicKey.from_public_bytes(public))


def decap_x25519(private, enc):
    """DHKEM(X25519, HKDF-SHA256), RFC 9180, section 4.1."""
    suite = Suite(b'KEM' + X25519.to_bytes(2, 'big'))
    secret = suite.extract(b'', b'eae_prk', agree(private, enc))
    return suite.expand(secret, b'shared_secret', enc + public_of(private),
                        32)


def decap_xwing(seed, enc):
    """X-Wing, whose private key is a seed of 32 bytes."""
    expanded = hashlib.shake_256(seed).digest(96)
    private = expanded[64:]
    inner = mlkem.decapsulate(expanded[:32], expanded[32:64], enc[:1088])
    return hashlib.sha3_256(inner + agree(private, enc[1088:]) + enc[1088:]
                            + public_of(private) + XWING_LABEL).digest()


def xwing_public_of(seed):
    expanded = hashlib.shake_256(seed).digest(96)
    return (mlkem.generate(expanded[:32])[0] + public_of(expanded[64:]))


DECAPSULATE = {X25519: decap_x25519, XWING: decap_xwing}


def open_psk(kem, private, enc, message, psk, psk_id, info, aad):
    """The plaintext of the first message of a context; None if it does not
    open.
    """
    try:
        shared = DECAPSULATE[kem](private, enc)
    except ValueError:          # a public key of small order
        return None
    suite = Suite(b'HPKE' + kem.to_bytes(2, 'big')
                  + KDF_HKDF_SHA256.to_bytes(2, 'big')
                  + AEAD_AES_256_GCM.to_bytes(2, 'big'))
    context = (bytes([MODE_PSK])
               + suite.extract(b'', b'psk_id_hash', psk_id)
               + suite.extract(b'', b'info_hash', info))
    secret = suite.extract(shared, b'secret', psk)
    key = suite.expand(secret, b'key', context, 32)
    nonce = suite.expand(secret, b'base_nonce', context, 12)
    try:
        return AESGCM(key).decrypt(nonce, message, aad)
    except InvalidTag:
        return None
