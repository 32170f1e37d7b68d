"""Addresses: HOST, HOST:PORT, [IPv6]:PORT; a name is all of its addresses."""

import ipaddress
import re
import socket
from dataclasses import dataclass

PORT = 443

BRACKETS = re.compile(r'\[([^\[\]]+)\](?::([0-9]+))?')
PLAIN = re.compile(r'([^\[\]:]+)(?::([0-9]+))?')


class Unusable(Exception):
    """An address of which nothing can be made; says why."""


@dataclass(frozen=True)
class Address:
    """A numeric address and a port."""

    host: str
    port: int

    def __str__(self):
        host = '[%s]' % self.host if ':' in self.host else self.host
        return '%s:%d' % (host, self.port)


def split(text):
    """The host and the port of what somebody typed."""
    if text.count(':') > 1 and not text.startswith('['):
        return text, PORT               # IPv6 without a port
    found = BRACKETS.fullmatch(text) or PLAIN.fullmatch(text)
    if not found:
        raise Unusable('%r is no address; HOST, HOST:PORT and [IPv6]:PORT '
                       'are' % text)
    port = int(found[2]) if found[2] else PORT
    if not 0 < port < 65536:
        raise Unusable('%r: there is no port %d' % (text, port))
    return found[1], port


def resolve(host, port):
    """Every address of a host, of a family that this machine has."""
    try:
        return [Address(str(ipaddress.ip_address(host)), port)]
    except ValueError:
        pass
    try:
        answers = _ask(host, socket.AI_ADDRCONFIG) or _ask(host, 0)
    except (OSError, UnicodeError) as error:
        raise Unusable('%s: %s' % (host, getattr(error, 'strerror', None)
                                   or error)) from error
    return [Address(answer[4][0], port) for answer in answers]


def _ask(host, flags):
    """A machine with loopback alone has no family, and loopback."""
    try:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM,
                                  flags=flags)
    except socket.gaierror:
        if not flags:
            raise
        return []
