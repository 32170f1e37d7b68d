"""A TLS connection which one thread reads and another one writes.

The sockets of module ssl are not for that: a connection of OpenSSL's must not
be used by two threads at once.
"""

import ssl
import threading

PATIENCE = 60.0     # seconds, of a writer with the handshake


def server_context(pair):
    """Of a server with these files of certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


def client_context(pair=None):
    """Of a client that takes any certificate, and perhaps has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


class TlsSocket:
    """Of a socket; the one who reads makes the handshake."""

    def __init__(self, plain, context, server_side=False):
        self.plain = plain
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing,
                                    server_side=server_side)
        self.turn = threading.Condition()
        self.ended = False

    def _step(self, function, argument):
        """None if there is more to be read first."""
        try:
            return function(argument)
        except ssl.SSLWantReadError:
            return None
        finally:
            # in the order in which it was encrypted
            self.plain.sendall(self.outgoing.read())

    def recv(self, size):
        data = b''
        try:
            data = self._read(size)
        except ssl.SSLZeroReturnError:
            pass
        finally:
            if not data:
                with self.turn:
                    self.ended = True
                    self.turn.notify_all()
        return data

    def _read(self, size):
        while True:
            with self.turn:
                data = self._step(self.tls.read, size)
                self.turn.notify_all()
            if data is not None:
                return data
            more = self.plain.recv(65536)
            if not more:
                return b''
            with self.turn:
                self.incoming.write(more)

    def sendall(self, data):
        with self.turn:
            while self._step(self.tls.write, data) is None:
                if self.ended or not self.turn.wait(PATIENCE):
                    raise ConnectionError('no TLS')

    def settimeout(self, seconds):
        self.plain.settimeout(seconds)

    def shutdown(self, how):
        self.plain.shutdown(how)

    def close(self):
        self.plain.close()
