"""A TLS connection that one thread reads and another one writes.

Python's ssl sockets do not allow that: two threads must not use a connection
of OpenSSL at the same time.
"""

import ssl
import threading

PATIENCE = 60.0     # seconds that a writer waits for the handshake


def server_context(pair):
    """For a server with these files of certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


def client_context(pair=None):
    """For a client that accepts any certificate, and may have one itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


class TlsSocket:
    """Wraps a socket; the thread that reads makes the handshake."""

    def __init__(self, plain, context, server_side=False):
        self.plain = plain
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing,
                                    server_side=server_side)
        self.turn = threading.Condition()
        self.ended = False

    def _step(self, function, argument):
        """Returns None if it has to read first."""
        try:
            return function(argument)
        except ssl.SSLWantReadError:
            return None
        finally:
            # in the order in which the bytes were encrypted
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
