"""What a server answered, without what differs from one time to the next."""

import re
import zlib

import hello

TLS13 = b'\x03\x04'
RETRY = bytes.fromhex('cf21ad74e59a6111be1d8c021e65b891'
                      'c2a211167abb8c5e079e09e2c8a8339c')
ALERTS = {0: 'close_notify', 10: 'unexpected_message', 20: 'bad_record_mac',
          22: 'record_overflow', 40: 'handshake_failure',
          47: 'illegal_parameter', 50: 'decode_error', 51: 'decrypt_error',
          70: 'protocol_version', 80: 'internal_error',
          86: 'inappropriate_fallback', 109: 'missing_extension',
          110: 'unsupported_extension', 112: 'unrecognized_name',
          120: 'no_application_protocol'}
MESSAGES = {0: 'hello_request', 2: 'server_hello', 4: 'ticket',
            11: 'certificate', 12: 'key_exchange', 13: 'certificate_request',
            14: 'done', 22: 'status'}
# EncryptedExtensions and a Finished are shorter, a signature is not; how
# long that is differs
EXACT = 60


def describe(data, offered):
    """A list of words: records, messages, and what the ServerHello says.

    "offered" is the session ID of the client: the server repeats it or not.
    """
    if data and data[0] not in (20, 21, 22, 23):
        return ['plain ' + text(data)]
    words = []
    handshake = b''
    sealed = False
    at = 0
    while at < len(data):
        if at + 5 > len(data):
            return words + ['piece of a header']
        kind, version = data[at], data[at + 1:at + 3].hex()
        size = hello.number(data, at + 3, 2)
        body = data[at + 5:at + 5 + size]
        at += 5 + size
        if len(body) < size:
            return words + ['piece of record %d' % kind]
        if kind == hello.ALERT and size == 2 and not sealed:
            words.append('alert %s %d %s' % (version, body[0],
                                             ALERTS.get(body[1], body[1])))
        elif kind == hello.HANDSHAKE and not sealed:
            said, handshake = plain_messages(handshake + body, offered)
            words += ['%s %s' % (version, one) for one in said]
            sealed = 'tls13' in ' '.join(said)
        elif kind == hello.CCS:
            words.append('ccs ' + body.hex())
            # in TLS 1.2 this is where encryption begins
            sealed = True
        else:
            words.append('record %d %s %s' % (
                kind, version, size if size < EXACT else 'long'))
    return words


def text(data):
    """nginx's answer to a plain request; no byte of TLS."""
    return re.sub(r'Date: [^\r]*', 'Date', data.decode('latin-1'))


def plain_messages(data, offered):
    """The whole messages, and what is left."""
    words = []
    while len(data) >= 4 and len(data) >= 4 + hello.number(data, 1, 3):
        size = hello.number(data, 1, 3)
        kind, body = data[0], data[4:4 + size]
        data = data[4 + size:]
        word = MESSAGES.get(kind, 'message %d' % kind)
        if kind == 2:
            word = server_hello(body, offered)
        elif kind == 12:
            # curve and signature algorithm; the key and signature differ
            point = body[3]
            word += ' %s %d %s' % (body[:3].hex(), point,
                                   body[4 + point:6 + point].hex())
        elif kind == 4:
            word += ' %d' % size
        elif size > 60:
            word += ' %08x' % zlib.crc32(body)
        else:
            word += ' ' + body.hex()
        words.append(word)
    return words, data


def server_hello(body, offered):
    random, size = body[2:34], body[34]
    session_id = body[35:35 + size]
    at = 35 + size
    extensions = []
    start = at + 5
    while start + 4 <= len(body):
        length = hello.number(body, start + 2, 2)
        extensions.append((hello.number(body, start, 2),
                           body[start + 4:start + 4 + length]))
        start += 4 + length
    words = []
    for kind, data in extensions:
        if kind == hello.SHARES and len(data) > 2:
            # the group and the size of the key
            data = data[:4]
        words.append('%d=%s' % (kind, data.hex()))
    if random == RETRY:
        name = 'retry'
    elif (hello.VERSIONS, TLS13) in extensions:
        name = 'tls13'
    else:
        name = 'tls12'
    return '%s %s id %d%s cipher %s compression %d, %s' % (
        name, body[:2].hex(), size,
        ' repeated' if size and session_id == offered else '',
        body[at:at + 2].hex(), body[at + 2], ' '.join(words))


def resumed(words):
    """Did the server resume, as far as its answer tells?"""
    for index, word in enumerate(words):
        if 'tls13 ' in word:
            return ' 41=' in word
        if 'tls12 ' in word:
            return ' repeated ' in word or any(
                one.startswith('ccs') for one in words[index:])
    return False


def outline(words):
    """An answer's kind, for the table of the report."""
    for word in words:
        if word.startswith('alert'):
            return ' '.join(word.split()[2:])
        for name in 'retry', 'tls13', 'tls12':
            if ' %s ' % name in word:
                return name + (' resumed' if resumed(words) else '')
        if word.startswith('plain'):
            return 'plain ' + word.split('\r')[0][6:40]
    return ' '.join(words)[:30] or 'nothing'
