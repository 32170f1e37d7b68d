"""What TLS to memcached costs: a lookup, a store, and a poll of the keys.

Two clusters of two hosts are alike but for that.  Lookups and stores take
turns, as in the other tables; instructions are those of the worker, and of
memcached, under callgrind.
"""

import ipaddress
import os
import sys
import time

from cryptography import x509

import ids
import instructions
from hosts import (MEMCACHED_FILES, REPOSITORY, Host, Memcached, until)
from ratios import Row

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
    """One with TLS, and a certificate of its own authority."""

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
    """The block of hosts of this memcached, with TLS if it has that."""
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
        for host in self.here, self.there:
            until(host.settled, host.label + ' with a key')

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


def spent_on_polls(site, label, server, worker):
    """Instructions a poll: of the worker, or else of memcached."""
    host = Host(site, label, cluster(site, server, namespace=label,
                                     poll='%dms' % POLL_MS),
                instructions.wrap(site, label) if worker else (),
                single=True)
    until(host.settled, host.label + ' with a key')
    watched = (instructions.Counted(host.directory, host.worker) if worker
               else instructions.Counted(server.directory,
                                         server.process.pid))

    def polls():
        return host.status()['clusters'][0]['servers'][0]['polls']

    begun = polls()
    watched.since_dump()
    end = time.monotonic() + POLLS * POLL_MS / 1e3
    until(lambda: time.monotonic() > end, 'some polls')
    spent = sum(watched.since_dump())
    n = polls() - begun
    site.stop([host.process])
    return spent / n


def counted_once(site, kind, handshakes, worker):
    """{what: instructions} of the worker, or else of memcached.

    Only one of the two is under callgrind: a handshake between two that are
    as slow as that takes longer than a worker waits for memcached.
    """
    name = 'callgrind-%s-%s' % ('tls' if kind is Secure else 'text',
                                'worker' if worker else 'memcached')
    server = kind(site, name) if worker else kind(
        site, name, wrap=['prlimit', '--nofile=%d' % (MEMCACHED_FILES + 12),
                          *instructions.wrap(site, name)])
    found = instructions.count(
        site, name + '-host', WORKS, handshakes,
        cluster(site, server, poll='60s', namespace=name, lookup='10s'),
        None if worker else server, worker)
    found = {what: sum(numbers) for what, numbers in found.items()}
    found['poll of the keys'] = spent_on_polls(site, name + '-polls', server,
                                               worker)
    site.stop([server.process])
    return found


def counted(site, handshakes):
    """[{what, PLAIN: [worker, memcached], SECURE: the same, ratio}]."""
    each = {label: [counted_once(site, kind, handshakes, worker)
                    for worker in (True, False)]
            for label, kind in ((PLAIN, Memcached), (SECURE, Secure))}
    rows = []
    for what in each[PLAIN][0]:
        two = {label: [one[what] for one in both]
               for label, both in each.items()}
        rows.append({'what': what, **two,
                     'ratio': sum(two[SECURE]) / sum(two[PLAIN])})
    return rows
