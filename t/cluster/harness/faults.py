"""The plan of faults, which follows from a seed."""

import random
from dataclasses import dataclass

# the kind of machine that a fault hits
MEMCACHED, HOST, ALL_HOSTS = 'memcached', 'host', 'all hosts'
SOME_HOSTS = 'some hosts'       # half of them
# memcached servers with TLS, with a password, and known by a name
TLS, GUARDED, NAMED = 'tls', 'password', 'named'

# kind: (machines, duration, what it needs)
KINDS = {
    'memcached killed':   (MEMCACHED, (2, 7), None),
    'memcached frozen':   (MEMCACHED, (2, 7), None),
    'memcached flushed':  (MEMCACHED, (0, 0), None),
    'memcached delayed':  (MEMCACHED, (2, 7), None),
    'memcached lossy':    (MEMCACHED, (2, 7), 'cuts'),
    'memcached garbled':  (MEMCACHED, (2, 7), None),
    'memcached mute':     (MEMCACHED, (2, 7), None),
    'memcached untrusted': (TLS, (2, 7), TLS),
    'memcached guarded':  (GUARDED, (2, 7), GUARDED),
    'memcached moved':    (NAMED, (3, 8), NAMED),
    'name unknown':       (HOST, (2, 7), NAMED),
    'name slow':          (HOST, (2, 7), NAMED),
    'name silent':        (HOST, (2, 7), NAMED),
    'host killed':        (HOST, (1, 6), None),
    'hosts killed':       (SOME_HOSTS, (1, 4), None),
    'host reloaded':      (HOST, (0, 0), None),
    'host upgraded':      (HOST, (0, 0), None),
    'host cut off':       (HOST, (3, 8), 'cuts'),
    'host isolated':      (HOST, (3, 8), 'cuts'),
    'clock shifted':      (HOST, (2, 7), 'clocks'),
    'worker killed':      (HOST, (0, 0), None),
    'secrets rotated':    (ALL_HOSTS, (0, 0), None),
    'generation raised':  (HOST, (0, 0), None)}

# how long an exchange of workers, or of secrets, takes
TAKES = {'host reloaded': 1, 'host upgraded': 1.5, 'worker killed': 0.5,
         'secrets rotated': 5, 'memcached flushed': 0.2,
         'generation raised': 1}

# how long after a fault of a name every worker has resolved it again, which is
# 2 s after a failure
ASKED = 3

GAP = (3.5, 6)
# seconds without faults at the beginning and at the end
FIRST, LAST = 2.0, 3.0
OVERLAP = 0.25              # probability that two faults overlap
EVERY = 0.2                 # ... that a fault hits all memcached servers


@dataclass
class Fault:
    number: int
    at: float               # seconds since the beginning
    seconds: float          # duration
    kind: str
    targets: list           # names of machines
    value: object = None

    def __str__(self):
        text = '%s: %s' % (self.kind, ' '.join(self.targets))
        if self.value is not None:
            text += ' (%s)' % self.value
        if self.seconds:
            text += ' for %.1f s' % self.seconds
        return text


def plan(seed, duration, hosts, servers, lacking=(), special=None):
    """The faults of a run, in the order of time.

    Every kind comes once before any comes a second time.  If the run is too
    short for that, the faults are shorter.  At most two overlap, on different
    machines. "special" says which servers are TLS, GUARDED and NAMED.
    """
    special = {key: names for key, names in (special or {}).items() if names}
    lacking = {*lacking, *({TLS, GUARDED, NAMED} - set(special))}
    whom = {HOST: hosts, ALL_HOSTS: hosts, SOME_HOSTS: hosts,
            MEMCACHED: servers, **special}
    kinds = [kind for kind, (_, _, needs) in KINDS.items()
             if needs not in lacking]
    scale = 1.0
    while True:
        faults = _plan(random.Random(seed), duration, whom, kinds, scale)
        if scale < 0.1 or len({fault.kind for fault in faults}) == len(kinds):
            return faults
        scale *= 0.9


def _plan(dice, duration, whom, kinds, scale):
    faults, bag = [], []
    at, previous = FIRST, None
    while True:
        if not bag:
            bag = list(kinds)
            dice.shuffle(bag)
        fault = _make(dice, bag.pop(), len(faults), whom, scale)
        room = max(fault.seconds, TAKES.get(fault.kind, 0) * scale)
        together = dice.random() < OVERLAP
        gap = dice.uniform(*GAP) * scale
        if previous is not None:
            begins, ends, alone = previous
            if (together and alone and ends > begins
                    and not set(fault.targets) & set(faults[-1].targets)):
                at, alone = (begins + ends) / 2, False
            else:
                at, alone = max(ends, begins + 0.1) + gap, True
            previous = at, max(at + room, ends), alone
        else:
            previous = at, at + room, True
        if previous[1] > duration - LAST:
            return faults
        fault.at = round(at, 2)
        faults.append(fault)


def _make(dice, kind, number, whom, scale):
    befalls, (least, most), _ = KINDS[kind]
    seconds = round(dice.uniform(least, most) * scale, 2)
    every = dice.random() < EVERY
    targets = list(whom[befalls])
    if befalls == SOME_HOSTS:
        targets = sorted(dice.sample(targets, max(1, len(targets) // 2)))
    elif befalls != ALL_HOSTS and (befalls == HOST or not every):
        targets = [dice.choice(targets)]
    return Fault(number + 1, 0.0, seconds, kind, targets, _value(dice, kind))


def _value(dice, kind):
    if kind == 'memcached delayed':
        # less than lookup_timeout of staging.conf, about as much, and much
        # more
        return '%d ms' % dice.choice([100, 450, 1000, 3000])
    if kind == 'memcached lossy':
        return '%d %%' % dice.choice([5, 20, 50])
    if kind == 'memcached garbled':
        return '%d %%' % dice.choice([5, 20, 60])
    if kind == 'memcached untrusted':
        return dice.choice(['of another authority', 'expired'])
    if kind == 'name slow':
        return '%.1f s' % dice.choice([0.4, 1.5, 4.0])
    if kind == 'clock shifted':
        return dice.choice(['+8', '-8', '+20m', '-20m'])
    return None
