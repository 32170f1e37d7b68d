"""make chaos: steady load on the staging cluster, and faults all the time.

    make chaos                  3 minutes, faults from a random seed
    make chaos DURATION=20m     s, m or h; seconds without a unit
    make chaos SEED=7           the same faults at the same offsets again
    make chaos RATE=100         handshakes a second, 60 by default
    make SANITIZE=1 chaos       with the sanitizers

    STAGING=file                instead of t/cluster/staging.conf

Several runs do not disturb each other.  The exit status is 0 if no handshake
failed but on a host that was down, sessions of every kind resumed across
hosts again after every fault, none was lost in calm or by faults that must not
cost any, no handshake hung, and nginx logged nothing that is never right.
What counts how: harness/verdict.py.
"""

import collections
import os
import random
import re
import sys
import time

from harness import faketime, faults, havoc, lab as labs, observer, process
from harness import staging, steady, verdict

HEAL = 30       # seconds of calm within which a fault has to heal
LONGEST = 8     # seconds, of a handshake at a host that is up
LATE = 0.2      # share of sessions by ID in calm for which memcached was late
LOGGED = 2.0    # seconds, after which the balancer has logged what is over
UNITS = {'': 1, 's': 1, 'm': 60, 'h': 3600}


def say(text=''):
    print(text, flush=True)


def seconds(text):
    match = re.fullmatch(r'(\d+)([smh]?)', text)
    if not match:
        raise ValueError('DURATION=%s: not a time such as 90, 90s or 20m'
                         % text)
    return int(match[1]) * UNITS[match[2]]


class Options:

    def __init__(self, environment):
        def get(name, default):
            return environment.get(name) or default

        self.duration = seconds(get('DURATION', '3m'))
        self.seed = int(get('SEED', random.randrange(1000000)))
        self.rate = float(get('RATE', 60))
        self.settings = staging.Settings(get('STAGING', None))


def lacking(lab):
    """What this machine does not allow, with the reason."""
    found = {}
    if not lab.network.can_cut:
        found['cuts'] = ('no network namespaces: ' + lab.why_no_namespaces)
    if not faketime.installed():
        found['clocks'] = 'libfaketime is not installed'
    elif not faketime.clocks_apart():
        found['clocks'] = ('before libfaketime 0.9.9 timers expire when a '
                           'clock is put forward')
    return found


def chaos(lab, options):
    missing = lacking(lab)
    for what, why in missing.items():
        say('NOT TESTED HERE: %s (%s)' % (', '.join(
            kind for kind, spec in faults.KINDS.items()
            if spec[2] == what), why))
    with staging.Staging(lab, options.settings, middleboxes=True,
                         clocks='clocks' not in missing) as cluster:
        return run(cluster, options, missing)


def run(cluster, options, missing):
    plan = faults.plan(options.seed, options.duration,
                       [host.name for host in cluster.hosts],
                       [server.name for server in cluster.memcached], missing,
                       cluster.special)
    say('SEED=%d DURATION=%d RATE=%g: %d faults; %d hosts with %d workers, '
        '%d memcached servers, keys rotate every %s'
        % (options.seed, options.duration, options.rate, len(plan),
           len(cluster.hosts), options.settings.workers,
           len(cluster.memcached), options.settings.rotation))
    watch = observer.Observer(cluster.hosts)
    ruin = havoc.Havoc(cluster, plan, say, watch)
    # every kind of session must resume before the first fault
    process.wait_until(lambda: ruin.probe() is None,
                       'sessions to resume before any fault')
    with watch:
        with steady.Steady(cluster, options.rate) as load:
            began = time.time()
            ruin.run(began)
            time.sleep(max(0, began + options.duration - time.time()))
        ended = time.time()
        memory = watch.begin, watch.sizes()
    process.wait_until(lambda: quiet(cluster), 'the balancer to be quiet')
    watch.look()
    found = verdict.Verdict(load, ruin, watch,
                            cluster.balancer.connections())
    report(cluster, options, ended - began, load, ruin, found)
    report_memory(watch, *memory)
    return judge(cluster, options, load, ruin, found, began, missing)


def quiet(cluster):
    """Waits until the balancer's log has every connection."""
    before = len(cluster.balancer.log())
    time.sleep(LOGGED)
    return len(cluster.balancer.log()) == before


def report(cluster, options, took, load, ruin, found):
    say()
    say('handshakes       %d in %.0f s, %.1f a second'
        % (len(found.handshakes), took, len(found.handshakes) / took))
    if load.skipped:
        say('                 %d fewer than asked for: all clients were '
            'waiting' % load.skipped)
    full = sum(h.issued is None for h in found.handshakes)
    say('                 %d offered no session, %d were resumed'
        % (full, sum(h.reused for h in found.handshakes)))
    say('sent on          %d that a host did not take went to another one'
        % found.sent_on)
    for name, h in found.longest.items():
        if h:
            say('longest          %.0f ms, %s: %s%s at %s' % (
                h.seconds * 1000, name, h.kind,
                ', resumed' if h.reused else '', h.host))
    say('failed           %d, of which %d not on a host that was down'
        % (len(found.failures), len(found.unexcused())))
    reasons = collections.Counter((f.handshake.error, f.excuse or '?')
                                  for f in found.failures)
    for (error, excuse), number in reasons.most_common():
        say('  %6d  %s (%s)' % (number, error,
                                'NOT EXCUSED' if excuse == '?' else excuse))
    say()
    say('resumed on another host than the session\'s:')
    say('  %-20s' % '' + '  '.join('%19s' % p for p in verdict.PERIODS))
    for row in found.rows():
        say(row)
    if found.late:
        say('  %d of the last ones did not: memcached took longer than '
            'lookup_timeout' % found.late)
    say()
    say('  %-20s%19s  %19s  seconds to heal, without those' % (
        'while', 'tickets', 'IDs'))
    say('  %-20s%19s  %19s  of other faults' % ('', '', ''))
    for row in found.fault_rows():
        say(row)


def mib(size):
    return '%.1f' % (size / 2 ** 20)


def report_memory(watch, begin, end):
    say()
    say('resident memory of workers, MiB, and rotations of the key seen:')
    rotations = watch.rotations()
    for name in begin:
        say('  %-4s  %-16s at the end  %-16s %d rotations' % (
            name, ' '.join(map(mib, begin[name])),
            ' '.join(map(mib, end[name])), rotations[name]))
    if watch.workers:
        pid, w = max(watch.workers.items(),
                     key=lambda item: item[1].size - item[1].first)
        say('  the one that grew most: %s, process %d, from %s to %s in '
            '%.0f s' % (w.host, pid, mib(w.first), mib(w.size), w.age))


def judge(cluster, options, load, ruin, found, began, missing):
    """Prints why the run failed, if it did; returns the exit status."""
    bad = ['%7.1f  a handshake failed: %s' % (f.handshake.began - began, f)
           for f in found.unexcused()]
    bad += ['%7.1f  lost in calm: %s of %s, %.1f s old, at %s' % (
        h.began - began, h.kind, h.issuer, h.began - h.issued, h.host)
        for h in found.missed]
    bad += ['%7.1f  lost: %s of %s, %.1f s old, at %s; meanwhile %s' % (
        h.began - began, h.kind, h.issuer, h.began - h.issued, h.host,
        ', '.join(map(str, found.faults_of(h))))
        for h in found.lost]
    for where in (verdict.CALM, verdict.FAULTS):
        h = found.longest[where]
        if h and h.seconds > LONGEST:
            bad.append('%7.1f  a handshake took %.1f s: %s at %s'
                       % (h.began - began, h.seconds, h.kind, h.host))
    if found.late > LATE * found.calm_ids() + 2:
        bad.append('memcached was late in calm too often')
    for window, healed in found.heal_seconds():
        if healed is None or healed > HEAL:
            bad.append('not healed within %d s: %s; %s'
                       % (HEAL, window.fault, window.missed or ''))
    bad += ['fault not done: ' + text for text in ruin.troubles]
    bad += ['load: ' + text for text in load.errors]
    for host in cluster.hosts:
        bad += ['%s logged: %s' % (host.name, line)
                for line in host.bad_lines()]
    if len(found.handshakes) < options.duration * options.rate / 2:
        bad.append('there was too little load')
    for kind in steady.KINDS:
        if not sum(found.resumption[kind, p][1] for p in verdict.PERIODS):
            bad.append('no session resumed on another host: ' + kind)
    say()
    for text in bad[:40]:
        say('FAILED: ' + text)
    if len(bad) > 40:
        say('FAILED: and %d more' % (len(bad) - 40))
    say('chaos: %s; SEED=%d DURATION=%d%s' % (
        '%d failures' % len(bad) if bad else 'passed', options.seed,
        options.duration, '; not every kind of fault' if missing else ''))
    return 1 if bad else 0


def main():
    options = Options(os.environ)
    with labs.Lab() as lab:
        status = chaos(lab, options)
        left = lab.leftovers()
    for what in left:
        say('FAILED: left behind: ' + what)
    return 1 if left else status


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except ValueError as problem:
        sys.exit('make chaos: %s' % problem)
