"""A TCP forwarder: slow, or with targets that change."""

import socket
import threading
import time

from . import tlsocket


class Forwarder:
    """Listens instead of the hosts; each connection goes to the next target.

    With a delay, what a client sends reaches the target so much later.  With
    "idle", a connection over which nothing was sent for so long is closed.
    With the files of a certificate and its key, both sides have TLS.
    """

    def __init__(self, address, targets=(), delay=0.0, idle=None, pair=None):
        self.targets = list(targets)
        self.delay = delay
        self.idle = idle
        self.pair = pair
        self.count = 0
        self.listener = socket.create_server((address, 0))
        self.address, self.port = self.listener.getsockname()
        self.sockets = set()
        self.threads = []
        self.lock = threading.Lock()
        self.closed = False

    def __enter__(self):
        self._thread(self._accept)
        return self

    def __exit__(self, *exc):
        with self.lock:
            self.closed = True
            sockets = [self.listener, *self.sockets]
        for s in sockets:
            self._shut(s)
        while self.threads:
            self.threads.pop().join()
        for s in sockets:
            s.close()

    @property
    def server(self):
        return '%s:%d' % (self.address, self.port)

    @staticmethod
    def _shut(s):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _thread(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            target = self.targets[self.count % len(self.targets)]
            self.count += 1
            try:
                server = socket.create_connection(target, 10)
            except OSError:
                client.close()
                continue
            server.settimeout(self.idle)
            client.settimeout(self.idle)
            if self.pair is not None:
                client = tlsocket.TlsSocket(
                    client, tlsocket.server_context(self.pair), True)
                server = tlsocket.TlsSocket(
                    server, tlsocket.client_context())
            with self.lock:
                self.sockets.update([client, server])
                closed = self.closed
            if closed:
                self._shut(client)
                self._shut(server)
                return
            self._thread(self._pump, client, server, True)
            self._thread(self._pump, server, client, False)

    def _pump(self, source, sink, delayed):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if delayed and self.delay:
                    time.sleep(self.delay)
                sink.sendall(data)
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
