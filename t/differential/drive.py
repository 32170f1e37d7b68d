"""Sends inputs to one host, many at a time, and reads what comes back.

All connections of a batch go in step: each sends its next chunk, then the
worker (there is one) answers a plain request, which came behind the chunks,
and so has read each of them by itself.  No time decides what is a chunk, or
whether a server has said all that it will.
"""

import socket

import answers
from harness import conf

PATIENCE = 20           # seconds, of a server that never ends


class Driver:

    def __init__(self, host, settle):
        self.host = host
        self.settle = settle    # returns when no handshake is held

    def barrier(self):
        with socket.create_connection((self.host.address, conf.STATUS_PORT),
                                      PATIENCE) as plain:
            plain.sendall(b'GET /auth HTTP/1.0\r\n\r\n')
            while plain.recv(4096):
                pass

    def run(self, items):
        """Items: (port, chunks, does the client shut down, session ID)."""
        connections = [Connection(self.host.address, *item)
                       for item in items]
        for step in range(max(len(c.chunks) for c in connections)):
            if step:
                self.barrier()
            for one in connections:
                one.send(step)
        if not all(one.shuts for one in connections):
            self.settle()
            # for a handshake that went on, and for what it then was about
            self.barrier()
            self.barrier()
            for one in connections:
                one.look()
        return [one.finish() for one in connections]


class Connection:

    def __init__(self, address, port, chunks, shuts, offered):
        self.chunks = chunks
        self.shuts = shuts
        self.offered = offered
        self.data = b''
        self.seen = None        # so much had come when it was looked at
        self.end = None
        self.socket = socket.create_connection((address, port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, step):
        if step >= len(self.chunks):
            return
        try:
            self.socket.sendall(self.chunks[step])
            if self.shuts and step == len(self.chunks) - 1:
                self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            # closed by the server; what it said is read all the same
            pass

    def look(self):
        """What the server says to a client that waits."""
        if self.shuts:
            return
        self.socket.setblocking(False)
        self._read()
        self.seen = len(self.data)
        self.socket.settimeout(PATIENCE)

    def _read(self):
        while self.end is None:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return
            except TimeoutError:
                self.end = 'still open'
            except OSError:
                self.end = 'reset'
            else:
                if data:
                    self.data += data
                else:
                    self.end = 'closed'

    def finish(self):
        """Returns what can be compared, and how the connection ended.

        The words have one end for both, reset and closed.  The kernel resets
        a connection that is closed while bytes wait in it that nobody has
        read, or that gets bytes afterwards: what a client sends after a
        fatal mistake finds the one or the other.
        """
        early = self.end is not None
        if not early:
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        self._read()
        self.socket.close()
        words = answers.describe(self.data, self.offered)
        if self.seen is not None:
            first = answers.describe(self.data[:self.seen], self.offered)
            words = [*first, 'closes' if early else 'waits',
                     *words[len(first):]]
        ended = 'never' if self.end == 'still open' else 'closed'
        return words + [ended], self.end
