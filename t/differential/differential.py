"""make differential: does holding the ClientHello change what clients see?

The same nginx with the same configuration, plain and with the module, gets
the same inputs: first bytes of real clients, and what mutations make of them.
Each must bring the same answer: records, messages, alerts, the ServerHello's
version, cipher and extensions, and the end of the connection.

Where an input offers a session, each host knows one.  The plain one has it
in its cache, the other only in memcached: it holds the handshake.

    --seed N       of the inputs, to repeat a run; else a new one, printed
    --only N,M     only these inputs
    --verbose      the outcomes of each
"""

import argparse
import collections
import dataclasses
import multiprocessing
import os
import random
import sys
import time
import traceback

sys.path[1:1] = [os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'cluster')]

import answers  # noqa: E402
import drive  # noqa: E402
import plan  # noqa: E402
import sources  # noqa: E402
from harness import cluster as clusters, lab as labs, process  # noqa: E402

BLOCK = 1000            # inputs that are made at a time
BATCH = 150             # connections at a time
SUDDEN = 8000           # bytes that arrive at once
INPUTS = 10000          # at the least
SHOWN = 20
LEAVE = 'record 23 0303 19'
AGAIN = 30              # inputs whose answer may depend on random bytes
LOOKS = 12
MOST_LOOKS = 60         # what is rare is not seen in a few
# without these the comparison would prove little
OUTCOMES = ('tls12', 'tls12 resumed', 'tls13', 'tls13 resumed', 'retry',
            'closed', 'waits closed', '2 decode_error', '2 illegal_parameter',
            '2 unexpected_message',
            '2 protocol_version')
HELD = 1500
EARLY = 5


@dataclasses.dataclass(frozen=True)
class Outcome:
    words: tuple                # what the server said, and the end
    reset: bool
    estranged: bool
    unchanged: bool
    sudden: bool                # all that the client sent came at once

    def key(self):
        """What has to be the same.

        Reset and closed are one where bytes came after the server had made
        up its mind: that is a matter of moments.  Where they came at once,
        the module must not reset a connection that plain nginx closes: the
        client could miss the alert.
        """
        return self.words, self.reset and self.sudden


def differ(plain, module):
    """Not if what is random in one hello left it as it was, unlike the other.
    """
    return (plain.unchanged == module.unchanged
            and (plain.words != module.words
                 or module.key()[1] and not plain.reset))


class Side:
    """One of the two hosts, with a process that drives it."""

    def __init__(self, maker, seed, inputs):
        self.maker = maker
        self.seed = seed
        self.inputs = inputs
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self._work,
                                               args=[other], daemon=True)

    def _work(self, pipe):
        self.driver = drive.Driver(self.maker.host, self._settle)
        while True:
            numbers, strange = pipe.recv()
            try:
                pipe.send(self._outcomes(numbers, strange))
            except Exception as error:      # told by the main process
                pipe.send(RuntimeError(''.join(
                    traceback.format_exception(error))))

    def _settle(self):
        """A handshake that is held like the others, and answered later."""
        if self.maker.host.config.synced:
            session = self.maker.mint('tls13', '13').tls.session
            self.maker.mint('tls13', '13', session)

    def _outcomes(self, numbers, strange):
        outcomes = {}
        for at in range(0, len(numbers), BLOCK):
            built = [(number, plan.chunks(self.inputs[number], self.seed,
                                          self.maker, strange))
                     for number in numbers[at:at + BLOCK]]
            built.sort(key=lambda one: len(one[1].chunks))
            for start in range(0, len(built), BATCH):
                batch = built[start:start + BATCH]
                results = self.driver.run([self._item(*one)
                                           for one in batch])
                for (number, one), result in zip(batch, results):
                    words, end = result
                    outcomes[number] = Outcome(
                        self._known(number, words), end == 'reset',
                        one.estranged, one.unchanged,
                        len(one.chunks) == 1
                        and len(one.chunks[0]) <= SUDDEN)
        return outcomes

    def _known(self, number, words):
        """What the server said, as far as it does not depend on moments.

        A client of early data that shuts its side before it has finished the
        handshake: whether nginx still takes its leave depends on what it sees
        first, the data or the end.
        """
        words = list(words)
        one = self.inputs[number]
        if one.ages() and one.shuts and words[-2:] == [LEAVE, 'closed']:
            words = [*words[:-2], 'closed']
        return tuple(words)

    def _item(self, number, built):
        one = self.inputs[number]
        return (self.maker.listeners[one.listener].port, built.chunks,
                one.shuts, built.session_id)

    def ask(self, numbers, strange=False):
        self.pipe.send((numbers, strange))

    def answer(self):
        result = self.pipe.recv()
        if isinstance(result, Exception):
            raise result
        return result


class Comparison:

    def __init__(self, cluster, lab, seed):
        self.seed = seed
        self.cluster = cluster
        self.listeners = {name: servers[0] for name, servers
                          in plan.listeners().items()}
        plain, synced = cluster.hosts
        found = sources.templates(lab.network.address, cluster.directory)
        makers = [sources.Sources(host, self.listeners, found,
                                  cluster.directory, lab.network.address)
                  for host in (plain, synced)]
        self.alike(makers)
        self.inputs = plan.make(seed, makers[0], self.listeners)
        self.sides = [Side(maker, seed, self.inputs) for maker in makers]
        for side in self.sides:
            side.process.start()

    @staticmethod
    def alike(makers):
        """Until what both hosts gave has one shape: tickets may differ."""
        for _ in range(20):
            first, second = (plan.shapes(maker) for maker in makers)
            different = [key for key in first if first[key] != second[key]]
            if not different:
                return
            for key in different:
                del makers[0].kept[key], makers[1].kept[key]
        raise RuntimeError('hellos of one client differ: %r' % different)

    def ask(self, numbers, strange=False):
        """Outcomes of both; "strange": plain nginx knows no session."""
        if not numbers:
            return {}
        for side, unknown in zip(self.sides, (strange, False)):
            side.ask(numbers, unknown)
        first, second = [side.answer() for side in self.sides]
        return {number: (first[number], second[number])
                for number in numbers}

    def run(self, numbers):
        """Outcomes of both, and what was found out about differences."""
        outcomes = self.ask(numbers)
        different = [n for n, pair in outcomes.items() if differ(*pair)]
        # Where the module refuses a session, and says so, plain nginx has to
        # answer the same to a session that it does not know.
        estranged = [n for n in different if outcomes[n][0].estranged]
        strange = self.ask(estranged, strange=True)
        estranged = [n for n in estranged
                     if not differ(strange[n][0], outcomes[n][1])]
        different = [n for n in different if n not in estranged]
        again = self.look_again(different, outcomes)
        different = [n for n in different if n not in again]
        return outcomes, different, estranged, again

    def look_again(self, numbers, outcomes):
        """Those where plain nginx does not always give the same answer.

        Damaged lengths let OpenSSL take for a length what is random, like a
        key share or a session ID, in which the two hosts' hellos differ.
        Then each answer of the module must be one of plain nginx's, too.

        On a machine with more to do than it can, a packet of a barrier may
        overtake those before it, and a server looks as if it waited; or ten
        seconds pass before early data is sent, which is refused then. What
        it does when asked again is what counts.

        The module may refuse early data whenever it is not certain that it
        is the first to have it: one of its answers has to be plain nginx's.
        """
        def alike(number):
            plain, module = seen[number]
            return (bool(module & plain) if self.inputs[number].ages()
                    else module <= plain)

        numbers = [n for n in numbers if len(numbers) <= AGAIN]
        seen = {n: (set(), set()) for n in numbers}
        for n in numbers:
            waits = {'waits' in one.words for one in outcomes[n]}
            if len(waits) == 1 and not self.inputs[n].ages():
                for known, one in zip(seen[n], outcomes[n]):
                    known.add(one.key())
        for look in range(MOST_LOOKS):
            if look >= LOOKS and all(alike(n) for n in numbers):
                break
            for n, pair in self.ask(numbers).items():
                for known, one in zip(seen[n], pair):
                    known.add(one.key())
        return [n for n in numbers if alike(n)]


def servers():
    return [one for name in plan.listeners().values() for one in name]


def start(lab):
    cluster = clusters.Cluster(lab, hosts=2, memcached_servers=1,
                               start=False, rotation='7d', workers=1,
                               lookup_timeout='10s', servers=servers(),
                               events='multi_accept on;')
    cluster.__enter__()
    library = os.path.join(cluster.directory, 'as_long.so')
    process.run(['cc', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC',
                 '-o', library, os.path.join(os.path.dirname(
                     os.path.abspath(__file__)), 'as_long.c')])
    cluster.hosts[0].environment = {'LD_PRELOAD': library}
    plain = cluster.hosts[0].config
    plain.synced = False
    plain.session_cache = 'shared:sessions:8m'
    for host in cluster.hosts:
        # the inputs are for this
        host.expected = ['SSL routines:']
    cluster.start()
    cluster.wait_agreed([cluster.hosts[1]])
    return cluster


def say(*words):
    print(*words, flush=True)


def show(comparison, number, pair):
    say(comparison.inputs[number])
    for name, one in zip(('plain', 'module'), pair):
        say('    %-7s%s%s' % (name, ' | '.join(one.words)[:600],
                              ' (reset)' if one.reset else ''))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', default=os.environ.get(
        'DIFFERENTIAL_SEED') or str(random.SystemRandom().randrange(10**6)))
    parser.add_argument('--only')
    parser.add_argument('--verbose', action='store_true')
    options = parser.parse_args()

    began = time.monotonic()
    say('differential: seed %s' % options.seed)
    with labs.Lab() as lab:
        cluster = start(lab)
        try:
            failed = compare(lab, cluster, options, began)
        except BaseException:
            cluster.tell()
            raise
        finally:
            for side in multiprocessing.active_children():
                side.terminate()
            cluster.__exit__(None)
    return 1 if failed else 0


def compare(lab, cluster, options, began):
    """Returns what is wrong, with all of it told."""
    comparison = Comparison(cluster, lab, options.seed)
    numbers = [int(n) for n in options.only.split(',')] if options.only \
        else list(range(len(comparison.inputs)))
    outcomes, different, estranged, again = comparison.run(numbers)

    for number in numbers if options.verbose else different[:SHOWN]:
        show(comparison, number, outcomes[number])
    if len(different) > SHOWN:
        say('and %d more' % (len(different) - SHOWN))

    kinds = collections.Counter(answers.outline(one.words)
                                for one, _ in outcomes.values())
    for kind, count in kinds.most_common():
        say('%7d  %s' % (count, kind))
    say('%7d  resets by plain nginx, %d with the module' % tuple(
        sum(pair[side].reset for pair in outcomes.values())
        for side in (0, 1)))
    say('%7d  sessions refused by the module: compared with one unknown'
        % len(estranged))
    say('%7d  compared with several answers of plain nginx' % len(again))
    held = cluster.hosts[1].group()['sessions']
    say('%7d  handshakes held, %d of them timed out'
        % (held['lookups'], held['timeouts']))
    early = cluster.hosts[1].group()['early_data']
    say('%7d  flights of early data accepted by the module, as the first'
        % early['accepted'])

    wrong = list(different)
    if not options.only:
        wrong += proves_little(kinds, len(numbers), held, early)
    say('differential: passed %d, failed %d, skipped 0 (seed %s, %.0f s)'
        % (len(numbers) - len(different), len(wrong), options.seed,
           time.monotonic() - began))
    return wrong


def proves_little(kinds, count, held, early):
    """What a comparison should have come across and has not."""
    missing = ['outcome ' + kind for kind in OUTCOMES if not kinds[kind]]
    if count < INPUTS:
        missing.append('%d inputs' % INPUTS)
    if held['lookups'] < HELD:
        missing.append('%d handshakes held' % HELD)
    if early['accepted'] < EARLY:
        missing.append('%d flights of early data' % EARLY)
    for what in missing:
        say('missing: ' + what)
    return missing


if __name__ == '__main__':
    sys.exit(main())
