"""The client, visit.c: builds it where that is needed, and sends it out."""

import os
import shlex
import subprocess
from dataclasses import dataclass

import papers
import plan
import servers
from harness import conf

PROGRAM = os.path.join(conf.REPOSITORY, 'build', 'confusion', 'visit')
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'visit.c')
WARNINGS = ['-std=gnu11', '-Wall', '-Wextra', '-Werror']
# lines at a time: neither of two pipes is ever full
LINES = 100
NUMBERS = {name: number for number, name in enumerate(papers.CLIENTS)}


def build():
    if os.path.exists(PROGRAM) \
            and os.path.getmtime(PROGRAM) >= os.path.getmtime(SOURCE):
        return
    os.makedirs(os.path.dirname(PROGRAM), exist_ok=True)
    # several may build it at the same time
    new = '%s.%d' % (PROGRAM, os.getpid())
    subprocess.run([*shlex.split(os.environ.get('CC') or 'cc'), *WARNINGS,
                    '-O2', '-o', new, SOURCE, '-lssl', '-lcrypto'],
                   check=True)
    os.replace(new, PROGRAM)


@dataclass(frozen=True)
class Outcome:
    how: str                    # see visit.c
    resumed: bool
    version: str
    cipher: str
    retried: bool
    text: str

    @classmethod
    def parse(cls, line):
        how, resumed, version, cipher, retried, text = line.split()
        # what nginx says of itself comes before the server's name
        return cls(how, resumed == '1', version, cipher, retried == '1',
                   text[max(text.find('name='), 0):])

    def answer(self):
        """What a resumed session has in common with a full handshake."""
        return 'refused' if self.how == 'refused' else self.text


class Visitor:
    """One process of the client."""

    def __init__(self, made, directory):
        self.process = subprocess.Popen(
            [PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=directory)
        for name, number in NUMBERS.items():
            line = 'client %d' % number
            if papers.CLIENTS[name]:
                line += ' ' + ' '.join(made.path('client-%s.%s' % (name, end))
                                       for end in ('pem', 'key'))
            self.process.stdin.write(line + '\n')

    def ask(self, lines):
        outcomes = []
        for at in range(0, len(lines), LINES):
            part = lines[at:at + LINES]
            self.process.stdin.write('\n'.join(part) + '\n')
            self.process.stdin.flush()
            for _ in part:
                line = self.process.stdout.readline()
                if not line:
                    raise RuntimeError('the client ended with status %d'
                                       % self.process.wait())
                outcomes.append(Outcome.parse(line))
        return outcomes

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Side:
    """Three hosts, plain or with the module, and their visitor."""

    def __init__(self, planned, hosts, visitor):
        self.plan = planned
        self.hosts = hosts
        self.visitor = visitor

    def _line(self, word, slot, one, visit, suites):
        listener = self.plan.listeners[visit.listener]
        meeting = self.plan.meeting(visit, one.cipher)
        return ' '.join([
            word, str(slot), str(NUMBERS[one.client]),
            self.hosts[visit.host].address,
            str(servers.FIRST_PORT + visit.listener), listener.kind,
            visit.hellos[0], visit.hellos[-1], meeting.asked,
            *visit.versions, one.form,
            ':'.join(servers.SUITES[suite] for suite in suites),
            visit.groups])

    def make(self, slot, one):
        suites = servers.SUITES if one.cipher == plan.NONE else [one.cipher]
        return self._line('make', slot, one, one.made, suites)

    def offer(self, slot, one):
        return self._line('offer', slot, one, one.offered, servers.SUITES)

    def run(self, combinations):
        """Of each, what came of making a session and of offering it."""
        found = {}
        for batch in self._batches(combinations):
            made = self.visitor.ask([self.make(slot, group[0])
                                     for slot, group in enumerate(batch)])
            offers = [(slot, one) for slot, group in enumerate(batch)
                      for one in group if made[slot].how == 'done']
            for slot, group in enumerate(batch):
                for one in group:
                    found[one] = made[slot], None
            for (slot, one), outcome in zip(offers, self.visitor.ask(
                    [self.offer(slot, one) for slot, one in offers])):
                found[one] = made[slot], outcome
        return found

    @staticmethod
    def _batches(combinations):
        """Lists of groups, each of which needs one session."""
        groups = {}
        for number, one in enumerate(combinations):
            key = one.session() if one.lasts() else number
            groups.setdefault(key, []).append(one)
        groups = list(groups.values())
        for at in range(0, len(groups), LINES):
            yield groups[at:at + LINES]

    def full(self, combinations):
        """What a full handshake of each would say."""
        keys = {one: self.plan.occasion(one) for one in combinations}
        asked = {key: one for one, key in keys.items()}
        said = dict(zip(asked, self.visitor.ask(
            [self._line('make', 0, one, one.offered, servers.SUITES)
             for one in asked.values()])))
        return {one: said[key] for one, key in keys.items()}
