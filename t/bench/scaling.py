"""Rows: more workers, hosts, memcached servers and live sessions.

Each row is compared with its smallest variant.  Sessions resume by ID, with
TLS 1.2, on another host than the one that made them.
"""

import client
from hosts import CORES, Host, Memcached, Unfit, settle
from ratios import Row, Variant

IN_FLIGHT = 32
WORKERS = (1, 2, 4)
HOSTS = (2, 3, 4)
SERVERS = (1, 2, 3)
SESSIONS = (100, 1000, 10000, 100000)


class Stage:
    """What was started, and its results."""

    def __init__(self, site):
        self.site = site
        self.processes = []
        self.number = 0

    def memcached(self, n=1):
        found = []
        for _ in range(n):
            self.number += 1
            found.append(Memcached(self.site, 'scale-m%d' % self.number))
        self.processes += [m.process for m in found]
        return found

    def hosts(self, n, servers, **more):
        """n hosts of a cluster with these memcached servers."""
        cluster = self.site.cluster(*servers)
        found = []
        for _ in range(n):
            self.number += 1
            found.append(Host(self.site, 'scale-h%d' % self.number, cluster,
                              cache='64m', **more))
        self.processes += [host.process for host in found]
        settle(*found)
        return found


def variant(label, opened, redeemed, servers):
    counted = {}
    for host in redeemed:
        counted.update(host.counted())
    for server in servers:
        counted[server.process.pid] = 'memcached'
    return Variant(label, ','.join(host.address for host in opened),
                   ','.join(host.address for host in redeemed), counted, 'id',
                   True)


def plural(n, what):
    return '%s %s%s' % ('{:,}'.format(n), what, '' if n == 1 else 's')


def workers(stage):
    """Workers, each on a core of its own as long as there are enough; the
    client has the last core.  With more workers than cores the numbers show
    how much workers hinder each other, not how much they can do.
    """
    row = Row('workers of a host', '1.2', None, [], IN_FLIGHT)
    for n in WORKERS:
        label = plural(n, 'worker')
        if n > len(CORES):
            label += ', %s' % plural(len(CORES), 'core')
        servers = stage.memcached()
        redeemed, = stage.hosts(1, servers, workers=n, core=CORES[:n])
        opened, = stage.hosts(1, servers)
        row.variants.append(variant(label, [opened], [redeemed], servers))
    return row


def hosts(stage):
    """Each session goes to the next host."""
    row = Row('hosts', '1.2', None, [], IN_FLIGHT)
    for n in HOSTS:
        servers = stage.memcached()
        found = stage.hosts(n, servers)
        row.variants.append(variant(plural(n, 'host'), found,
                                    found[1:] + found[:1], servers))
    row.cannot['1 host'] = 'it has no other host; see "ID, same host"'
    return row


def memcached(stage):
    row = Row('memcached servers', '1.2', None, [], IN_FLIGHT)
    for n in SERVERS:
        servers = stage.memcached(n)
        opened, redeemed = stage.hosts(2, servers)
        row.variants.append(variant(plural(n, 'server'), [opened], [redeemed],
                                    servers))
    return row


def sessions(stage, most, progress):
    """So many other sessions are in memcached."""
    row = Row('live sessions', '1.2', None, [], IN_FLIGHT)
    for n in SESSIONS:
        label = plural(n, 'session')
        if n > most:
            row.cannot[label] = 'left out; BENCH_SESSIONS=%d' % n
            continue
        progress('opening ' + label)
        servers = stage.memcached()
        opened, redeemed = stage.hosts(2, servers)
        result = client.run(opened.address, opened.address, 'full-id', '1.2',
                            n, core=stage.site.other_core,
                            in_flight=IN_FLIGHT, time=600)
        if result['handshakes'] != n:
            raise Unfit('%s: only %d' % (label, result['handshakes']))
        row.variants.append(variant(label, [opened], [redeemed], servers))
    return row
