"""The ticket that a client's first message offers.

Python keeps the ticket of a session to itself, and shows it where anybody on
the network sees it: in a ClientHello, which needs no server to be made.
"""

import ssl

HANDSHAKE, CLIENT_HELLO = 22, 1
SESSION_TICKET, PRE_SHARED_KEY = 35, 41

RANDOM = 2 + 32             # the version, and the random value
NAME = 16                   # bytes at the front of a ticket that name its key
ID = 32                     # bytes of a ticket that is nothing but an ID


class Bytes:
    """What is left to be read of a message."""

    def __init__(self, data):
        self.data = data

    def take(self, size):
        if size > len(self.data):
            raise ValueError('a message that ends too early')
        part, self.data = self.data[:size], self.data[size:]
        return part

    def number(self, size):
        return int.from_bytes(self.take(size), 'big')

    def part(self, size):
        """What has its length in front of it, in so many bytes."""
        return Bytes(self.take(self.number(size)))


def client_hello(context, name, session):
    """The bytes with which a client of this context offers a session."""
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing,
                              server_hostname=name, session=session)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def extensions(data):
    """{number: content} of the extensions of a ClientHello."""
    record = Bytes(data)
    if record.number(1) != HANDSHAKE:
        raise ValueError('no handshake')
    record.take(2)
    message = record.part(2)
    if message.number(1) != CLIENT_HELLO:
        raise ValueError('no ClientHello')
    body = message.part(3)
    body.take(RANDOM)
    for size in (1, 2, 1):          # an ID, ciphers, compression
        body.part(size)
    found, rest = {}, body.part(2)
    while rest.data:
        number = rest.number(2)
        found[number] = rest.part(2)
    return found


def ticket(context, name, session):
    """The ticket of a session; empty if it is known by an ID, or expired,
    or so large that the message is in several records."""
    try:
        found = extensions(client_hello(context, name, session))
        if PRE_SHARED_KEY in found:
            return found[PRE_SHARED_KEY].part(2).part(2).data
        return found[SESSION_TICKET].data if SESSION_TICKET in found else b''
    except ValueError:
        return b''
