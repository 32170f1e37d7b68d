"""A recorder in front of memcached, which keeps all bytes of both directions.
"""

import bisect
import contextlib
import time
from dataclasses import dataclass

from . import forwarder

WITH_VALUE = (b'set', b'add', b'replace', b'append', b'prepend', b'cas')


def size_of_value(words, to_server):
    """How many bytes of a value follow a line; None if none does."""
    if to_server:
        return int(words[4]) if words[0] in WITH_VALUE else None
    return int(words[3]) if words[0] == b'VALUE' else None


@dataclass(frozen=True)
class Value:
    """A value that a host has sent to memcached, or received from it."""

    when: float             # seconds since the epoch
    key: str
    data: bytes


class Stream:
    """One direction of a connection."""

    def __init__(self, to_server):
        self.to_server = to_server
        self.data = bytearray()
        self.begins = []        # where the pieces begin that were received
        self.times = []

    def add(self, data):
        self.begins.append(len(self.data))
        self.times.append(time.time())
        self.data += data

    def values(self):
        """All values that were complete when the connection ended."""
        data, at, found = bytes(self.data), 0, []
        while True:
            end = data.find(b'\r\n', at)
            if end < 0:
                return found
            words, begin = data[at:end].split(), end + 2
            size = size_of_value(words, self.to_server) if words else None
            if size is None:
                at = begin
                continue
            at = begin + size + 2
            if at > len(data):
                return found
            assert data[at - 2:at] == b'\r\n', words
            piece = bisect.bisect(self.begins, begin) - 1
            found.append(Value(self.times[piece], words[1].decode(),
                               data[begin:begin + size]))


class Recorder(forwarder.Forwarder):

    def __init__(self, server, address):
        super().__init__(address, [(server.address, 11211)])
        self.streams = []

    def _pump(self, source, sink, delayed):
        """Works like a forwarder's; what is read first goes to the server."""
        stream = Stream(delayed)
        with self.lock:
            self.streams.append(stream)
        super()._pump(Tap(source, stream.add), sink, delayed)

    def values(self):
        """Each different value of each memcached key, by the time it was first
        seen.
        """
        with self.lock:
            streams = list(self.streams)
        first = {}
        for stream in streams:
            for value in stream.values():
                where = value.key, value.data
                if where not in first or first[where].when > value.when:
                    first[where] = value
        return sorted(first.values(), key=lambda value: value.when)


class Recorders:
    """A recorder in front of each memcached of a cluster, which its hosts use.
    """

    def __init__(self, cluster, address):
        self.cluster = cluster
        self.all = [Recorder(server, address)
                    for server in cluster.memcached]
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        for one in self.all:
            self.stack.enter_context(one)
        for host in self.cluster.hosts:
            self.use(host)
        return self

    def __exit__(self, *exc):
        with self.stack:
            for host in self.cluster.hosts:
                host.stop()

    def use(self, host):
        host.config.groups[0].memcached = [one.server for one in self.all]

    def values(self):
        return [value for one in self.all for value in one.values()]


class Tap:
    """A socket whose bytes are shown to somebody before they are handed on."""

    def __init__(self, source, show):
        self.source = source
        self.show = show

    def recv(self, size):
        data = self.source.recv(size)
        self.show(data)
        return data
