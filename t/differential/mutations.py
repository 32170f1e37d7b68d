"""What is done to the first bytes of a client.

A mutation gets a random generator and a stream of bytes that begins with a
ClientHello in one record, and returns the chunks in which a client sends
them: the server reads each before the next is sent.  It goes by the shape of
the hello alone, so that it does the same to the hellos of two sessions.
"""

import dataclasses
import functools
import itertools

import hello
from hello import Hello, message, record, records

PROXY = b'PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n'
WARNINGS = (0, 90, 100, 41)
LIMIT = 131396          # OpenSSL's, of a ClientHello


def cut(data, places):
    places = sorted({p for p in places if 0 < p < len(data)})
    return [data[a:b] for a, b in
            zip([0, *places], [*places, len(data)])]


def whole(rng, stream):
    return [stream]


# How the bytes arrive.

def split(rng, stream, at):
    return cut(stream, [at])


def split_places(stream):
    """Every boundary of a hello, and every byte next to one."""
    data, _ = hello.first(stream)
    places = {1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 43, 44, len(data) + 4,
              len(data) + 5}
    for at, width in hello.lengths(data):
        places |= {5 + at - 1, 5 + at, 5 + at + 1, 5 + at + width}
    return sorted(p for p in places if 0 < p < len(stream))


def drip(rng, stream):
    step = rng.choice([1, 1, 2, 3, 7, 16])
    return cut(stream, range(step, len(stream), step))


def pieces(rng, stream):
    return cut(stream, [rng.randrange(1, len(stream))
                        for _ in range(rng.randrange(2, 9))])


def truncate(rng, stream, at):
    return [stream[:at]]


def truncate_message(rng, stream, at):
    """A record that is whole, of a message that is not."""
    return [record(hello.first(stream)[0][:at])]


def truncate_body(rng, stream, at):
    """Record and message are whole, and the ClientHello ends too early."""
    return [record(message(hello.CLIENT_HELLO, hello.first(stream)[0][4:at]))]


# Records.

def fragments(rng, stream):
    data, rest = hello.first(stream)
    sizes = rng.choice([
        [1] * len(data), [1], [2], [3], [4], [5], [len(data) - 1],
        [38, 1], [rng.randrange(1, len(data)) for _ in range(4)],
        [rng.randrange(1, 40) for _ in range(60)]])
    found = records(data, sizes)
    if rng.random() < 0.5:
        return [b''.join(found) + rest]
    return [*found[:80], b''.join(found[80:]) + rest]


def together(rng, stream):
    """Several messages in a record."""
    data, _ = hello.first(stream)
    other = message(rng.choice([0, 1, 2, 11, 16, 20, 24, 67, 255]),
                    rng.randbytes(rng.choice([0, 1, 12, 32, 300])))
    both = rng.choice([data + data, data + other, other + data,
                       data + other[:3], message(0, b'') + data,
                       data + message(0, b''), message(1, b'') + data])
    sizes = rng.choice([[], [len(data)], [len(data) + 2], [len(other)], [5]])
    return [b''.join(records(both, sizes))]


def stranger(rng):
    """A record that does not belong there."""
    return rng.choice([
        lambda: record(b'', hello.HANDSHAKE),
        lambda: record(b'', hello.DATA),
        lambda: record(b'', hello.ALERT),
        lambda: record(bytes([1, rng.choice(WARNINGS)]), hello.ALERT),
        lambda: record(bytes([2, rng.randrange(120)]), hello.ALERT),
        lambda: record(bytes([rng.randrange(256), rng.randrange(256)]),
                       hello.ALERT),
        lambda: record(b'\1', hello.ALERT),
        lambda: record(b'\1\0\1', hello.ALERT),
        lambda: record(b'\1', hello.CCS),
        lambda: record(b'\2', hello.CCS),
        lambda: record(b'\1\1', hello.CCS),
        lambda: record(b'', hello.CCS),
        lambda: record(rng.randbytes(40), hello.DATA),
        lambda: record(rng.randbytes(RECORD_MANY), hello.DATA),
        lambda: record(b'\1\0\1' + bytes(17), 24),
        lambda: record(rng.randbytes(9), rng.randrange(256)),
        lambda: record(rng.randbytes(9), rng.randrange(20, 25),
                       rng.choice([b'\0\2', b'\2\0', b'\4\0', b'\xfe\xfd'])),
    ])()


RECORD_MANY = 16000


def many(rng, limit=40):
    """Strangers; mostly a few, sometimes more than OpenSSL puts up with."""
    if rng.random() < 0.6:
        return b''.join(stranger(rng) for _ in range(rng.randrange(1, 4)))
    one = stranger(rng)
    while len(one) > 100:
        one = stranger(rng)
    return one * rng.choice([2, 4, 5, 6, 31, 32, 33, limit])


def before(rng, stream):
    return rng.choice([lambda a, b: [a, b], lambda a, b: [a + b]])(
        many(rng), stream)


def between(rng, stream):
    data, rest = hello.first(stream)
    place = rng.choice([1, 3, 4, 5, 38, len(data) // 2, len(data) - 1])
    head, tail = record(data[:place]), record(data[place:]) + rest
    middle = many(rng)
    return rng.choice([[head, middle, tail], [head + middle + tail],
                       [head + middle, tail]])


def behind(rng, stream):
    more = rng.choice([
        many(rng), stream, stream[:rng.randrange(1, len(stream))],
        record(message(rng.choice([1, 16, 20]), rng.randbytes(60))),
        rng.randbytes(rng.choice([1, 4, 5, 6, 100, 5000])),
        b'GET / HTTP/1.0\r\n\r\n'])
    return rng.choice([[stream + more], [stream, more]])


def record_header(rng, stream):
    """Another type, version or length of the record."""
    head = bytearray(stream)
    size = hello.number(stream, 3, 2)
    which = rng.randrange(4)
    if which == 0:
        head[0] = rng.randrange(256)
    elif which == 1:
        head[1:3] = rng.choice([b'\2\0', b'\3\0', b'\3\2', b'\3\3', b'\3\4',
                                b'\3\5', b'\4\0', b'\0\3', b'\3\xff',
                                b'\xfe\xff', rng.randbytes(2)])
    else:
        head[3:5] = rng.choice([0, 1, 80, 100, size - 1, size + 1, 16384,
                                16385, 18432, 18433, 65535]).to_bytes(2, 'big')
    return [bytes(head)]


# Lengths and bytes.

def length_places(stream):
    return [(5 + at, width)
            for at, width in hello.lengths(hello.first(stream)[0])]


LENGTHS = ('0', '1', '-1', '+1', '+2', 'max', 'rest', 'any')


def length(rng, stream, place, to):
    at, width = place
    now, top = hello.number(stream, at, width), (1 << 8 * width) - 1
    value = {'0': 0, '1': 1, '-1': now - 1, '+1': now + 1, '+2': now + 2,
             'max': top, 'rest': len(stream) - at - width,
             'any': rng.randrange(top + 1)}[to]
    value = max(0, min(value, top))
    return [stream[:at] + value.to_bytes(width, 'big')
            + stream[at + width:]]


def flips(rng, stream):
    data = bytearray(stream)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return [bytes(data)]


def bytes_set(rng, stream):
    """A byte that any hello has otherwise becomes another in any case."""
    data = bytearray(stream)
    opaque = hello.opaque(stream)
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(data))
        if at in opaque:
            data[at] ^= rng.randrange(1, 256)
        else:
            data[at] = rng.choice([0, 1, 2, 3, 0x7f, 0x80, 0xff,
                                   rng.randrange(256)])
    return [bytes(data)]


def insert_or_delete(rng, stream):
    """The record has the right length, what is in it has not."""
    data, rest = hello.first(stream)
    at, size = rng.randrange(len(data)), rng.choice([1, 1, 2, 4, 30])
    if rng.random() < 0.5:
        data = data[:at] + rng.randbytes(size) + data[at:]
    else:
        data = data[:at] + data[at + size:]
    if not data:
        data = b'\1'
    return [record(data) + rest]


# The parts of the ClientHello; all lengths are right.

def rebuilt(change):
    @functools.wraps(change)
    def mutation(rng, stream, *args):
        data, rest = hello.first(stream)
        changed = change(rng, Hello.parse(data), *args)
        return [b''.join(records(changed.build())) + rest]
    return mutation


def pick(rng, one):
    return rng.randrange(len(one.extensions)) if one.extensions else None


@rebuilt
def duplicate(rng, one, index):
    extensions = list(one.extensions)
    extensions.insert(rng.randrange(index, len(extensions) + 1),
                      extensions[index])
    return dataclasses.replace(one, extensions=extensions)


@rebuilt
def remove(rng, one, index):
    return one.drop(one.extensions[index][0])


@rebuilt
def empty(rng, one, index):
    return one.put(one.extensions[index][0], b'')


@rebuilt
def longer(rng, one, index):
    kind, body = one.extensions[index]
    return one.put(kind, body + rng.randbytes(rng.choice([1, 2, 300])))


@rebuilt
def shorter(rng, one, index):
    kind, body = one.extensions[index]
    return one.put(kind, body[:rng.randrange(len(body) or 1)])


@rebuilt
def scramble(rng, one, index):
    kind, body = one.extensions[index]
    return one.put(kind, rng.randbytes(len(body)))


@rebuilt
def last(rng, one, index):
    extensions = list(one.extensions)
    extensions.append(extensions.pop(index))
    return dataclasses.replace(one, extensions=extensions)


@rebuilt
def shuffle(rng, one):
    extensions = list(one.extensions or ())
    rng.shuffle(extensions)
    return dataclasses.replace(one, extensions=extensions)


@rebuilt
def no_extensions(rng, one):
    return dataclasses.replace(one, extensions=rng.choice([None, []]))


@rebuilt
def session_id(rng, one):
    size = rng.choice([0, 1, 15, 16, 20, 31, 32, 33, 64, 255])
    return dataclasses.replace(one, session_id=rng.choice([
        rng.randbytes(size), (one.session_id + bytes(size))[:size]]))


@rebuilt
def ticket(rng, one):
    """A ticket, or what could be one, beside an ID."""
    size = rng.choice([0, 1, 16, 32, 48, 160, 192, 4000])
    return one.put(hello.TICKET, rng.randbytes(size))


@rebuilt
def psk(rng, one):
    """Identities and binders of any number and length."""
    sizes = [rng.choice([0, 1, 31, 32, 32, 33, 200])
             for _ in range(rng.choice([1, 1, 2, 9]))]
    binders = [rng.choice([0, 32, 32, 48, 48, 255]) for _ in sizes]
    if rng.random() < 0.3:
        binders.append(32)
    identities = b''.join(hello.vector(2, rng.randbytes(n)) + rng.randbytes(4)
                          for n in sizes)
    binders = b''.join(hello.vector(1, rng.randbytes(n)) for n in binders)
    body = hello.vector(2, identities) + hello.vector(2, binders)
    return dataclasses.replace(one.drop(hello.PSK), extensions=[
        *one.drop(hello.PSK).extensions, (hello.PSK, body)])


@rebuilt
def identity_added(rng, one):
    """The identity offered, before or behind one that nobody knows."""
    body = one.get(hello.PSK)
    if body is None:
        return one
    size = hello.number(body, 0, 2)
    known, binders = body[2:2 + size], body[4 + size:]
    other = hello.vector(2, rng.randbytes(rng.choice([1, 32, 100])))
    other += rng.randbytes(4)
    binder = hello.vector(1, rng.randbytes(32))
    if rng.random() < 0.5:
        known, binders = other + known, binder + binders
    else:
        known, binders = known + other, binders + binder
    return one.put(hello.PSK, hello.vector(2, known)
                   + hello.vector(2, binders))


@rebuilt
def versions(rng, one):
    listed = [rng.choice([b'\3\4', b'\3\3', b'\3\2', b'\3\1', b'\3\0',
                          b'\3\5', b'\x7f\x1c', b'\x0a\x0a', b'\0\2'])
              for _ in range(rng.randrange(6))]
    one = dataclasses.replace(one, version=rng.choice(
        [b'\3\3', b'\3\3', b'\3\1', b'\3\2', b'\3\4', b'\3\0', b'\0\2',
         b'\4\0']))
    if rng.random() < 0.2:
        return one
    return one.put(hello.VERSIONS, hello.vector(1, b''.join(listed)))


@rebuilt
def ciphers(rng, one):
    return dataclasses.replace(one, ciphers=rng.choice([
        b'', one.ciphers[:1], one.ciphers + b'\0', one.ciphers[:2],
        one.ciphers + b'\x56\0', one.ciphers + b'\0\xff',
        b'\x0a\x0a' + one.ciphers, rng.randbytes(40), one.ciphers[::-1]]))


@rebuilt
def compression(rng, one):
    return dataclasses.replace(one, compression=rng.choice(
        [b'', b'\1', b'\1\0', b'\0\1', bytes(255), b'\x40']))


@rebuilt
def shares(rng, one):
    """Key shares that lead to a HelloRetryRequest, or to an alert."""
    group, size = rng.choice([(29, 32), (29, 31), (29, 0), (23, 65),
                              (23, 64), (30, 56), (24, 97), (0x0a0a, 1),
                              (25, 133)])
    body = group.to_bytes(2, 'big') + hello.vector(2, rng.randbytes(size))
    return one.put(hello.SHARES, hello.vector(2, rng.choice(
        [b'', body, body + body, body + one.get(hello.SHARES)[2:]
         if one.get(hello.SHARES) else body])))


@rebuilt
def modes(rng, one):
    return one.put(hello.MODES, hello.vector(1, rng.choice(
        [b'', b'\0', b'\1', b'\0\1', b'\2', b'\1\1'])))


@rebuilt
def early_data(rng, one):
    return one.put(42, rng.choice([b'', b'', b'\0', bytes(4)]))


NAMES = (b'b.example', b'A.EXAMPLE', b'a.example.', b'a.example\0', b'',
         b'off.example', b'unknown.example', b'a' * 255, b'a' * 256,
         b'127.0.0.1', b'a..example', b'*.example', b'\xff\xfe', b'[::1]',
         b'reject.example', b'b.exa/mple', b'.', b'a.example:443')


@rebuilt
def name(rng, one, index):
    return one.put(hello.SERVER_NAME, hello.name_extension(NAMES[index]))


@rebuilt
def name_list(rng, one):
    known = b'\0' + hello.vector(2, b'a.example')
    return one.put(hello.SERVER_NAME, rng.choice([
        hello.vector(2, known + known), hello.vector(2, b''),
        hello.vector(2, b'\1' + known[1:]), known, b'\0',
        hello.vector(2, known + b'\1' + hello.vector(2, b'x')),
        hello.vector(2, b'\1' + hello.vector(2, b'x') + known),
        hello.vector(2, known) + b'\0', hello.vector(2, known[:2])]))


# Size.

@rebuilt
def extensions_many(rng, one):
    count, size = rng.choice([(100, 0), (1000, 0), (5000, 0), (16000, 0),
                              (200, 20), (3000, 10)])
    start = rng.choice([0x1000, 0x4000, 0x7f00])
    extra = [(start + i, bytes(size)) for i in range(count)]
    return dataclasses.replace(one, extensions=extra
                               + (one.extensions or []))


@rebuilt
def extension_large(rng, one):
    free = 65535 - sum(4 + len(body) for _, body in one.extensions or ()) - 4
    size = rng.choice([4000, 16000, 16384, 16385, 32000, free - 1, free,
                       free + 1])
    kind = rng.choice([21, 21, 0x1234, 16, 10, 13, hello.TICKET])
    body = bytes(size)
    if one.get(kind) is not None:
        one = one.drop(kind)
    return one.put(kind, body)


def oversized(rng, stream, excess):
    """Near to the longest ClientHello that OpenSSL takes."""
    data, _ = hello.first(stream)
    one = Hello.parse(data)
    filled = sum(4 + len(body) for _, body in one.extensions or ())
    fixed = 2 + 32 + 1 + len(one.session_id) + 2 + 1 + 2
    left = LIMIT + excess - fixed
    suites = min(65534, left - filled - 4 - 255)
    suites -= suites % 2
    padding = min(65535 - filled - 4, left - suites - filled - 4 - 1)
    left -= suites + filled + 4 + padding
    one = dataclasses.replace(
        one, ciphers=(one.ciphers * 40000)[:suites],
        compression=bytes(max(1, min(left, 255)))).put(21, bytes(padding))
    found = records(one.build())
    return [b''.join(found)] if rng.random() < 0.5 else found


def announced(rng, stream):
    """A message said to be long of which little comes."""
    size = rng.choice([LIMIT - 1, LIMIT, LIMIT + 1, 0x7fffff, 0xffffff,
                       17000, 65536])
    data = b'\1' + size.to_bytes(3, 'big') + hello.first(stream)[0][4:]
    data += bytes(rng.choice([0, 0, 20000]))
    return [b''.join(records(data))]


# No ClientHello at all.

def noise(rng, stream):
    size = rng.choice([1, 2, 4, 5, 6, 20, 100, 1000, 5000, 20000])
    data = rng.randbytes(size)
    head = rng.choice([b'', b'\x16', b'\x16\3', b'\x16\3\1', b'\x80',
                       b'\x16\3\1' + min(size, 65535).to_bytes(2, 'big'),
                       record(b'\1\0\0\x50' + data[:200])[:9]])
    return [head + data]


def noise_inside(rng, stream):
    """A ClientHello as to its header, and anything in it."""
    data = rng.randbytes(rng.choice([0, 1, 33, 34, 35, 38, 60, 500]))
    if rng.random() < 0.5:
        data = b'\3\3' + data
    return [record(message(hello.CLIENT_HELLO, data))]


def sslv2(rng, stream):
    data = Hello.parse(hello.first(stream)[0])
    suites = b''.join(b'\0' + data.ciphers[i:i + 2]
                      for i in range(0, len(data.ciphers), 2))
    found = bytearray(hello.sslv2(
        rng.choice([suites, suites, b'', suites[:5], b'\1\0\x80' + suites]),
        rng.randbytes(rng.choice([32, 32, 16, 15, 8, 48, 0])),
        rng.choice([b'\3\3', b'\3\1', b'\3\0', b'\0\2', b'\3\4', b'\4\0']),
        rng.choice([b'', b'', data.session_id])))
    if rng.random() < 0.4:
        found[rng.randrange(len(found))] = rng.randrange(256)
    return cut(bytes(found), [rng.randrange(1, 12)]
               if rng.random() < 0.3 else [])


PLAIN = (b'GET / HTTP/1.0\r\nHost: a.example\r\n\r\n', b'GET / HTTP/1.1\r\n',
         b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', b'HEAD ', b'P', b'EHLO me\r\n',
         b'CONNECT a.example:443 HTTP/1.1\r\n\r\n', b'SSH-2.0-x\r\n',
         b'a1 LOGIN x y\r\n', b'\r\n\r\n', b'\0' * 40, b'\x17\3\3\0\5hello',
         b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx', b'PUT x',
         b'\x16', b'\x15\3\1\0\2\2\x28', b'\x14\3\3\0\1\1', b'GARBAGE' * 900)


def plain(rng, stream, index):
    return [PLAIN[index]]


HEADERS = (PROXY, PROXY[:-2] + b'\n', b'PROXY UNKNOWN\r\n', b'PROXY ',
           b'PROXY TCP4 1.2.3.4\r\n', b'PROXY TCP6 ::1 ::1 1 2\r\n',
           b'PROXY TCP4 ' + b'9' * 200 + b'\r\n', PROXY + PROXY,
           b'\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c' + bytes(12),
           b'\r\n\r\n\0\r\nQUIT\n\x20\0\0\0',
           b'\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c' + bytes(12),
           b'\r\n\r\n\0\r\nQUIT\n\x21\x11\0\xff' + bytes(12))


def proxy(rng, stream, index):
    head = HEADERS[index]
    return rng.choice([[head + stream], [head, stream],
                       cut(head + stream, [len(head) // 2, len(head) + 3])])


def combined(rng, stream):
    """Two things at a time: a mutation of bytes that arrives in pieces."""
    change = rng.choice([flips, bytes_set, before, behind, record_header,
                         insert_or_delete, fragments])
    data = b''.join(change(rng, stream))
    return cut(data, [rng.randrange(1, len(data) + 1)
                      for _ in range(rng.randrange(1, 6))])


BY_EXTENSION = (duplicate, remove, empty, longer, shorter, scramble, last)
ANY = tuple(itertools.chain(
    [(m, 3) for m in (pieces, fragments, together, before, between, behind,
                      combined)],
    [(m, 4) for m in (flips, bytes_set)],
    [(m, 2) for m in (record_header, insert_or_delete, session_id, psk,
                      versions, ciphers, name_list, ticket, shares,
                      identity_added)],
    [(m, 1) for m in (compression, shuffle, no_extensions, modes,
                      early_data)]))
