"""Steady mixed load through the balancer; every handshake is recorded.

Tickets and session IDs, TLS 1.2 and 1.3, several server names.  A fifth of the
handshakes offers no session; the others offer one, which is used once, on
whatever host the balancer chooses.
"""

import random
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from . import clients, staging

# kind: TLS version, listener, options of the client
KINDS = {'ticket 1.2': ('TLSv1.2', staging.TICKETS, 0),
         'ticket 1.3': ('TLSv1.3', staging.TICKETS, 0),
         'id 1.2': ('TLSv1.2', staging.IDS, ssl.OP_NO_TICKET),
         'id 1.3': ('TLSv1.3', staging.IDS, 0)}

FULL = 0.2                  # share of handshakes without a session
YOUNGEST, OLDEST = 1.5, 60  # seconds; a younger session may not be stored yet
POOL = 200                  # most sessions of a kind that are kept
PATIENCE = 12               # seconds after which a client gives up
LATE = 0.5  # seconds; a handshake that is later than that is skipped


@dataclass
class Session:
    session: object
    name: str
    born: float             # time of the full handshake in which it began
    issued: float
    issuer: str


@dataclass
class Handshake:
    """What a client knows of a handshake.  Times are time()s."""

    kind: str
    began: float
    ended: float = None
    seconds: float = None   # from connecting to the end of the handshake
    issued: float = None    # when the session that it offered was issued
    issuer: str = None
    host: str = None        # as the host says in its answer
    pid: str = None         # of the worker, likewise
    reused: bool = False
    error: str = None
    source: tuple = None    # the client's address and port


class Clients:
    """One context for each kind of session."""

    def __init__(self):
        self.contexts = {}
        for kind, (version, _, options) in KINDS.items():
            client = clients.Client(version)
            client.context.options |= options
            self.contexts[kind] = client.context

    def connect(self, kind, address, name, offered=None):
        """Makes one connection; never raises.  Returns it, and its session."""
        result = Handshake(kind, time.time())
        port = staging.LISTENERS[KINDS[kind][1]]
        step, session, began = 'connect', None, time.monotonic()
        if offered:
            result.issued, result.issuer = offered.issued, offered.issuer
        try:
            with socket.create_connection((address, port), PATIENCE) as plain:
                result.source = plain.getsockname()
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                step = 'handshake'
                with self.contexts[kind].wrap_socket(
                        plain, server_hostname=name,
                        session=offered.session if offered else None) as tls:
                    result.seconds = time.monotonic() - began
                    step = 'answer'
                    fields = ask(tls, name)
                    result.host = fields.get('host')
                    result.pid = fields.get('pid')
                    result.reused = tls.session_reused
                    session = tls.session
        except (OSError, ValueError) as error:
            result.error = '%s: %s' % (step, getattr(error, 'reason', None)
                                       or type(error).__name__)
        result.ended = time.time()
        if result.error or session is None:
            return result, None
        now = result.ended
        if result.reused and KINDS[kind][0] == 'TLSv1.2':
            # this may be the session that was offered
            now = offered.issued
        return result, Session(session, name,
                               offered.born if result.reused else now, now,
                               result.host)


def ask(tls, name):
    tls.sendall(b'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' % name.encode())
    with tls.makefile('rb') as f:
        answer = f.read().decode()
    head, end, body = answer.partition('\r\n\r\n')
    if not end or not head.split()[1:2] == ['200'] or body[-1:] != '\n':
        raise ValueError('half an answer')
    return clients.fields(body)


class Steady:
    """A context in which threads connect through the balancer."""

    def __init__(self, cluster, rate, threads=24):
        self.libc = cluster.lab.libc
        self.address = cluster.balancer.address
        self.sites = [client.site for client in cluster.clients]
        self.names = cluster.settings.names
        self.rate = rate
        self.clients = Clients()
        self.pools = {kind: [] for kind in KINDS}
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.random = random.Random()
        self.due = time.monotonic()
        # handshakes that were skipped since no thread was free
        self.skipped = 0
        self.handshakes = []
        self.errors = []        # errors of this program
        self.threads = [threading.Thread(target=self._work, args=[number],
                                         daemon=True)
                        for number in range(threads)]

    def __enter__(self):
        self.due = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _next(self):
        """When the calling thread is to make its next handshake."""
        with self.lock:
            late = time.monotonic() - self.due
            if late > LATE:
                skipped = int(late * self.rate)
                self.skipped += skipped
                self.due += skipped / self.rate
            self.due += 1 / self.rate
            return self.due

    def _work(self, number):
        try:
            self.sites[number % len(self.sites)].enter(self.libc)
            while not self.stop.wait(max(0, self._next()
                                         - time.monotonic())):
                self._once()
        except Exception as error:      # reported by the main thread
            self.errors.append(repr(error))

    def _choose(self, kind):
        pool = self.pools[kind]
        now = time.time()
        with self.lock:
            pool[:] = [s for s in pool if now - s.born < OLDEST][-POOL:]
            ripe = [s for s in pool if now - s.issued > YOUNGEST]
            if not ripe or self.random.random() < FULL:
                return None
            chosen = self.random.choice(ripe)
            pool.remove(chosen)
            return chosen

    def _once(self):
        kind = self.random.choice(list(KINDS))
        offered = self._choose(kind)
        name = offered.name if offered else self.random.choice(self.names)
        result, session = self.clients.connect(kind, self.address, name,
                                               offered)
        with self.lock:
            self.handshakes.append(result)
            if session:
                self.pools[kind].append(session)
