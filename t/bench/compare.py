"""Rows: other servers beside plain nginx and nginx with the module."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import client
import ids
import peers
import ratios
from hosts import Host, Memcached, Unfit, settle, until
from ratios import HOME, MODULE, PLAIN, Row, Variant

PROBED = 20  # handshakes by which it is checked whether sessions resume
SHARING = 15            # seconds that hosts have for sharing their keys
FROZEN = 16             # handshakes at the same time while memcached is frozen
FROZEN_PATIENCE = 12    # seconds
FROZEN_WORKS = ('full handshake, session stored', 'ticket, other host',
                'ID, same host', 'ID, other host')


@dataclass
class Work:
    """A kind of handshake that hosts of a fleet make."""

    what: str
    mode: str
    elsewhere: bool     # the session comes from another host
    in_flight: int
    tls: str = ''

    @property
    def title(self):
        return '%s, TLS %s' % (self.what, self.tls)

    @property
    def by_id(self):
        return self.mode in ('id', 'full-id')


WORKS = [replace(work, tls=tls) for work in (
    Work('full handshake', 'full', False, 8),
    Work('ticket, same host', 'ticket', False, 8),
    Work('ticket, other host', 'ticket', True, 8),
    Work('full handshake, session stored', 'full-id', False, 8),
    Work('ID, same host', 'id', False, 8),
    Work('ID, other host', 'id', True, 8),
    Work('ID, other host, 1 in flight', 'id', True, 1))
    for tls in ('1.2', '1.3')]


@dataclass
class Pair:
    """Two hosts of a peer."""

    name: str
    here: object
    there: object
    memcached: object = None
    cannot: dict = field(default_factory=dict)

    def reason(self, work):
        """Why the peer cannot do this; None if it can."""
        for pattern, reason in self.cannot.items():
            if re.search(pattern, work.title):
                return reason
        if work.by_id and work.tls == '1.3' and not self.here.ticketless:
            return 'has no TLS 1.3 without tickets'
        return None

    def variant(self, work, label=None):
        hosts = [self.there if work.elsewhere else self.here, self.here]
        counted = dict(self.here.counted())
        if work.by_id:
            addresses = [ids.address(host, work.tls) for host in hosts]
            if self.memcached:
                counted[self.memcached.process.pid] = 'memcached'
        else:
            addresses = [host.address for host in hosts]
        return Variant(label or self.name, *addresses, counted, work.mode,
                       work.mode in ('id', 'ticket'))

    def processes(self):
        return self.here.processes + self.there.processes

    def able(self, work, core):
        """Whether sessions resume, after some time for sharing keys."""
        if work.by_id and work.tls == '1.3' and not self.here.ticketless:
            return False
        if 'full' in work.mode:
            return not self.reason(work)
        row = Row(work.title, work.tls, None, [], 2)

        def some():
            result = ratios.once(row, self.variant(work), PROBED, core)
            return result['resumed'] == PROBED

        try:
            return until(some, work.title,
                         0.5 if self.reason(work) else SHARING)
        except Unfit:
            return False


def module(site, label, memcached, **more):
    """A pair of hosts with the module."""
    cluster = site.cluster(memcached, namespace=label, **more)
    hosts = [Host(site, '%s-%d' % (label, i), cluster, cache='64m')
             for i in range(2)]
    settle(*hosts)
    return Pair(MODULE, *hosts, memcached)


def start(site, memcached, backend):
    """The pairs that run, and for the others {name: why they do not}."""
    found = [
        Pair(PLAIN, *(Host(site, 'plain-%d' % i, cache='64m')
                      for i in range(2)),
             cannot={'ID, other host': 'shares no sessions between hosts'}),
        module(site, 'module', memcached)]

    absent = {}
    for peer in peers.modules():
        if not peers.version(peer):
            absent[peer.NAME] = 'package %s is not installed' % peer.PACKAGE
            continue
        own = Memcached(site, 'memcached-' + peer.PACKAGE) \
            if peer.MEMCACHED else None
        shared = peers.share(site, peer.PACKAGE, own, backend)
        found.append(Pair(peer.NAME, *(
            peer.start(site, '%s-%d' % (peer.PACKAGE, i), shared)
            for i in range(2)), own, peer.CANNOT))
    return found, absent


def rows(pairs, absent, core, progress):
    """The rows that can be measured, each with what cannot; and complaints."""
    found, wrong = [], []
    for work in WORKS:
        if not ratios.wanted('Peers, ' + work.title):
            continue
        progress('looking who resumes: ' + work.title)
        row = Row(work.title, work.tls, None, [], work.in_flight,
                  cannot=dict(absent))
        for pair in pairs:
            at_home = replace(work, elsewhere=False)
            if pair.able(work, core):
                row.variants.append(pair.variant(work))
            else:
                row.cannot[pair.name] = pair.reason(work) or 'did not resume'
                if not pair.reason(work):
                    wrong.append('%s, %s: did not resume'
                                 % (work.title, pair.name))
                if pair.name == PLAIN and pair.able(at_home, core):
                    # plain nginx is compared with its own cache
                    row.variants.append(pair.variant(
                        at_home, HOME))
        found.append(row)
    return found, wrong


def frozen(pairs, quick, core, progress):
    """How handshakes go while memcached is frozen.

    The module's pair is replaced by one with the default lookup_timeout.  Each
    pair has a memcached of its own, and all wait at the same time.
    """
    asked = [quick, *(pair for pair in pairs
                      if pair.memcached and pair.name != MODULE)]
    found = []
    for work in WORKS:
        if work.tls != '1.2' or work.what not in FROZEN_WORKS:
            continue
        progress('memcached frozen: ' + work.what)
        with ThreadPoolExecutor(len(asked)) as pool:
            found += pool.map(partial(frozen_one, work, core), asked)
    return found


def frozen_one(work, core, pair):
    row = {'work': work.what, 'variant': pair.name, 'offered': FROZEN}
    # it may still be affected by the freeze before
    if not pair.able(work, core):
        return {**row, 'done': 0, 'resumed': 0, 'latency_us': {},
                'reasons': ['did not resume before either']}
    v = pair.variant(work)
    result = client.run(
        v.opened_on, v.redeemed_on, v.mode, work.tls, FROZEN, core=core,
        in_flight=FROZEN, patience=FROZEN_PATIENCE,
        freeze=[pair.memcached.process.pid])
    return {**row, 'done': result['handshakes'],
            'resumed': result['resumed'],
            'reasons': list(result['reasons']),
            'latency_us': result['latency_us']}
