"""The cost of TLS to memcached: for a lookup, a store, and a poll of the keys.

Two clusters of two hosts differ in nothing else.  Lookups and stores take
turns, as in the other tables; instructions are those of the worker, under
callgrind.
"""

import ipaddress
import os
import sys
import time

from cryptography import x509

import ids
import instructions
from hosts import REPOSITORY, Host, Memcached, settle, until
from ratios import Row
from servers import used

sys.path.append(os.path.join(REPOSITORY, 't', 'cluster'))

from harness import authority  # noqa: E402

PLAIN, SECURE = 'memcached in plain text', 'memcached with TLS'
POLL_MS = 500
POLLS = 20
WORKS = [instructions.Work('lookup, 1 in flight, TLS 1.2', 'id', '1.2', 0,
                           True),
         instructions.Work('lookup, 8 in flight, TLS 1.2', 'id', '1.2', 0,
                           True, 8),
         instructions.Work('store, TLS 1.2', 'full-id', '1.2', 0)]


class Secure(Memcached):
    """A memcached server with TLS, and a certificate of its own authority."""

    def __init__(self, site, label, **more):
        directory = os.path.join(site.directory, label)
        os.makedirs(directory, exist_ok=True)
        issuer = authority.Authority(directory, 'authority')
        self.ca = issuer.file
        self.pair = issuer.issue('memcached', [x509.IPAddress(
            ipaddress.ip_address('127.0.0.1'))])
        super().__init__(site, label, **more)

    def _options(self):
        return ['-Z', '-o', 'ssl_chain_cert=%s,ssl_key=%s'
                % (self.pair.certificate, self.pair.key)]


def cluster(site, server, **more):
    """The cluster block for hosts of this memcached, with TLS if it has that.
    """
    block = site.cluster(server, **more)
    if isinstance(server, Secure):
        line = 'memcached %s;' % server.address
        block = block.replace(line, 'memcached %s ssl; '
                              'ssl_trusted_certificate %s;'
                              % (server.address, server.ca))
    return block


class Pair:
    """Two hosts and their memcached."""

    def __init__(self, site, label, server):
        self.server = server
        self.here, self.there = (
            Host(site, '%s-%s' % (label, place), cluster(
                site, server, namespace=label), cache='64m')
            for place in ('here', 'there'))
        settle(self.here, self.there)

    def processes(self):
        return [self.here.process, self.there.process, self.server.process]


def rows(pairs):
    found = []
    for title, mode, resumes, in_flight in (
            ('store', 'full-id', False, 16), ('lookup', 'id', True, 1),
            ('lookup', 'id', True, 8)):
        found.append(Row(
            '%s, %d in flight' % (title, in_flight), '1.2', None,
            [ids.variant(label, '1.2', mode, resumes,
                         pair.there if resumes else pair.here, pair.here,
                         pair.server)
             for label, pair in pairs.items()], in_flight=in_flight))
    return found


def start(site):
    return {PLAIN: Pair(site, 'plain-text', Memcached(site, 'plain-text-m')),
            SECURE: Pair(site, 'secure', Secure(site, 'secure-m'))}


def polls(host):
    return host.status()['clusters'][0]['servers'][0]['polls']


def pause(polled):
    """Waits until so many polls must have been made."""
    end = time.monotonic() + polled * POLL_MS / 1e3
    until(lambda: time.monotonic() > end, 'some polls')


def cpu(site):
    """{PLAIN or SECURE: us of CPU time for a poll, of worker and memcached}.

    Both clusters poll at the same time, which is as good as in turns.
    """
    found = {}
    servers = {PLAIN: Memcached(site, 'polls-text-m'),
               SECURE: Secure(site, 'polls-tls-m')}
    hosts = {label: Host(site, 'polls-%d' % len(label), cluster(
        site, server, namespace='polls', poll='%dms' % POLL_MS))
             for label, server in servers.items()}
    for host in hosts.values():
        until(host.settled, host.label + ' with a key')

    def spent(label):
        return [used(pid) for pid in (hosts[label].worker,
                                      servers[label].process.pid)]

    begun = {label: (polls(host), spent(label))
             for label, host in hosts.items()}
    pause(POLLS * 5)
    for label, host in hosts.items():
        after = spent(label)
        before, first = begun[label]
        n = polls(host) - before
        found[label] = [1e6 * (b - a) / n for a, b in zip(first, after)]
    site.stop([each.process for each in (*hosts.values(),
                                         *servers.values())])
    return found


def instructions_of_polls(site, label, server):
    """The instructions of a poll in the worker."""
    host = Host(site, label, cluster(site, server, namespace=label,
                                     poll='%dms' % POLL_MS),
                instructions.wrap(site, label, True), single=True)
    until(host.settled, host.label + ' with a key')
    instructions.begin(host.worker)
    watched = instructions.Counted(host.directory, host.worker)
    begun = polls(host)
    watched.since_dump()
    pause(POLLS)
    spent = sum(watched.since_dump())
    n = polls(host) - begun
    site.stop([host.process])
    return spent / n


def counted(site, handshakes):
    """[{what, PLAIN: instructions of the worker, SECURE: the same, ratio}].

    memcached does not run under callgrind, and the worker is counted only from
    its first poll on: if both were slow, their TLS handshake would take longer
    than a worker waits.
    """
    found = {}
    for label, kind in ((PLAIN, Memcached), (SECURE, Secure)):
        name = 'callgrind-' + ('tls' if kind is Secure else 'text')
        server = kind(site, name)
        block = cluster(site, server, poll='60s', namespace=name,
                        lookup='10s')
        for what, numbers in instructions.count(
                site, name + '-host', WORKS, handshakes, block,
                late=True).items():
            found.setdefault(what, {})[label] = sum(numbers)
        found.setdefault('poll of the keys', {})[label] = (
            instructions_of_polls(site, name + '-polls', server))
        site.stop([server.process])
    return [{'what': what, **two, 'ratio': two[SECURE] / two[PLAIN]}
            for what, two in found.items()]
