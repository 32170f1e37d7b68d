"""The opener of records implements X-Wing correctly: a test vector."""

import hashlib

from harness import hpke, mlkem

SEED = bytes.fromhex('7f9c2ba4e88f827d616045507605853e'
                     'd73b8093f6efbc88eb1a6eacfa66ef26')
# the random bytes of the sender: for ML-KEM, and an X25519 private key
DRAWN = bytes.fromhex('3cb1eea988004b93103cfb0aeefd2a68'
                      '6e01fa4a58e8a3639ca8a1e3f9ae57e2'
                      '35b8cc873c23dc62b8d260169afa2f75'
                      'ab916a58d974918835d25e6a435085b2')
SHARED = 'd2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384'


def test_xwing():
    public = hpke.xwing_public_of(SEED)
    enc = (mlkem.encapsulate(public[:1184], DRAWN[:32])
           + hpke.public_of(DRAWN[32:]))
    assert hpke.decap_xwing(SEED, enc).hex() == SHARED


def test_xwing_of_a_changed_message():
    """For a changed message ML-KEM returns another secret, not an error."""
    public = hpke.xwing_public_of(SEED)
    enc = (mlkem.encapsulate(public[:1184], DRAWN[:32])
           + hpke.public_of(DRAWN[32:]))
    changed = bytes([enc[0] ^ 1]) + enc[1:]
    shared = hpke.decap_xwing(SEED, changed)
    assert len(shared) == hashlib.sha256().digest_size
    assert shared.hex() != SHARED
