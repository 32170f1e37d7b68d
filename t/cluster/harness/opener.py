"""Opens recorded records of memcached, with keys that were found later.

It is written from docs/internals.md alone, which is the point: it shares no
code with the module.  It opens whatever it can: a tag that it cannot check,
for want of a part, does not stop it.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import (Cipher, algorithms,
                                                    modes)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import hpke

PREFIX = b'ngx_ssl_session_sync '
SLOTS = 16              # of the door
LABEL = struct.Struct('>4sB3xIIQ16sI4x16s')
HEADER, TAG = 32, 16
STEK = struct.Struct('>QIQQ16s32s32s')
REQUEST, ANSWER = 1, 2
DOOR = struct.Struct('>4sBBH')
XWING_PUBLIC = 1216
ENC = {hpke.X25519: 32, hpke.XWING: 1120}
STATE = struct.Struct('>IIQ16sIQ32s')
TICKET_NAME, TICKET_IV, TICKET_MAC = 16, 16, 32
SESSION_HEADER = 20


@dataclass(frozen=True)
class Label:
    """The generation, group and epoch in which a ring was sealed."""

    generation: int
    epoch: int
    founded: int            # milliseconds since the epoch
    group: bytes
    poll: int               # milliseconds


@dataclass(frozen=True)
class State:
    """A group's key, as it was in somebody's memory."""

    group: bytes
    epoch: int
    key: bytes

    def at(self, epoch):
        """The state in this epoch or a later one; None for an earlier one."""
        if epoch < self.epoch:
            return None
        key = self.key
        for number in range(self.epoch + 1, epoch + 1):
            key = hpke.hkdf(key, PREFIX + b'epoch 1' + self.group
                            + number.to_bytes(4, 'big'), 32)
        return State(self.group, epoch, key)


@dataclass(frozen=True)
class Stek:
    """One key of a ring."""

    slot: int
    rotation: int           # seconds
    created: int            # milliseconds since the epoch
    expires: int            # seconds since the epoch
    name: bytes
    aes: bytes
    hmac: bytes


@dataclass(frozen=True)
class Request:
    """The request of a host that asks to be let in."""

    generation: int
    group: bytes
    x25519: bytes           # public keys
    xwing: bytes
    digest: bytes           # SHA-256 of the request


@dataclass(frozen=True)
class Answer:
    """The answer of a member of the group."""

    kem: int
    request: bytes          # SHA-256 of the request
    enc: bytes
    message: bytes


def split_ring(value):
    """The label of a ring's record, the bytes of that label, and the sealed
    ring.
    """
    if len(value) < LABEL.size or value[:4] != b'SSSL':
        return None
    _, version, *fields, mac = LABEL.unpack_from(value)
    if version != 1:
        return None
    return (Label(*fields), mac, value[:LABEL.size], value[LABEL.size:])


def decode_ring(plain):
    """The STEKs of a ring; None if the bytes are no ring."""
    if len(plain) < 4 or plain[0] != 1:
        return None
    count = int.from_bytes(plain[1:4], 'big')
    if len(plain) != 4 + count * STEK.size:
        return None
    return [Stek(*fields) for fields in STEK.iter_unpack(plain[4:])]


class _Rings:
    """What follows from label() and open_ring()."""

    def open_rings(self, values, states):
        """Those records that open with one of the states, or a later one."""
        opened, chain = [], {}
        for value in values:
            label = self.label(value)
            if label is None:
                continue
            for state in states:
                if state.group != label.group:
                    continue
                where = state, label.epoch
                if where not in chain:
                    chain[where] = state.at(label.epoch)
                there = chain[where]
                keys = there and self.open_ring(value, there.key)
                if keys is not None:
                    opened.append((label, keys))
                    break
        return opened

    def steks(self, values, states):
        """All that are in rings which open, by name."""
        found = {}
        for _, keys in self.open_rings(values, states):
            for key in keys:
                known = found.get(key.name)
                if known is None or known.expires < key.expires:
                    found[key.name] = key
        return found


class Opener(_Rings):
    """For one secret and one namespace."""

    def __init__(self, secret, namespace):
        self.secret = secret
        self.namespace = namespace.encode()
        self.label_key = hpke.hkdf(secret, PREFIX + b'label 1', 32)
        self.join_key = hpke.hkdf(secret, PREFIX + b'join 1', 32)
        self.tag = hpke.hkdf(secret, PREFIX + b'tag 2', 8)
        self.ring = self._name(b'group ring')
        self.door = [self._name(b'door %d' % slot) for slot in range(SLOTS)]

    def _name(self, what):
        return 'sss1:' + hpke.hkdf(
            self.secret, PREFIX + b'name 1' + bytes([len(what)]) + what
            + self.namespace, 20).hex()

    def _tagged(self, key, data, mac):
        return hmac.digest(key, data + self.namespace,
                           'sha256')[:TAG] == mac

    def label(self, value):
        """The label of a ring's record, if it is authenticated by this secret.
        """
        parts = split_ring(value)
        if parts is None:
            return None
        label, mac, data, _ = parts
        return label if self._tagged(self.label_key, data[:-TAG],
                                     mac) else None

    def open_ring(self, value, key):
        """The STEKs in a ring's record, opened with the key of its epoch."""
        parts = split_ring(value)
        if parts is None:
            return None
        _, _, label, sealed = parts
        header, box = sealed[:HEADER], sealed[HEADER:]
        if header[:8] != b'SSS1\1\1\0\0' or len(box) < TAG:
            return None
        ring_key = hpke.hkdf(key + self.secret, PREFIX + b'ring 1', 32)
        derived = hpke.hkdf(ring_key, PREFIX + b'seal 1\1', 44, header[8:])
        try:
            plain = AESGCM(derived[:32]).decrypt(
                derived[32:], box, header + label + self.namespace)
        except InvalidTag:
            return None
        return decode_ring(plain)

    def _door(self, value, kind):
        if len(value) < DOOR.size + TAG:
            return None
        magic, version, found, number = DOOR.unpack_from(value)
        if ((magic, version, found) != (b'SSSJ', 1, kind)
                or not self._tagged(self.join_key, value[:-TAG],
                                    value[-TAG:])):
            return None
        return number

    def request(self, value):
        """A request at the door; None if the bytes are none."""
        size = self._door(value, REQUEST)
        if (size not in (0, XWING_PUBLIC)
                or len(value) != 64 + size + TAG):
            return None
        return Request(int.from_bytes(value[8:12], 'big'), value[16:32],
                       value[32:64], value[64:-TAG],
                       hashlib.sha256(value).digest())

    def answer(self, value):
        """An answer at the door; None if the bytes are none."""
        kem = self._door(value, ANSWER)
        size = ENC.get(kem)
        if size is None or len(value) != 40 + size + 92 + TAG:
            return None
        return Answer(kem, value[8:40], value[40:40 + size],
                      value[40 + size:-TAG])

    def open_answer(self, answer, private):
        """The group's state in an answer, with the private key of its request.

        The private key has 32 bytes with either KEM.
        """
        text = hpke.open_psk(answer.kem, private, answer.enc, answer.message,
                             self.secret, self.tag,
                             PREFIX + b'join 1' + self.namespace,
                             answer.request)
        if text is None:
            return None
        _, epoch, _, group, _, _, key = STATE.unpack(text)
        return State(group, epoch, key)


class Openers(_Rings):
    """For all secrets that a cluster has had, in one namespace."""

    def __init__(self, secrets, namespace):
        self.all = [Opener(secret, namespace) for secret in secrets]

    def _first(self, name, *arguments):
        found = (getattr(one, name)(*arguments) for one in self.all)
        return next((what for what in found if what is not None), None)

    def label(self, value):
        return self._first('label', value)

    def open_ring(self, value, key):
        return self._first('open_ring', value, key)

    def request(self, value):
        return self._first('request', value)

    def answer(self, value):
        return self._first('answer', value)

    def open_answer(self, answer, private):
        return self._first('open_answer', answer, private)


def mac_of_ticket(ticket, key):
    """Whether these 32 bytes are the HMAC key of a ticket."""
    return (hmac.digest(key, ticket[:-TICKET_MAC], 'sha256')
            == ticket[-TICKET_MAC:])


def decrypt_ticket(ticket, key):
    """The session in a ticket, with an AES key; None if the result is no
    session.
    """
    begin = TICKET_NAME + TICKET_IV
    box = ticket[begin:-TICKET_MAC]
    if not box or len(box) % 16:
        return None
    cipher = Cipher(algorithms.AES(key),
                    modes.CBC(ticket[TICKET_NAME:begin])).decryptor()
    plain = cipher.update(box) + cipher.finalize()
    padding = plain[-1]
    if not 1 <= padding <= 16 or plain[-padding:] != bytes([padding]
                                                           ) * padding:
        return None
    return session(plain[:-padding])


def open_ticket(ticket, steks):
    """The session in a ticket, if it is under one of the STEKs."""
    for stek in steks:
        if (stek.name == ticket[:TICKET_NAME]
                and mac_of_ticket(ticket, stek.hmac)):
            return decrypt_ticket(ticket, stek.aes)
    return None


def session(data):
    """These bytes, if they are an SSL_SESSION in OpenSSL's encoding."""
    if data[:1] != b'\x30' or len(data) < 16:
        return None
    size, begin = data[1], 2
    if size & 0x80:
        begin += size & 0x7f
        size = int.from_bytes(data[2:begin], 'big')
    # the version of the structure comes first
    if len(data) != begin + size or data[begin:begin + 3] != b'\2\1\1':
        return None
    return data


def session_name(stek, identity):
    """The memcached key of the session with an ID."""
    key = hpke.hkdf(stek.aes + stek.hmac, PREFIX + b'id 2', 32)
    mac = hmac.digest(key, b'\1' + identity[:14], 'sha256')
    return 'sss1:' + mac[-20:].hex()


def open_session(value, identity, stek):
    """The session in a record, for an ID that was sent in the clear.

    The tag also covers the binding, which is unknown here, and not needed to
    decrypt.
    """
    if (value[:8] != b'SSS1\1\2\0\0'
            or len(value) < SESSION_HEADER + TAG):
        return None
    key = hpke.hkdf(stek.aes + stek.hmac, PREFIX + b'session 1', 32)
    key = hpke.expand(key, b'session_sync seal 3' + identity, 32)
    counter = value[8:SESSION_HEADER] + (2).to_bytes(4, 'big')
    cipher = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    return session(cipher.update(value[SESSION_HEADER:-TAG])
                   + cipher.finalize())
