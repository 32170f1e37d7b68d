"""Steady load of sessions by ID."""

import random
import ssl
import time

from . import clients, conf, load, process


class Client(clients.Client):
    """A client that takes no tickets.

    It sends close_notify: OpenSSL removes a session if a connection ends
    without it while nginx waits for it, with the module and without.
    """

    def __init__(self, version, **parameters):
        super().__init__(version, **parameters)
        self.context.options |= ssl.OP_NO_TICKET

    @staticmethod
    def _leave(tls, kind):
        if kind != conf.MAIL:
            try:
                tls.unwrap()
            except OSError:
                pass                # the server has closed first


def client(version):
    return Client(version)


class SessionLoad(load.Load):
    """Like load.Load, but a TLS 1.3 session is offered only once.

    A session younger than "settle" seconds is not offered, since it may not be
    stored yet.
    """

    def __init__(self, hosts, lifetime=250, settle=1.5, **parameters):
        super().__init__(hosts, lifetime, **parameters)
        self.clients = [client(version) for version in clients.VERSIONS]
        self.settle = settle
        self.broken = []        # (began, ended, text) of those that failed
        self.deaths = []        # (from, to): a worker was killed in between

    def killed(self, since):
        """A worker was alive at "since" and has been killed now."""
        with self.lock:
            self.deaths.append((since, time.monotonic()))

    def check(self):
        """A connection that a killed worker had accepted may fail."""
        self.failed = [
            text for began, ended, text in self.broken
            if not any(began <= to and ended >= since
                       for since, to in self.deaths)]
        super().check()

    def wait_for(self, more):
        """Waits until so many more sessions have resumed."""
        wanted = self.resumed + more
        process.wait_until(lambda: self.resumed >= wanted,
                           '%d more sessions to resume' % more)

    def _choose(self):
        with self.lock:
            if not self.tickets or random.random() < 0.1:
                return None
            now = time.monotonic()
            for _ in range(10):
                session = random.choice(self.tickets)
                if now - session.stored > self.settle:
                    break
            else:
                return None
            # one that has expired, or is good for one handshake only
            if (now - session.born > self.lifetime
                    or session.client.version == 'TLSv1.3'):
                self.tickets.remove(session)
            return session if now - session.born <= self.lifetime else None

    def _judge(self, ticket, client, result, kind, began):
        if result.error:
            self.broken.append((began, time.monotonic(), '%s %s %s: %s'
                                % (result.host.name, result.version, kind,
                                   result.error)))
            return
        super()._judge(ticket, client, result, kind, began)

    def _keep(self, issued, offered, result):
        if result.session is None or (offered and result.reused
                                      and result.version == 'TLSv1.2'):
            return
        issued.stored = time.monotonic()
        self.tickets.append(issued)


def items(cluster):
    total = 0
    for server in cluster.memcached:
        with server.connect() as c:
            total += c.statistic('curr_items')
    return total


class Stored:
    """Sessions of every host for every host, which are in memcached.

    There is one for each version, host and host, which is to be resumed so
    many times.
    """

    def __init__(self, cluster, times=1, kind=conf.HTTP):
        self.kind = kind
        self.hosts = list(cluster.hosts)
        self.sessions = []
        before = items(cluster)
        for _ in range(times):
            turn = []
            for version in clients.VERSIONS:
                one = client(version)
                for first in self.hosts:
                    for second in self.hosts:
                        turn.append((one, one.full(first, kind=kind).session,
                                     second))
            self.sessions.append(turn)
        wanted = before + sum(len(turn) for turn in self.sessions)
        process.wait_until(lambda: items(cluster) >= wanted,
                           'sessions in memcached')

    def redeem(self):
        """Resumes each of them once; all must resume."""
        missed = []
        for one, session, host in self.sessions.pop():
            result = one.connect(host, session=session, kind=self.kind)
            if result.error or not result.reused:
                missed.append(result)
        assert not missed, missed


def client_hello(one, session):
    """The ClientHello with which a client offers a session."""
    outgoing = ssl.MemoryBIO()
    tls = one.context.wrap_bio(ssl.MemoryBIO(), outgoing,
                               server_hostname='a.example', session=session)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()
