"""Points of the scale model: what polls of fleets ask of memcached."""

import time
from dataclasses import dataclass

import formulas
from counted import Counted, busy, cpu
from hosts import Host, Memcached, Unfit, until
from propagation import names

POLL = 0.5
ROTATION = 8
TIMEOUT = 24
NAMES = ('cmd_get', 'cmd_set', 'bytes_read', 'bytes_written')


@dataclass
class Point:
    """What was measured on a fleet, for each memcached server."""

    hosts: int
    workers: int
    servers: int
    seconds: float
    connections: float
    keys: float                 # mean number in the record
    sizes: list                 # [(keys, bytes)] of records
    counted: dict               # by memcached
    told: dict                  # by the hosts
    spreads: list               # seconds, for each new key
    step: float                 # seconds between two looks at them
    cpu: float                  # seconds of memcached
    version: int
    statistics: int

    def fleet(self):
        return formulas.Fleet(
            self.hosts, POLL, ROTATION, TIMEOUT, self.workers,
            version=self.version, statistics=self.statistics)


class Fleet:
    """A growing number of hosts; memcached keeps its records."""

    def __init__(self, site, label, servers, workers=1):
        self.site = site
        self.label = label
        self.workers = workers
        self.servers = [Memcached(site, '%s-m%d' % (label, i))
                        for i in range(servers)]
        self.counted = [Counted(server.address) for server in self.servers]
        self.idle = [c.numbers()['curr_connections']
                     for c in self.counted]
        self.hosts = []
        self.cluster = site.cluster(
            *self.servers, rotation='%ds' % ROTATION,
            poll='%dms' % (POLL * 1e3), namespace=label)

    def grow(self, n):
        while len(self.hosts) < n:
            self.hosts.append(Host(
                self.site, '%s-h%d' % (self.label, len(self.hosts)),
                self.cluster, workers=self.workers, core=self.site.other_core,
                timeout='%ds' % TIMEOUT))
        for host in self.hosts:
            until(host.settled, host.label + ' with a key')

    def stop(self):
        for c in self.counted:
            c.close()
        self.site.stop([h.process for h in self.hosts]
                       + [s.process for s in self.servers])

    def told(self):
        """Sums of the hosts' counters over their servers."""
        found = {}
        for host in self.hosts:
            for server in host.status()['clusters'][0]['servers']:
                for name in ('polls', 'writes', 'conflicts', 'errors'):
                    found[name] = found.get(name, 0) + server[name]
        return found

    def connections(self):
        return [c.numbers()['curr_connections'] - idle
                for c, idle in zip(self.counted, self.idle)]

    def full(self):
        """Whether the ring has reached its size, and all workers are
        connected.
        """
        want = formulas.ring_keys(ROTATION, TIMEOUT)
        until(lambda: self.keys() >= want, 'a ring of %d keys' % want,
              patience=TIMEOUT + 4 * ROTATION + 60)
        want = formulas.Fleet(len(self.hosts), POLL, ROTATION, TIMEOUT,
                              self.workers).connections()
        until(lambda: min(self.connections()) >= want,
              '%d connections to memcached' % want)
        until(self.quiet, 'hosts that only poll')

    def quiet(self):
        """Whether nobody looks at the door more often than it polls, which
        hosts do for some seconds when another one has been let in.
        """
        before = [c.numbers()['cmd_get'] for c in self.counted]
        time.sleep(4 * POLL)
        fleet = formulas.Fleet(len(self.hosts), POLL, ROTATION, TIMEOUT,
                               self.workers)
        return all(c.numbers()['cmd_get'] - asked
                   < 6 * fleet.names() * len(self.hosts)
                   for c, asked in zip(self.counted, before))

    def keys(self):
        return self.hosts[0].status()['clusters'][0]['servers'][0]['keys']

    def measure(self, seconds):
        self.full()
        seen = {key: {} for key in set().union(*map(names, self.hosts))}
        old, keys, steps, sizes = set(seen), [], [], []
        told = self.told()
        before = [c.numbers() for c in self.counted]
        ran = [cpu(server.process) for server in self.servers]
        began = last = time.monotonic()

        while time.monotonic() < began + seconds:
            for host in self.hosts:
                for name in names(host):
                    seen.setdefault(name, {}).setdefault(
                        host.label, time.monotonic())
            keys.append(self.keys())
            steps.append(time.monotonic() - last)
            last = time.monotonic()
            time.sleep(0.01)

        took = time.monotonic() - began
        after = [c.numbers() for c in self.counted]
        ran = [cpu(server.process) - begin
               for server, begin in zip(self.servers, ran)]
        told = {name: n - told[name] for name, n in self.told().items()}
        connections = self.connections()
        for c in self.counted:
            sizes += self.size(c)
        n = len(self.servers)
        counted = {name: sum(a[name] - b[name]
                             for a, b in zip(after, before)) / n
                   for name in NAMES}
        return Point(
            len(self.hosts), self.workers, n, took,
            sum(connections) / n, sum(keys) / len(keys), sizes, counted,
            {name: value / n for name, value in told.items()},
            [max(at.values()) - min(at.values()) for name, at in seen.items()
             if name not in old and len(at) == len(self.hosts)],
            sorted(steps)[len(steps) // 2], sum(ran) / n,
            int(after[0]['cmd_set']), before[0]['size'])

    def busy(self):
        # memcached may leave out items that it is just moving
        names = until(self.records, 'the two records')
        return busy(self.servers[0], names)

    def records(self):
        found = {kind: name for kind, *_, name in self.counted[0].items()
                 if kind in ('ring', 'presence')}
        return len(found) == 2 and list(found.values())

    def size(self, counted):
        """(keys, bytes) of the record, read so that it does not change in
        between.
        """
        for _ in range(20):
            keys = self.keys()
            time.sleep(POLL / 2)
            sizes = [size for kind, size, *_ in counted.items()
                     if kind == 'ring']
            time.sleep(POLL / 2)
            if keys == self.keys() and len(sizes) == 1:
                return [(keys, sizes[0])]
        raise Unfit('the ring is never still')


def complaints(point):
    """Where the measurements differ from the model, apart from timings."""
    found = []

    def check(what, measured, model, tolerance):
        if abs(measured - model) > tolerance:
            found.append('%d hosts: %s: %g, not %g' % (
                point.hosts, what, measured, model))

    fleet = point.fleet()
    check('connections', point.connections, fleet.connections(), 0)
    for keys, size in point.sizes:
        check('bytes of %d keys' % keys, size, formulas.ring_bytes(keys), 0)
    # counted by the hosts, apart from a poll of each that is under way at the
    # beginning, or at the end
    polls = point.told['polls']
    gets = fleet.names() * polls + point.told['conflicts']
    check('names asked for', point.counted['cmd_get'], gets,
          fleet.names() * point.hosts)
    rate = fleet.polls() * point.seconds
    for what in ('read', 'written'):
        bytes_ = point.counted['bytes_' + what]
        model = getattr(fleet, what)() * point.seconds * polls / rate
        check('bytes ' + what, bytes_, model,
              model * (0.1 + 1.5 / point.seconds) + 3 * fleet.statistics)
    if not point.spreads and point.seconds > 2 * ROTATION:
        found.append('%d hosts: no key went round' % point.hosts)
    return found
