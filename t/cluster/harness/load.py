"""Steady load: handshakes with a mix of tickets, each of which is checked."""

import collections
import random
import threading
import time

from . import clients, conf


class Ticket:

    def __init__(self, client, session, kind, born, issuer):
        self.client = client
        self.session = session
        self.kind = kind
        self.born = born
        self.issuer = issuer


class Load:
    """A context in which threads connect to the hosts.

    A tenth of the handshakes is full.  The others offer a ticket of any host,
    at most "lifetime" old, and must resume.  The age of a ticket counts from
    the full handshake in which its session began.
    """

    def __init__(self, hosts, lifetime, kinds=(conf.HTTP, conf.STREAM),
                 threads=3, pause=0.01, pool=400, must_resume=True):
        self.hosts = list(hosts)
        self.lifetime = lifetime
        self.kinds = kinds
        self.pause = pause
        self.must_resume = must_resume
        self.clients = [clients.Client(v) for v in clients.VERSIONS]
        self.tickets = collections.deque(maxlen=pool)
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.since = None
        self.full = 0
        self.resumed = 0
        self.oldest = 0.0           # age of the oldest ticket resumed
        self.between = collections.Counter()    # resumptions by host and host
        self.failed = []            # handshakes that failed
        self.missed = []            # tickets that should have been resumed
        self.threads = [threading.Thread(target=self._work, daemon=True)
                        for _ in range(threads)]

    def __enter__(self):
        self.since = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *exc):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if kind is None:
            self.check()

    def check(self):
        """Nothing has failed, and there was enough load."""
        told = '\n'.join((self.failed + self.missed)[:20])
        assert not self.failed and not self.missed, (
            '%d handshakes failed, %d tickets were not resumed, %d were:\n%s'
            % (len(self.failed), len(self.missed), self.resumed, told))
        assert self.full and self.resumed, 'there was no load'

    def _work(self):
        while not self.stop.wait(self.pause):
            self._once()

    def _choose(self):
        with self.lock:
            if not self.tickets or random.random() < 0.1:
                return None
            ticket = random.choice(self.tickets)
            if time.monotonic() - ticket.born > self.lifetime:
                self.tickets.remove(ticket)
                return None
            return ticket

    def _once(self):
        ticket = self._choose()
        host = random.choice(self.hosts)
        if ticket:
            client, session, kind = ticket.client, ticket.session, ticket.kind
        else:
            client, session = random.choice(self.clients), None
            kind = random.choice(self.kinds)
        began = time.monotonic()
        result = client.connect(host, session=session, kind=kind)
        with self.lock:
            self._judge(ticket, client, result, kind, began)

    def _judge(self, ticket, client, result, kind, began):
        host = result.host
        what = '%s %s %s' % (host.name, result.version, kind)
        if result.error:
            self.failed.append('%s: %s' % (what, result.error))
            return
        born = began
        if ticket is None:
            self.full += 1
        elif result.reused:
            self.resumed += 1
            self.between[ticket.issuer.name, host.name] += 1
            self.oldest = max(self.oldest, began - ticket.born)
            born = ticket.born
        elif self.must_resume:
            self.missed.append('%s: ticket of %s, %.2f s old, %.2f s after '
                               'the beginning'
                               % (what, ticket.issuer.name,
                                  began - ticket.born, began - self.since))
        self._keep(Ticket(client, result.session, kind, born, host), ticket,
                   result)

    def _keep(self, issued, offered, result):
        """Keeps what may be offered from now on."""
        if result.session is not None and result.session.has_ticket:
            self.tickets.append(issued)
