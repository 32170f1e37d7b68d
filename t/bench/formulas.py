"""The scale model: what a fleet asks of memcached, as formulas.

Bytes are those of memcached's protocol, without the headers of TCP.  "hosts",
"servers" and so on are counts; times are in seconds.
"""

import hashlib
import math
from dataclasses import dataclass

NAME = 45                       # "sss1:" and 40 digits
SLOTS = 16                      # of the door, for each secret
CLOCK = 30                      # between two looks at a server's clock
TURNS = 20                      # between two presence records of a fleet
ALONE = 40                      # and of a single host
REMOVE = 7 + NAME + 2           # "delete", and its answer
REMOVED = 9
SILENCE = 1  # seconds of silence after which a store is sent with a probe
LOG = RECORD = BADGE = 20       # bytes: an empty log, a claim in it, a badge
PROBE = 16                      # "get sss1:probe", answered by "END"
AHEAD = 9 / 16  # part of a slot at which the next key is published


def digits(number):
    return len(str(int(number)))


def ring_keys(rotation, timeout):
    """Keys in the record: it is written once in a slot, without expired keys.
    """
    return 1 + math.ceil(timeout / rotation + 1.5 - AHEAD)


def ring_bytes(keys):
    return 64 + 52 + 108 * keys


def presence_bytes(hosts):
    return 6 + 20 * min(hosts, 2)


def session_bytes(session):
    """Bytes of a sealed record, from the bytes of i2d_SSL_SESSION()."""
    return session + 36


def item_bytes(value):
    """Bytes that memcached keeps: header, cas, key, value, line end."""
    return 48 + 8 + NAME + 1 + value + 2


def answer(value, version=None):
    """Bytes of one value in an answer."""
    return (6 + NAME + 3 + digits(value) + 2 + value + 2
            + (0 if version is None else 1 + digits(version)))


def get(names):
    """Bytes of a "get" of so many names."""
    return 3 + (1 + NAME) * names + 2


def store(value, timeout):
    """Bytes of a "set" without an answer."""
    return 4 + NAME + 3 + digits(timeout) + 1 + digits(value) + 10 + value + 2


def replace(value, life, version):
    """Bytes of a "cas"; its answer has 8 bytes."""
    return (4 + NAME + 3 + digits(life) + 1 + digits(value) + 1
            + digits(version) + 2 + value + 2)


def log_bytes(records):
    """Bytes of a log of claims."""
    return LOG + RECORD * records


def claim():
    """Bytes of a claim: three "mg" and an "append", which is answered."""
    return 3 * (3 + NAME + 6) + 7 + NAME + 9 + RECORD + 2


def badge():
    """Bytes of an answer with the badge, and the seconds that it has left."""
    return 2 + 3 + 10 + 2 + BADGE + 2


def claimed():
    """Bytes of the answer, without those of the log.  It has the seconds that
    the badge, a year, and the log have left.
    """
    return 2 * badge() + 8 + 2 + 3 + 4 + 2 + 2


def looked():
    """Bytes of the answer to a look at the badge: there is no such log."""
    return 2 * badge() + 12 + 4


def lay():
    """Bytes of the "add" of a log."""
    return 4 + NAME + 3 + 3 + 3 + 10 + LOG + 2


def points(address, port):
    """The points of a server on ketama's circle, as libmemcached computes
    them.
    """
    name = address if port == 11211 else '%s:%d' % (address, port)
    for n in range(40):
        digest = hashlib.md5(('%s-%d' % (name, n)).encode()).digest()
        for i in range(0, 16, 4):
            yield int.from_bytes(digest[i:i + 4], 'little')


def shares(addresses, port):
    """The share of all names that each server has if all weights are the same.
    """
    if len(addresses) == 1:
        return [1.0]
    circle = sorted((point, n) for n, address in enumerate(addresses)
                    for point in points(address, port))
    found = [0] * len(addresses)
    last = circle[-1][0] - 2 ** 32
    for point, n in circle:
        found[n] += point - last
        last = point
    return [part / 2 ** 32 for part in found]


@dataclass
class Sessions:
    """What sessions by ID ask of one memcached server in a second."""

    stores: float
    lookups: float
    removals: float
    value: int                  # bytes of a record
    timeout: float
    connections: int = 1        # connections of workers
    together: float = 1         # stores in a message

    def probes(self):
        """Probes a second: stores on a connection that was silent, if stores
        come at random (a Poisson process).
        """
        lookups = self.lookups / self.connections
        stores = self.stores * self.together / self.connections
        if not stores:
            return 0
        silent = math.exp(-lookups * SILENCE) / (lookups + stores)
        heard = -math.expm1(-lookups * SILENCE) / lookups if lookups \
            else SILENCE
        return self.connections * stores * silent / (silent + heard)

    def read(self):
        return (self.stores * store(self.value, self.timeout)
                + self.lookups * get(1) + self.removals * REMOVE
                + self.probes() * PROBE)

    def written(self):
        return (self.lookups * (answer(self.value) + 5)
                + self.removals * REMOVED + self.probes() * 5)


@dataclass
class Fleet:
    """A fleet, and what its polls ask of one memcached server."""

    hosts: int
    poll: float
    rotation: float
    timeout: float
    workers: int = 1
    secrets: int = 1
    by_id: bool = True
    version: int = 1000         # memcached's count of writes
    statistics: int = 2000      # bytes of its answer to "stats"
    held: float = None          # keys in a ring that is not full yet

    @property
    def keys(self):
        return self.held or ring_keys(self.rotation, self.timeout)

    def connections(self):
        return self.hosts * (self.workers if self.by_id else 1)

    def polls(self):
        return self.hosts / self.poll

    def gets(self):
        """Names that are asked for in a second."""
        return self.polls() * self.names()

    def names(self):
        """Names of a poll: ring and door under each secret, and presence."""
        return self.secrets * (1 + SLOTS) + 1

    def writes(self):
        """Writes a second, of the ring and of presence records.

        The ring is written for each new key, and for each epoch.
        """
        return (2 / self.rotation,
                1 / ((TURNS if self.hosts > 1 else ALONE) + self.poll))

    def clocks(self):
        return self.hosts / (math.ceil(CLOCK / self.poll) * self.poll)

    def read(self):
        """Bytes that memcached reads in a second."""
        ring, presence = self.writes()
        return (self.polls() * (1 + get(self.names()))
                + self.clocks() * 7
                + ring * replace(ring_bytes(self.keys), self.timeout,
                                 self.version)
                + presence * replace(presence_bytes(self.hosts), 120,
                                     self.version))

    def written(self):
        """Bytes that memcached writes in a second."""
        ring, presence = self.writes()
        return (self.polls() * (
            answer(ring_bytes(self.keys), self.version)
            + answer(presence_bytes(self.hosts), self.version) + 5)
                + self.clocks() * self.statistics
                + (ring + presence) * 8)

    def spread(self):
        """The mean time from the first host with a new key to the last one."""
        return self.poll * (self.hosts - 1) / self.hosts
