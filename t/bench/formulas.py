"""The scale model: what a fleet asks of memcached, as formulas.

Bytes are those of memcached's protocol, without the headers of TCP.  "hosts",
"servers" and so on are counts; times are in seconds.
"""

import math
from dataclasses import dataclass

NAME = 45                       # "sss1:" and 40 digits
CLOCK = 30                      # between two looks at a server's clock
TURNS = 20                      # between two presence records of a fleet
ALONE = 40                      # and of a single host
REMOVE = 7 + NAME + 2           # "delete", and its answer
REMOVED = 9
AHEAD = 9 / 16                  # of a slot, when the next key is published


def digits(number):
    return len(str(int(number)))


def ring_keys(rotation, timeout):
    """Keys in the record: written once in a slot, without expired ones."""
    return 1 + math.ceil(timeout / rotation + 1.5 - AHEAD)


def ring_bytes(keys):
    return 52 + 108 * keys


def presence_bytes(hosts):
    return 6 + 20 * min(hosts, 2)


def session_bytes(session):
    """A sealed record, of the bytes of OpenSSL's i2d_SSL_SESSION()."""
    return session + 36


def item_bytes(value):
    """What memcached keeps: header, cas, key, value, line end."""
    return 48 + 8 + NAME + 1 + value + 2


def answer(value, version=None):
    """One value of an answer."""
    return (6 + NAME + 3 + digits(value) + 2 + value + 2
            + (0 if version is None else 1 + digits(version)))


def get(names):
    """A "get" of so many names."""
    return 3 + (1 + NAME) * names + 2


def store(value, timeout):
    """A "set" without an answer."""
    return 4 + NAME + 3 + digits(timeout) + 1 + digits(value) + 10 + value + 2


def replace(value, life, version):
    """A "cas"; its answer has 8 bytes."""
    return (4 + NAME + 3 + digits(life) + 1 + digits(value) + 1
            + digits(version) + 2 + value + 2)


@dataclass
class Fleet:
    """A fleet, and what it asks of one memcached server for its keys."""

    hosts: int
    poll: float
    rotation: float
    timeout: float
    workers: int = 1
    secrets: int = 1
    by_id: bool = True
    version: int = 1000         # memcached's count of writes
    statistics: int = 2000      # bytes of its answer to "stats"

    @property
    def keys(self):
        return ring_keys(self.rotation, self.timeout)

    def connections(self):
        return self.hosts * (1 + (self.workers if self.by_id else 0))

    def polls(self):
        return self.hosts / self.poll

    def gets(self):
        """Names asked for in a second."""
        return self.polls() * (self.secrets + 1)

    def writes(self):
        """Writes in a second: of the ring, and of presence records."""
        return (1 / self.rotation,
                1 / ((TURNS if self.hosts > 1 else ALONE) + self.poll))

    def clocks(self):
        return self.hosts / (math.ceil(CLOCK / self.poll) * self.poll)

    def read(self):
        """Bytes that memcached reads in a second."""
        ring, presence = self.writes()
        return (self.polls() * (1 + get(self.secrets + 1))
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
        """From the first host with a new key to the last: the mean."""
        return self.poll * (self.hosts - 1) / self.hosts
