"""make confusion: does a session resume exactly where it may?

Sessions are made at one server and offered to another, in some 20,000
combinations of names, certificates, ways to look at clients, protocols and
hosts.  With the module each must resume if oracle.py says so, and must not if
it does not, and must be answered as after a full handshake.  The same plan
runs against plain nginx, for the record.  Then early data is sent with
sessions of one server to another, see flights.py.

    --seed N       of the plan; without it, always the same one
    --only N,M     only these combinations
    --plain        does without the module, and judges plain nginx
    --verbose      the outcomes of each
"""

import argparse
import collections
import os
import secrets
import sys
import threading
import time

sys.path[1:1] = [os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'cluster')]

import flights  # noqa: E402
import judge  # noqa: E402
import papers  # noqa: E402
import plan  # noqa: E402
import servers  # noqa: E402
import visitor  # noqa: E402
from harness import cluster as clusters, conf, lab as labs, \
    process  # noqa: E402

SEED = '1'
SHOWN = 2               # of each kind of mistake
MOST_LINES = 20         # of error logs
TRIES = 5               # for a store in memcached nobody waits
MOST_TRIED = 1000
STORED = 10.0           # seconds: that it never is costs a try
# without these the test would prove little
ALONE = 150             # combinations about which one rule decides
RULES = ('cluster', 'name', 'certificate', 'scope', 'client rules',
         'refused before', 'expired', 'revoked', 'cipher', 'version')
MAY = 50                # that may resume, of each protocol, version and form


def say(*words):
    print(*words, flush=True)


class Hosts:
    """A context: three hosts of plain nginx, and three with the module."""

    def __init__(self, lab, listeners, made, kinds):
        self.kinds = kinds
        self.cluster = clusters.Cluster(
            lab, hosts=0, memcached_servers=2, start=False, workers=1,
            rotation='7d', lookup_timeout='10s', session_timeout='1d',
            session_cache='shared:sessions:8m', connections=2048,
            servers=servers.configuration(listeners, made.path))
        self.keys = made.path('ticket.keys')
        with open(self.keys, 'wb') as f:
            f.write(secrets.token_bytes(80))

    def __enter__(self):
        self.cluster.__enter__()
        try:
            for synced in self.kinds:
                for number in range(plan.LATE + 1):
                    self._add(number, synced)
            self.cluster.start()
            for name in servers.CLUSTERS if True in self.kinds else ():
                self.cluster.wait_agreed(self.of(True), group=name)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *exc):
        self.cluster.__exit__(*exc)

    def _add(self, number, synced):
        host = self.cluster.add_host()
        host.config.synced = synced
        # clients without a common version, and the like; and what OpenSSL
        # leaves of a client that is unknown where there are revocation lists
        host.expected = ['SSL routines:', 'ignoring stale global SSL error']
        if number == plan.LATE:
            host.shift_clock(papers.AHEAD)
        if not synced:
            host.config.ticket_keys = [self.keys]
            return
        main = host.config.groups[0]
        host.config.groups = [main] + [
            conf.Group(name, main.memcached, main.secrets,
                       rotation=main.rotation,
                       lookup_timeout=main.lookup_timeout)
            for name in servers.CLUSTERS[1:]]

    def of(self, synced):
        return [host for host in self.cluster.hosts
                if host.config.synced == synced]

    def bad_lines(self):
        """What error logs say that they should not: once, to be reported."""
        found = ['%s: %s' % (host.name, line) for host in self.cluster.hosts
                 for line in host.bad_lines()]
        for host in self.cluster.hosts:
            host.expected = ['']
        return found

    def stores(self):
        """How many memcached has got so far."""
        count = 0
        for machine in self.cluster.memcached:
            with machine.connect() as connection:
                count += connection.statistic('cmd_set')
        return count


class Test:

    def __init__(self, lab, options):
        self.options = options
        build = conf.Build()
        self.plan = plan.Plan(options.seed, build.version() >= (1, 29, 2))
        self.papers = papers.Papers(lab.make('papers'))
        # with the module or without it
        self.kinds = (False,) if options.plain else (False, True)
        self.hosts = Hosts(lab, self.plan.listeners, self.papers, self.kinds)
        self.directory = lab.make('visitors')
        numbers = range(len(self.plan.combinations))
        if options.only:
            numbers = [int(n) for n in options.only.split(',')]
        self.combinations = {self.plan.combinations[n]: n for n in numbers}
        self.outcomes = {}
        self.full = {}          # what full handshakes say
        self.bad_lines = []
        self.tried = 0

    def run(self):
        with self.hosts:
            visitors = [visitor.Visitor(self.papers, self.directory)
                        for _ in self.kinds]
            try:
                self._all([visitor.Side(self.plan, self.hosts.of(kind), one)
                           for kind, one in zip(self.kinds, visitors)])
                self.bad_lines = self.hosts.bad_lines()
            finally:
                for one in visitors:
                    one.close()

    def _all(self, sides):
        errors = []

        def work(name, side):
            try:
                self.outcomes[name] = side.run(list(self.combinations))
                if side is sides[-1]:
                    self.full = side.full(self.combinations)
            except Exception as error:      # told by the main thread
                errors.append(error)

        threads = [threading.Thread(target=work, args=pair)
                   for pair in zip(('plain', 'module'), sides)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        if self.options.plain:
            self.outcomes['module'] = self.outcomes['plain']
        else:
            self._again(sides[-1])

    def _again(self, side):
        """Sessions that may not have been in memcached in time.

        What must not resume has no second chance.
        """
        lost = [one for one in self.combinations if one.form == 'id'
                and self.complaints(one) == [judge.LOST]]
        if len(lost) > MOST_TRIED:
            say('%d sessions by ID are lost: too many to try again'
                % len(lost))
            return
        self.tried = len(lost)
        for one in lost:
            for _ in range(TRIES):
                self.outcomes['module'][one] = self._slowly(side, one)
                if self.complaints(one) != [judge.LOST]:
                    break

    def _slowly(self, side, one):
        # OpenSSL makes two sessions in TLS 1.3
        wanted = self.hosts.stores() + (2 if one.version == '13' else 1)
        made = side.visitor.ask([side.make(0, one)])[0]
        if made.how != 'done':
            return made, None
        try:
            process.wait_until(lambda: self.hosts.stores() >= wanted,
                               'a session in memcached', STORED)
        except AssertionError:
            # what is lost is told
            pass
        return made, side.visitor.ask([side.offer(0, one)])[0]

    def complaints(self, one):
        return judge.complaints(
            self.plan, one, self.outcomes['plain'][one],
            self.outcomes['module'][one], self.full[one])

    # The report.

    def report(self):
        """Returns how many combinations passed, and what is wrong."""
        wrong = {one: found for one in self.combinations
                 if (found := self.complaints(one))}
        seen = collections.Counter()
        for one in self.combinations:
            found = wrong.get(one, [])
            kind = judge.group(self.plan, one), *found
            seen[kind] += bool(found)
            if self.options.verbose or found and seen[kind] <= SHOWN:
                self._show(one, found)

        self._tables(wrong)
        say('%d sessions by ID were offered again' % self.tried)
        good = [one for one in self.combinations if one not in wrong]
        broken = self._broken_plain() + self.bad_lines[:MOST_LINES]
        if not self.options.only:
            broken += self._proves_little(good)
        for what in broken:
            say('wrong: ' + what)
        return len(good), len(wrong) + len(broken)

    def _show(self, one, found):
        say('%d: %s, %s' % (self.combinations[one],
                            judge.group(self.plan, one),
                            ', '.join(found) or 'right'))
        say('    %s client %s' % (one.form, one.client))
        for name, visit, meeting in zip(
                ('made', 'offered'), (one.made, one.offered),
                self.plan.meetings(one)):
            listener = self.plan.listeners[visit.listener]
            say('    %-8s%s' % (name, visit))
            say('            %s tickets %s protocols %s curve %s' % (
                listener.kind, listener.tickets, listener.protocols,
                listener.curve))
            say('            %s %s' % (meeting.selected, meeting.server))
        for name in 'plain', 'module':
            say('    %-8s%s' % (name, self.outcomes[name][one][1]))
        say('    full    %s' % (self.full[one],))

    def _tables(self, wrong):
        table = judge.Table()
        for one in self.combinations:
            table.add(judge.group(self.plan, one), *(
                judge.resumed(self.outcomes[name][one])
                for name in ('plain', 'module')))
        for line in table.lines():
            say(line)
        kinds = collections.Counter(
            (what, judge.group(self.plan, one))
            for one, found in wrong.items() for what in found)
        for (what, group), count in kinds.most_common():
            say('%7d  %s (%s)' % (count, what, group))

    def _broken_plain(self):
        """Of plain nginx nothing is asked but that the plan holds there.

        For the sake of a session it turns some away, which is its own affair.
        """
        found, away = collections.Counter(), 0
        for one in self.combinations:
            plain = self.outcomes['plain'][one]
            if judge.turned_away(plain) and self.full[one].how != 'refused':
                away += 1
            else:
                found.update(judge.mistakes(self.plan, one, plain))
        say('%d clients with a session were turned away by plain nginx'
            % away)
        return ['plain nginx %s, %d times' % item for item in found.items()]

    def _proves_little(self, good):
        missing = []
        alone, may = collections.Counter(), collections.Counter()
        for one in self.combinations:
            reasons = self.plan.reasons(one)
            alone[reasons] += 1
            if not reasons:
                made, _ = self.plan.meetings(one)
                may[made.kind, one.version, one.form] += 1
        missing += ['only %d combinations about %s alone'
                    % (alone[rule,], rule)
                    for rule in RULES if alone[rule,] < ALONE]
        missing += ['only %d sessions that may resume, %s TLS 1.%s %s'
                    % (may[kind, version, form], kind, version[1], form)
                    for kind in conf.KINDS for version in ('12', '13')
                    for form in ('ticket', 'id')
                    if may[kind, version, form] < MAY]
        if len(self.combinations) < plan.COMBINATIONS:
            missing.append('only %d combinations' % len(self.combinations))
        missing += judge.blind_spots(self.plan, [
            (one, self.outcomes['plain'][one], self.outcomes['module'][one],
             self.full[one]) for one in good[::len(good) // 300 + 1]])
        return missing


def early_data(lab):
    """Returns how many flights of early data were treated right, and not."""
    test = flights.Flights(lab)
    passed = test.run()
    say('%d flights of early data, of which %d were accepted'
        % (test.count, test.accepted))
    for what in test.wrong[:MOST_LINES]:
        say('wrong: early data of ' + what)
    return passed, len(test.wrong)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', default=os.environ.get('CONFUSION_SEED')
                        or SEED)
    parser.add_argument('--only')
    parser.add_argument('--plain', action='store_true')
    parser.add_argument('--verbose', action='store_true')
    options = parser.parse_args()

    began = time.monotonic()
    visitor.build()
    with labs.Lab() as lab:
        test = Test(lab, options)
        say('confusion: seed %s, %d listeners, %.0f s'
            % (options.seed, len(test.plan.listeners),
               time.monotonic() - began))
        test.run()
        passed, failed = test.report()
        if not options.plain and not options.only:
            right, wrong = early_data(lab)
            passed += right
            failed += wrong
    say('confusion: passed %d, failed %d, skipped 0 (seed %s, %.0f s)'
        % (passed, failed, options.seed, time.monotonic() - began))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
