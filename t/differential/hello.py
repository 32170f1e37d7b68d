"""ClientHellos: taken apart, put together, and put into records."""

import dataclasses
import struct

HANDSHAKE, ALERT, CCS, DATA = 22, 21, 20, 23
CLIENT_HELLO = 1
SERVER_NAME, TICKET, PSK, VERSIONS, MODES, SHARES = 0, 35, 41, 43, 45, 51
RECORD_MAX = 16384

# A vector: bytes of its length, and what its elements are made of, a list of
# widths and vectors.  None: anything.
NESTED = {
    SERVER_NAME: [(2, [1, (2, None)])],
    10: [(2, None)],
    11: [(1, None)],
    5: [1, (2, None), (2, None)],
    13: [(2, None)],
    50: [(2, None)],
    16: [(2, [(1, None)])],
    27: [(1, None)],
    PSK: [(2, [(2, None), 4]), (2, [(1, None)])],
    VERSIONS: [(1, None)],
    MODES: [(1, None)],
    SHARES: [(2, [2, (2, None)])],
}


def number(data, at, width):
    return int.from_bytes(data[at:at + width], 'big')


def vector(width, data):
    """Too long a vector has the length that still fits: it is malformed."""
    size = min(len(data), (1 << 8 * width) - 1)
    return size.to_bytes(width, 'big') + data


@dataclasses.dataclass
class Hello:
    """A ClientHello whose lengths are right when it is put together."""

    version: bytes
    random: bytes
    session_id: bytes
    ciphers: bytes
    compression: bytes
    extensions: list            # (type, body), or None without any

    @classmethod
    def parse(cls, message):
        """From a handshake message with its header."""
        at = 38
        parts = []
        for width in (1, 2, 1):
            size = number(message, at, width)
            at += width
            parts.append(message[at:at + size])
            at += size
        extensions = None
        if at < len(message):
            end = at + 2 + number(message, at, 2)
            if end != len(message):
                raise ValueError('not a whole ClientHello')
            at += 2
            extensions = []
            while at < end:
                size = number(message, at + 2, 2)
                extensions.append((number(message, at, 2),
                                   message[at + 4:at + 4 + size]))
                at += 4 + size
        return cls(message[4:6], message[6:38], *parts, extensions)

    def build(self):
        body = (self.version + self.random + vector(1, self.session_id)
                + vector(2, self.ciphers) + vector(1, self.compression))
        if self.extensions is not None:
            body += vector(2, b''.join(
                kind.to_bytes(2, 'big') + vector(2, data)
                for kind, data in self.extensions))
        return message(CLIENT_HELLO, body)

    def get(self, kind):
        for one, body in self.extensions or ():
            if one == kind:
                return body
        return None

    def put(self, kind, body):
        """Exchanges an extension, or adds it before a last PSK."""
        extensions = list(self.extensions or ())
        for index, (one, _) in enumerate(extensions):
            if one == kind:
                extensions[index] = (kind, body)
                break
        else:
            last = len(extensions)
            if last and extensions[-1][0] == PSK:
                last -= 1
            extensions.insert(last, (kind, body))
        return dataclasses.replace(self, extensions=extensions)

    def drop(self, kind):
        return dataclasses.replace(self, extensions=[
            e for e in self.extensions or () if e[0] != kind])


def message(kind, body):
    return bytes([kind]) + min(len(body), 0xffffff).to_bytes(3, 'big') + body


def name_extension(name):
    return vector(2, b'\0' + vector(2, name))


def lengths(data):
    """The place and width of every length in a ClientHello message."""
    found = [(1, 3)]
    at = 38
    for width in (1, 2, 1):
        found.append((at, width))
        at += width + number(data, at, width)
    if at < len(data):
        found.append((at, 2))
        at += 2
        while at + 4 <= len(data):
            size = number(data, at + 2, 2)
            found.append((at + 2, 2))
            _nested(NESTED.get(number(data, at, 2)), data, at + 4,
                    at + 4 + size, found)
            at += 4 + size
    return found


def _nested(shape, data, at, end, found):
    for part in shape or ():
        if at >= end:
            return
        if isinstance(part, int):
            at += part
            continue
        width, element = part
        found.append((at, width))
        stop = at + width + number(data, at, width)
        at += width
        while element and at < stop <= end:
            at = _element(element, data, at, found)
        at = stop


def _element(shape, data, at, found):
    for part in shape:
        if isinstance(part, int):
            at += part
        else:
            found.append((at, part[0]))
            at += part[0] + number(data, at, part[0])
    return at


def record(data, kind=HANDSHAKE, version=b'\x03\x01'):
    return bytes([kind]) + version + vector(2, data)


def records(data, sizes=(), version=b'\x03\x01'):
    """Cut into records of these sizes; the rest into the longest there are."""
    found = []
    for size in sizes:
        if not data:
            break
        found.append(record(data[:size], version=version))
        data = data[size:]
    while data:
        found.append(record(data[:RECORD_MAX], version=version))
        data = data[RECORD_MAX:]
    return found


def messages(stream):
    """What is in the handshake records among all records."""
    found = b''
    at = 0
    while at + 5 <= len(stream):
        size = number(stream, at + 3, 2)
        if stream[at] == HANDSHAKE:
            found += stream[at + 5:at + 5 + size]
        at += 5 + size
    return found


def first(stream):
    """The first ClientHello of a client's bytes, and what comes behind."""
    size = 4 + number(stream, 6, 3)
    if stream[0] != HANDSHAKE or number(stream, 3, 2) != size:
        raise ValueError('not a ClientHello in one record')
    return stream[5:5 + size], stream[5 + size:]


def shape(stream):
    """What two hellos have in common if a change of one suits the other."""
    data = messages(stream)
    hello = Hello.parse(data[:4 + number(data, 1, 3)])
    return (len(stream), len(hello.session_id), hello.ciphers,
            [(kind, len(body)) for kind, body in hello.extensions or ()])


def opaque(stream):
    """Where the bytes are that differ from one hello to the next."""
    data, _ = first(stream)
    one = Hello.parse(data)
    found = set(range(11, 43))
    for body in (one.session_id, one.get(TICKET), one.get(PSK),
                 one.get(SHARES)):
        if body:
            at = stream.index(body)
            found |= set(range(at, at + len(body)))
    # early data
    return found | set(range(5 + len(data), len(stream)))


def binding(stream):
    """What makes a session of TLS fit, as far as the module can see it.

    None if there is no ClientHello; else its name, and what may be an ID.
    """
    one = find(stream) if direct(stream) else None
    if one is None:
        return None
    name = one.get(SERVER_NAME)
    return name and name.lower(), one.session_id, identity(one)


def direct(stream):
    """Do the records up to the end of the first message have no others among
    them, which the module leaves to OpenSSL at once?"""
    found = b''
    at = 0
    while at + 5 <= len(stream):
        size = number(stream, at + 3, 2)
        if stream[at] != HANDSHAKE or not 0 < size <= RECORD_MAX:
            return False
        found += stream[at + 5:at + 5 + size]
        at += 5 + size
        if len(found) >= 4 and len(found) >= 4 + number(found, 1, 3):
            return True
    return False


def identity(one):
    """The first PSK identity that is as long as an ID."""
    body = one.get(PSK) or b''
    at = 2
    while at + 2 <= len(body):
        size = number(body, at, 2)
        if size == 32:
            return body[at + 2:at + 34]
        at += 2 + size + 4
    return None


def find(stream):
    """The ClientHello that begins the handshake, None if there is none."""
    data = messages(stream)
    if data[:1] != b'\1' or len(data) < 42:
        return None
    try:
        return Hello.parse(data[:4 + number(data, 1, 3)])
    except (ValueError, IndexError):
        return None


def sslv2(ciphers, challenge, version=b'\x03\x03', session_id=b''):
    body = (b'\x01' + version
            + struct.pack('>HHH', len(ciphers), len(session_id),
                          len(challenge))
            + ciphers + session_id + challenge)
    return (0x8000 | len(body)).to_bytes(2, 'big') + body
