"""Judges what a run with faults has shown.

A failed handshake is excused if the host to which the balancer sent it was
down at some moment of it: killed, isolated, or the worker that may have had
the connection was killed.  Nothing else is excused.  If a dead host did not
accept a connection, and the balancer gave it to another host, it did not fail;
these are counted as "sent on".

A handshake belongs to a fault's window if that was open at some moment of it.
A window is open until sessions have resumed everywhere for a while.  The other
handshakes are "calm, old" if a window was open at some moment since the
session was issued (it may have been lost with the memcached server that had
it), and else "calm, new".  All of the latter must resume, unless a host has
counted that memcached was too late: on a busy machine lookup_timeout may pass
without any fault.

A ticket must resume through every fault, on whatever host, except for these: a
clock that is minutes off, for which keys and tickets have expired or not
begun; a generation that is raised, which voids everything before it; a host
that starts, until the others have let it in and have its keys; a host that
starts while memcached is out of order, which has only keys of its own; and a
clock that is seconds off while keys do not spread: a host that is ahead by a
third of a rotation begins to use the next key that much sooner after it was
published.

A session by ID is on one memcached server, and perhaps in the caches of hosts
that had it.  It may be lost by anything that happens to these, or cuts them
off.  It must resume through reloads, upgrades and changes of secrets.
"""

import collections

from . import balancer, faults, steady

IN, OLD, NEW = 'in faults', 'calm, old', 'calm, new'
PERIODS = (IN, OLD, NEW)

# of handshakes that did not fail, how many of the longest are shown
CALM, FAULTS = 'in calm', 'in faults'
SENT_ON, AWAY = 'sent on', 'at a host that was down meanwhile'

# faults by which no session is lost
HARMLESS = ('host reloaded', 'host upgraded', 'secrets rotated')

# faults after which a host waits to be let in
STARTS = ('host killed', 'hosts killed')


def overlaps(began, ended, spans):
    return any(a <= ended and began <= b for a, b in spans)


def calm_seconds(window, windows):
    """How long a fault took to heal, without the time of other faults."""
    left = [(window.ended, window.healed)]
    for other in windows:
        if other is not window:
            left = [part for a, b in left
                    for part in ((a, min(b, other.began)),
                                 (max(a, other.ended), b))
                    if part[0] < part[1]]
    return sum(b - a for a, b in left)


class Failure:

    def __init__(self, handshake, connection, downs):
        self.handshake = handshake
        self.host = connection.server if connection else None
        self.connection = connection
        self.excuse = None
        for down in downs:
            if down.host == self.host and overlaps(
                    handshake.began, handshake.ended,
                    [(down.began, down.ended)]):
                self.excuse = down.why

    def __str__(self):
        h = self.handshake
        return '%s%s at %s, after %.3f s: %s; %s' % (
            h.kind, ', resuming' if h.issued else '',
            self.host or '(the balancer does not know)',
            h.ended - h.began, h.error, self.connection)


class Verdict:

    def __init__(self, load, havoc, watch, log):
        """"log": of the balancer, see balancer.connections()"""
        self.watch = watch
        self.handshakes = load.handshakes
        self.servers = len(havoc.servers)
        self.windows = havoc.windows
        self.spans = [(w.began, w.closed or float('inf'))
                      for w in self.windows]
        self.failures = []
        self.sent_on = 0
        self.missed = []        # calm and new handshakes that did not resume
        self.late = 0           # the same, but memcached was late
        self.lost = []  # sessions lost by faults that must not cost any
        self.costly = self._costly()
        self.longest = dict.fromkeys((CALM, FAULTS, SENT_ON, AWAY))
        # (kind, period): [offered to another host, resumed]
        self.resumption = collections.defaultdict(lambda: [0, 0])
        # (kind of fault, 'ticket' or 'id'): the same, during the fault
        self.during = collections.defaultdict(lambda: [0, 0])
        for h in self.handshakes:
            connection = h.source and balancer.find(
                log, *h.source, h.began, h.ended)
            self._judge(h, connection, havoc.downs)

    def _judge(self, h, connection, downs):
        retries = connection.retries if connection else 0
        self.sent_on += retries > 0
        if h.error:
            self.failures.append(Failure(h, connection, downs))
            return
        inside = overlaps(h.began, h.ended, self.spans)
        away = any(down.host == h.host and overlaps(
            h.began, h.ended, [(down.began, down.ended)]) for down in downs)
        where = (SENT_ON if retries else AWAY if away else
                 FAULTS if inside else CALM)
        best = self.longest[where]
        if best is None or h.seconds > best.seconds:
            self.longest[where] = h
        if h.issued is None:
            return
        if (h.kind.startswith('ticket') and not h.reused
                and not overlaps(h.issued, h.ended, self.costly)
                and not self._alone(h)):
            self.lost.append(h)
        if h.host == h.issuer:
            return
        if inside:
            period = IN
        elif overlaps(h.issued, h.ended, self.spans):
            period = OLD
        else:
            period = NEW
        groups = {(h.kind, period): self.resumption[h.kind, period]}
        for window in self.windows:
            if overlaps(h.began, h.ended, [(window.began, window.ended)]):
                key = window.fault.kind, h.kind.split()[0]
                groups[key] = self.during[key]
        for counts in groups.values():
            counts[0] += 1
            counts[1] += h.reused
        if h.reused:
            return
        late = h.kind.startswith('id') and any(
            self.watch.was_late(host, h.issued, h.ended)
            for host in (h.host, h.issuer))
        if period == NEW and late:
            self.late += 1
        elif period == NEW:
            self.missed.append(h)
        elif h.kind.startswith('id') and not late and all(
                fault.kind in HARMLESS for fault in self.faults_of(h)):
            self.lost.append(h)

    def _costly(self):
        """The periods in which tickets may be lost."""
        found = []
        for window, span in zip(self.windows, self.spans):
            kind, value = window.fault.kind, window.fault.value
            meanwhile = [other.fault
                         for other, where in zip(self.windows, self.spans)
                         if overlaps(*span, [where])]
            if kind == 'clock shifted' and (
                    value.endswith('m') or any(map(self._cuts, meanwhile))):
                found.append(span)
            if kind in STARTS and any(
                    fault.kind.startswith('memcached')
                    for fault in meanwhile):
                found.append(span)
            if kind == 'generation raised':
                found.append(span)
        return found

    def _alone(self, h):
        """Whether a host that had just started issued the ticket or got it."""
        return any(window.fault.kind in STARTS
                   and {h.host, h.issuer} & set(window.fault.targets)
                   and overlaps(h.issued, h.ended, [span])
                   for window, span in zip(self.windows, self.spans))

    def _cuts(self, fault):
        """Whether a host does not get new keys during the fault."""
        return (fault.kind in ('host cut off', 'host isolated')
                or fault.kind.startswith('memcached')
                and len(fault.targets) == self.servers)

    def calm_ids(self):
        return sum(self.resumption[kind, NEW][0] for kind in steady.KINDS
                   if kind.startswith('id'))

    def faults_of(self, h):
        """The faults in the lifetime of the session that was offered."""
        return [window.fault for window, span in zip(self.windows, self.spans)
                if overlaps(h.issued, h.ended, [span])]

    def unexcused(self):
        return [f for f in self.failures if f.excuse is None]

    def heal_seconds(self):
        """(window, seconds of calm until it was healed, None: never)"""
        return [(w, calm_seconds(w, self.windows) if w.healed else None)
                for w in self.windows]

    def rows(self):
        """The rows of the table of resumptions."""
        for kind in steady.KINDS:
            yield '  %-20s' % kind + '  '.join(
                share(self.resumption[kind, period]) for period in PERIODS)

    def fault_rows(self):
        """The same by kind of fault, and how long each took to heal."""
        times = collections.defaultdict(list)
        for window, healed in self.heal_seconds():
            times[window.fault.kind].append(
                'never' if healed is None else '%.1f' % healed)
        for kind in faults.KINDS:
            if kind in times:
                yield '  %-20s' % kind + '  '.join(
                    share(self.during[kind, what])
                    for what in ('ticket', 'id')) + '  ' + ' '.join(
                        times[kind])


def share(counts):
    offered, resumed = counts
    if not offered:
        return '%19s' % '-'
    return '%6.2f %% of %7d' % (100 * resumed / offered, offered)
