"""Points of the scale model: what the staging cluster asks of memcached.

Clients connect through the balancer with tickets and with sessions by ID, TLS
1.2 and 1.3.  Their results determine how many stores, lookups and removals
there had to be; memcached says how many there were.
"""

import collections
import math
import os
import re
import sys
import threading
import time
from dataclasses import dataclass

import formulas
from counted import Counted
from hosts import REPOSITORY, Unfit, until
from model_sessions import AGAIN, FULL
from propagation import names

sys.path.append(os.path.join(REPOSITORY, 't', 'cluster'))

from harness import lab as labs, memcached, staging, steady  # noqa: E402

NAMES = ('cmd_get', 'get_hits', 'get_misses', 'cmd_set', 'cas_hits',
         'cas_badval', 'cas_misses', 'delete_hits', 'delete_misses',
         'bytes_read', 'bytes_written')
UNITS = {'ms': 1e-3, 's': 1, 'm': 60, 'h': 3600}
BY_ID = {'id 1.2': '1.2', 'id 1.3': '1.3'}


def seconds(text):
    number, unit = re.fullmatch(r'(\d+)(ms|s|m|h)', text).groups()
    return int(number) * UNITS[unit]


class Staging(staging.Staging):
    """The staging cluster, whose connections without hosts are known."""

    def start(self):
        self.counted = [Counted(server.server) for server in self.memcached]
        self.idle = [c.numbers()['curr_connections'] for c in self.counted]
        super().start()

    def connections(self):
        return [c.numbers()['curr_connections'] - idle
                for c, idle in zip(self.counted, self.idle)]

    def close(self):
        for c in getattr(self, 'counted', ()):
            c.close()
        super().close()


class Memory:
    """Which IDs a worker has seen, as src/sss_seen.h has it."""

    SLOTS = 1024
    RANDOM = 4              # offset of the random bytes of an ID

    def __init__(self):
        self.slots = {}

    def before(self, known):
        tag, slot = known[self.RANDOM:][:4], known[self.RANDOM + 4:][:2]
        slot = int.from_bytes(slot, 'big') % self.SLOTS
        # the lowest bit of a tag counts for nothing
        tag = int.from_bytes(tag, sys.byteorder) | 1
        found = self.slots.get(slot) == tag
        self.slots[slot] = tag
        return found


class Clients(steady.Clients):
    """Clients that record what hosts have to ask of memcached because of them.
    """

    def __init__(self):
        super().__init__()
        # (stores, lookups, removals, whether this is certain)
        self.handshakes = []
        self.been = {}          # {ID: hosts that have it in their cache}
        self.workers = collections.defaultdict(Memory)
        self.lock = threading.Lock()

    def connect(self, kind, address, name, offered=None):
        # when a session resumes, its bytes may change
        known = offered and offered.session.id
        result, session = super().connect(kind, address, name, offered)
        with self.lock:
            asked = self.asked(kind, known, result)
            self.handshakes.append(asked)
            if kind == 'id 1.2' and session and self.kept(known, result,
                                                          asked[1]):
                self.been.setdefault(session.session.id, set()).add(
                    result.host)
        return result, session

    def asked(self, kind, known, result):
        tls = BY_ID.get(kind)
        if tls is None:
            return 0, 0, 0, result.error is None
        again = result.reused
        lookup = bool(known and (
            tls == '1.3' or result.host not in self.been.get(known, ())))
        return (AGAIN[tls] if again else FULL[tls], int(lookup),
                int(lookup and tls == '1.3'),
                result.error is None and again == bool(known))

    def kept(self, known, result, lookup):
        """Whether the host has the session in its cache from now on.

        One of another host's from the second time that it comes to a worker.
        """
        return not (result.reused and lookup) or self.workers[
            result.host, result.pid].before(known)


@dataclass
class Point:
    """What was measured on the staging cluster, with lists by server."""

    hosts: int
    workers: int
    seconds: float
    rotation: float
    poll: float
    timeout: float
    shares: list                # shares of names, by ketama
    handshakes: list            # Clients.handshakes
    skipped: int                # handshakes skipped since no client was free
    errors: list                # of the program, and in logs
    connections: list
    counted: list               # {name: number}, counted by memcached
    told: list                  # the same, counted by the hosts
    keys: float                 # mean number in the record
    rings: list                 # (fewest keys, most keys, bytes)
    value: float                # bytes of a session's record
    new: int                    # new keys
    spreads: list  # seconds, for each new key that reached all hosts
    version: int
    statistics: int

    @property
    def servers(self):
        return len(self.counted)

    def rate(self):
        return len(self.handshakes) / self.seconds

    def expected(self):
        """Stores, lookups and removals that there had to be, on all servers.
        """
        return [sum(h[n] for h in self.handshakes) for n in range(3)]

    def unsure(self):
        """Handshakes that may have asked for less, or for something else."""
        return sum(not h[3] for h in self.handshakes)

    def stores(self):
        return [c['cmd_set'] - c['cas_hits'] - c['cas_badval']
                - c['cas_misses'] for c in self.counted]

    def lookups(self):
        """Lookups of sessions; the names of a poll always exist, as these do.
        """
        return [c['get_hits'] - 2 * t['polls'] - t['conflicts']
                for c, t in zip(self.counted, self.told)]

    def probes(self):
        """Probes; the slots of the door, which are empty, are misses as well.
        """
        return [c['get_misses'] - formulas.SLOTS * t['polls']
                for c, t in zip(self.counted, self.told)]

    def removals(self):
        return [c['delete_hits'] + c['delete_misses'] for c in self.counted]

    def fleet(self):
        return formulas.Fleet(
            self.hosts, self.poll, self.rotation, self.timeout, self.workers,
            version=self.version, statistics=self.statistics, held=self.keys)

    def sessions(self):
        """The model of sessions, for each server."""
        stores, lookups, removals = (
            n / self.seconds / self.servers for n in self.expected())
        # two stores that go to the same server are one message
        pairs = sum(h[0] == 2 for h in self.handshakes) / self.servers
        return formulas.Sessions(
            stores, lookups, removals, round(self.value), self.timeout,
            self.hosts * self.workers,
            1 - pairs / max(1, self.expected()[0]))

    def mean(self, name):
        """The mean of the servers, for a second."""
        return (sum(c[name] for c in self.counted) / self.servers
                / self.seconds)

    def polls(self):
        return (sum(t['polls'] for t in self.told) / self.servers
                / self.seconds)


def measure(rates, length):
    try:
        with labs.Lab() as lab:
            settings = staging.Settings()
            # on a busy machine lookups must not time out
            settings.lookup_timeout = '5s'
            with Staging(lab, settings) as cluster:
                points = [one(cluster, rate, length) for rate in rates]
                points[-1].errors += [
                    '%s logged: %s' % (host.name, line)
                    for host in cluster.hosts for line in host.bad_lines()]
            points[-1].errors += ['left behind: ' + what
                                  for what in lab.leftovers()]
    except (AssertionError, RuntimeError) as e:
        raise Unfit('the staging cluster: %s' % e) from e
    return points


def told(cluster):
    """What the hosts have counted, by server."""
    found = [{'polls': 0, 'conflicts': 0} for _ in cluster.memcached]
    for host in cluster.hosts:
        for sums, server in zip(found, host.group()['servers']):
            for name in sums:
                sums[name] += server[name]
    return found


def state(cluster):
    """The counters of hosts and memcached, without a poll in between if
    possible.
    """
    for _ in range(50):
        before = told(cluster)
        numbers = [c.numbers() for c in cluster.counted]
        if told(cluster) == before:
            break
    return before, numbers


def one(cluster, rate, length):
    settings = cluster.settings
    want = formulas.Fleet(len(cluster.hosts), 1, 1, 1,
                          settings.workers).connections()
    until(lambda: min(cluster.connections()) >= want,
          '%d connections to memcached' % want)
    load = steady.Steady(cluster, rate)
    load.clients = Clients()
    seen = {key: {} for key in set().union(*map(names, cluster.hosts))}
    old, keys = set(seen), []
    told_before, before = state(cluster)
    began = time.monotonic()
    with load:
        while time.monotonic() < began + length:
            watch(cluster, seen, keys)
            time.sleep(0.02)
    arrived(cluster, before, load.clients)
    took = time.monotonic() - began
    told_after, after = state(cluster)
    watch(cluster, seen, keys)
    rings, values = records(cluster)
    return Point(
        len(cluster.hosts), settings.workers, took,
        seconds(settings.rotation), seconds(settings.poll),
        seconds(settings.session_timeout),
        formulas.shares([server.address for server in cluster.memcached],
                        memcached.PORT),
        load.clients.handshakes, load.skipped, load.errors,
        cluster.connections(),
        [{name: a[name] - b[name] for name in NAMES}
         for a, b in zip(after, before)],
        [{name: a[name] - b[name] for name in a}
         for a, b in zip(told_after, told_before)],
        sum(keys) / len(keys), rings, sum(values) / max(1, len(values)),
        len(set(seen) - old),
        [max(at.values()) - min(at.values()) for name, at in seen.items()
         if name not in old and len(at) == len(cluster.hosts)],
        int(after[0]['cmd_set']), before[0]['size'])


def watch(cluster, seen, keys):
    for host in cluster.hosts:
        for name in names(host):
            seen.setdefault(name, {}).setdefault(host.name, time.monotonic())
    keys.append(held(cluster)[0])


def held(cluster):
    """The number of keys on each server, as a host has seen it."""
    return [server['keys'] for server in cluster.hosts[0].group()['servers']]


def arrived(cluster, before, clients):
    """Waits for stores under way; complains of those that are missing then."""
    want = sum(h[0] for h in clients.handshakes)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        done = sum(
            c[name] * sign - b[name] * sign
            for c, b in zip([c.numbers() for c in cluster.counted], before)
            for name, sign in (('cmd_set', 1), ('cas_hits', -1),
                               ('cas_badval', -1), ('cas_misses', -1)))
        if done >= want:
            return
        time.sleep(0.05)


def records(cluster):
    """(fewest keys, most keys, bytes) of each server's ring; bytes of session
    records.
    """
    rings, values = [], []
    for n, c in enumerate(cluster.counted):
        before = held(cluster)[n]
        found = until(lambda c=c: ring(c), 'the ring')
        time.sleep(2 * seconds(cluster.settings.poll))
        now = held(cluster)[n]
        rings.append((min(before, now), max(before, now), found))
        values += [size for kind, size, *_ in c.items()
                   if kind == 'session']
    return rings, values


def ring(counted):
    sizes = [size for kind, size, *_ in counted.items() if kind == 'ring']
    return sizes and sizes[0]


def complaints(point):
    """Where the measurements differ from the model, apart from timings."""
    found = list(point.errors)

    def check(what, measured, least, most):
        if not least <= measured <= most:
            found.append('staging, %.0f a second: %s: %g, not %g to %g' % (
                point.rate(), what, measured, least, most))

    fleet, sessions = point.fleet(), point.sessions()
    for connections in point.connections:
        check('connections', connections, *2 * [fleet.connections()])
    for fewest, most, size in point.rings:
        check('bytes of a ring', size, formulas.ring_bytes(fewest),
              formulas.ring_bytes(most))
        check('bytes of a ring for keys',
              (size - formulas.ring_bytes(0)) % 108, 0, 0)

    stores, lookups, removals = point.expected()
    unsure = point.unsure()
    check('handshakes that went another way', unsure, 0,
          len(point.handshakes) / 10)
    check('stores', sum(point.stores()), stores - 2 * unsure,
          stores + 2 * unsure)
    # a poll of each host under way at the beginning and end
    slack = (2 * point.hosts + 2) * point.servers
    check('lookups', sum(point.lookups()), lookups - unsure - slack,
          lookups + unsure + slack)
    check('probes', sum(point.probes()), 0, stores + 3 * unsure
          + 2 * formulas.SLOTS * point.hosts * point.servers)
    check('removals', sum(point.removals()), removals - unsure,
          removals + unsure)
    for n, share in enumerate(point.shares):
        # five times the random deviation; a TLS 1.2 session is looked up once
        # by each host
        for what, all_, one_, times, more in (
                ('stores', stores, point.stores()[n], 5, 2 * unsure),
                ('lookups', lookups, point.lookups()[n],
                 5 * math.sqrt(point.hosts - 1), slack + unsure)):
            width = times * math.sqrt(all_ * share * (1 - share)) + more
            check('%s of server %d' % (what, n + 1), one_,
                  all_ * share - width, all_ * share + width)

    rate = point.polls() / fleet.polls()
    for what in ('read', 'written'):
        model = (getattr(fleet, what)() * rate + getattr(sessions, what)())
        width = (model * (0.1 + 1.5 / point.seconds)
                 + 3 * fleet.statistics / point.seconds)
        check('bytes %s a second' % what, point.mean('bytes_' + what),
              model - width, model + width)
    turns = point.seconds / point.rotation
    check('new keys', point.new, math.floor(turns) - 1, math.ceil(turns) + 1)
    if not point.spreads and turns > 2:
        found.append('staging: no key went round')
    return found
