"""Which sessions are made where, and offered where: many, and all sorts.

A family is a listener and others that differ from it in one thing.  Two of
them at random differ in none, one or two things, so that most often a single
rule decides.  Of a great many combinations so many are taken that each rule,
alone, decides about a share of them.
"""

import collections
import random
from dataclasses import dataclass, replace

import oracle
import papers
import servers
from harness import conf

FAMILIES = 12
COMBINATIONS = 20480
CANDIDATES = 4                  # as many times more, to choose from
OFFERS = 6                      # of a session, at the most
# what may resume, what one rule forbids, what several do
SHARES = {'yes': 0.4, 'one': 0.47, 'several': 0.13}
HOSTS = (0, 1)
LATE = 2                        # the host whose clock is ahead

NONE = '-'
NAMES = (NONE, 'a.example', 'b.example', 'u.example', 'x.w.example',
         'y.x.w.example', 'A.Example')
WEIGHTS = (4, 6, 4, 2, 3, 1, 1)

# clients guess that the first of these is wanted, and have to hear otherwise
# where a listener insists on another
GROUPS = ('X25519:P-256', 'P-256:X25519')
RARE = 'prime256v1'

# what there is to choose from, most of it in several families
VALUES = {
    'kind': (conf.HTTP, conf.STREAM, conf.HTTP, conf.MAIL),
    'tickets': (True, False),
    'protocols': ('both', 'both', 'both', '13', 'both', '12'),
    'curve': (None, RARE, None),
    'certificates': tuple(papers.SETS),
    'verify': ('off', 'optional', 'on', 'optional_no_ca'),
    'issuers': tuple(servers.AUTHORITIES),
    'depth': (1, 2),
    'crl': (None, 'empty', None, 'two', 'one', 'between'),
    'scope': ('auto', 'blue', 'auto', 'red'),
    'sync': ('main', 'main', 'main', 'second', 'main', 'off'),
    'suites': ('both', 'both', '128', '256'),
}
OF_LISTENER = ('kind', 'tickets', 'protocols', 'curve')
OF_SERVER = tuple(name for name in VALUES if name not in OF_LISTENER)


@dataclass(frozen=True)
class Identity:
    """A client, as the oracle wants it."""

    name: str
    root: str                   # the authority behind it
    chain: frozenset            # what can be revoked
    short: bool


def identity(name):
    found = papers.CLIENTS[name]
    if not found:
        return Identity(name, None, frozenset(), False)
    issuer, short = found
    chain = {name}
    while papers.AUTHORITIES[issuer]:
        chain.add(issuer)
        issuer = papers.AUTHORITIES[issuer]
    return Identity(name, issuer, frozenset(chain), short)


CLIENTS = {name: identity(name) for name in papers.CLIENTS}


@dataclass(frozen=True)
class Visit:
    """How a client goes to a listener of a host."""

    host: int
    listener: int
    hellos: tuple               # names, of the second hello as well if asked
    versions: tuple             # the lowest, the highest
    groups: str = GROUPS[0]


@dataclass(frozen=True)
class Combination:
    made: Visit
    offered: Visit
    client: str
    form: str                   # ticket, id
    cipher: str                 # of a session of TLS 1.2

    @property
    def version(self):
        return self.made.versions[0]

    def session(self):
        """Those with the same can share a session, if it lasts."""
        return self.made, self.client, self.form, self.cipher

    def lasts(self):
        return self.form == 'ticket' or self.version == '12'


@dataclass(frozen=True)
class Meeting:
    """A visit, as the oracle wants it."""

    kind: str
    selected: str
    asked: str                  # the host of a request
    left: bool                  # nginx may have forgotten what decided
    server: servers.Server
    name: str
    hellos: tuple               # names as they were spelled
    version: str
    cipher: str
    late: bool


class Plan:

    def __init__(self, seed, first_decides, wanted=COMBINATIONS):
        self.rng = random.Random(seed)
        self.first_decides = first_decides
        self.listeners = []
        self.families = []
        self.kept = {}          # meetings: they are asked for again and again
        # so that each value comes equally often, whatever the seed
        self.decks = {name: [] for name in VALUES}
        for _ in range(FAMILIES):
            self._family()
        self.combinations = self._choose(wanted)

    # Listeners.

    def _draw(self, name):
        deck = self.decks[name]
        if not deck:
            deck += VALUES[name]
            self.rng.shuffle(deck)
        return deck.pop()

    def _other(self, name, value):
        """A value that it has not."""
        return self.rng.choice([one for one in VALUES[name] if one != value])

    def _family(self):
        server = servers.Server(**{name: self._draw(name)
                                   for name in OF_SERVER})
        base = self._listener(server, **{name: self._draw(name)
                                         for name in OF_LISTENER})
        found = [base]
        for name in OF_LISTENER:
            value = getattr(base, name)
            for other in dict.fromkeys(self._other(name, value)
                                       for _ in range(2)):
                if name == 'kind' and conf.HTTP in (value, other):
                    # with the names that are a matter of http alone
                    found.append(self._listener(
                        server, **{one: getattr(base, one)
                                   for one in OF_LISTENER[1:]}, kind=other))
                else:
                    found.append(replace(base, **{name: other}))
        for name in OF_SERVER:
            for _ in range(2 if name in ('certificates', 'crl') else 1):
                found.append(base.change(None, **{
                    name: self._other(name, getattr(server, name))}))
            if base.kind == conf.HTTP:
                # of all servers but the default one, which must synchronise
                which, old = self.rng.choice(base.servers[1:])
                found.append(base.change(which, **{
                    name: self._other(name, getattr(old, name))}))
        if base.kind == conf.HTTP:
            which, old = base.servers[0]
            found.append(base.change(which, certificates=self._other(
                'certificates', old.certificates)))
        numbers = []
        for listener in found:
            if listener.possible():
                numbers.append(len(self.listeners))
                self.listeners.append(listener)
        self.families.append(numbers)

    def _listener(self, server, **values):
        if values['kind'] != conf.HTTP:
            return servers.Listener(
                **values, servers=((servers.DEFAULT, server),))
        # one of them differs from the others in something
        name = self.rng.choice(OF_SERVER)
        odd = replace(server, **{name: self._other(name,
                                                   getattr(server, name))})
        if server.sync == 'off':
            odd = replace(odd, sync='off')
        draw = self.rng.choice
        return servers.Listener(**values, servers=(
            (servers.DEFAULT, server),
            ('a.example', replace(server, certificates=draw(
                ('a', 'ab', 'all', 'common', 'a and b')))),
            ('b.example', replace(odd, certificates=draw(
                ('b', 'ab', 'all', 'a and b')))),
            (servers.WILD, replace(server, certificates=draw(
                ('wild', 'all', 'b'))))))

    # Combinations.

    def meeting(self, visit, cipher, version=None):
        """None if client and server have no version in common."""
        listener = self.listeners[visit.listener]
        common = [one for one in servers.PROTOCOLS[listener.protocols]
                  if visit.versions[0] <= one <= visit.versions[1]]
        version = version or max(common, default=None)
        # hellos that were not asked for are not sent
        hellos = visit.hellos if self.retries(visit, version) \
            else visit.hellos[:1]
        selected, decided, left = listener.select(
            [None if name == NONE else name for name in hellos],
            self.first_decides)
        name = hellos[-1]
        return Meeting(listener.kind, selected, decided or selected, left,
                       listener.by_name[selected],
                       None if name == NONE else name.lower(), hellos,
                       version, cipher, visit.host == LATE)

    def retries(self, visit, version):
        return (version == '13' and self.listeners[visit.listener].curve
                and visit.groups == GROUPS[0])

    def meetings(self, one):
        found = self.kept.get(one)
        if not found:
            found = self.kept[one] = (self.meeting(one.made, one.cipher),
                                      self.meeting(one.offered, one.cipher))
        return found

    def occasion(self, one):
        """Where it is the same, a full handshake says the same."""
        _, now = self.meetings(one)
        return (now.late, one.offered.listener, now.selected, now.version,
                one.client)

    def reasons(self, one):
        return tuple(oracle.refusals(*self.meetings(one),
                                     CLIENTS[one.client]))

    def _name(self):
        return self.rng.choices(NAMES, WEIGHTS)[0]

    def _hellos(self, listener, name):
        """The name decides that comes last."""
        if not listener.curve or self.rng.random() < 0.5:
            return name, name
        return self._name(), name

    def _candidates(self):
        """A session, and several places to offer it."""
        rng = self.rng
        family = rng.choice(self.families)
        number = rng.choice(family)
        listener = self.listeners[number]
        version = rng.choice(servers.PROTOCOLS[listener.protocols])
        form = 'ticket' if listener.tickets else 'id'
        if version == '12' and rng.random() < 0.4:
            form = 'id'
        name = self._name()
        made = Visit(rng.choice(HOSTS), number, self._hellos(listener, name),
                     (version, version), rng.choice(GROUPS))
        cipher = NONE if version == '13' \
            else rng.choice(self.meeting(made, NONE).server.ciphers)
        client = rng.choice(tuple(CLIENTS.values()))
        for _ in range(OFFERS):
            offered = self._offered(family, made, name, client, cipher)
            accepted = self.listeners[offered.listener].tickets
            if form == 'ticket' and not accepted \
                    or version == '13' and form == 'id' and accepted:
                continue
            # a session from the future is no matter of this test
            host = LATE if offered.host == LATE and rng.random() < 0.2 \
                else made.host
            yield Combination(replace(made, host=host), offered, client.name,
                              form, cipher)

    def _offered(self, family, made, name, client, cipher):
        rng = self.rng
        chance = rng.random()
        if chance < 0.25:
            number = made.listener
        elif chance < 0.5:
            number = rng.choice(self._special(family, made.listener, client,
                                              cipher) or family)
        elif chance < 0.97:
            number = rng.choice(family)
        else:
            number = rng.randrange(len(self.listeners))
        again = name if rng.random() < 0.75 else self._name()
        host = LATE if rng.random() < (0.5 if client.short else 0.1) \
            else rng.choice(HOSTS)
        lowest = made.versions[0]
        highest = '13' if rng.random() < 0.3 else lowest
        return Visit(host, number,
                     self._hellos(self.listeners[number], again),
                     (lowest, highest), rng.choice(GROUPS))

    def _special(self, family, first, client, cipher):
        """Listeners for what would come too seldom."""
        found = []
        for number in family:
            listener = self.listeners[number]
            _, server = listener.servers[0]
            if client.chain & server.revoked \
                    or cipher not in (NONE, *server.ciphers) \
                    or listener.kind != self.listeners[first].kind:
                found.append(number)
        return found

    def _fit(self, one):
        """Not what is outside of the rules."""
        made, now = self.meetings(one)
        client = CLIENTS[one.client]
        if client.root is None:
            # nginx forgets a session by ID of whom it turns away at once
            return not (one.form == 'id' and made.server.verify == 'on')
        # A certificate may be unknown, or revoked; of both OpenSSL tells the
        # last mistake that it came across.
        return not any(
            client.root not in meeting.server.authorities
            and (client.chain & meeting.server.revoked
                 or meeting.server.crl and len(client.chain) > 1)
            for meeting in (made, now))

    def _choose(self, wanted):
        seen = set()
        classes = {share: collections.defaultdict(
            lambda: collections.defaultdict(list)) for share in SHARES}
        while len(seen) < wanted * CANDIDATES:
            for one in self._candidates():
                if one in seen or not self._fit(one):
                    continue
                seen.add(one)
                reasons = self.reasons(one)
                share = ('yes', 'one', 'several')[min(len(reasons), 2)]
                key = reasons if share == 'one' else ()
                classes[share][key][self._sort(one)].append(one)

        taken = []
        for share, part in SHARES.items():
            # evenly: over the rules, and of each over all sorts
            pools = [evenly(list(sorts.values()))
                     for _, sorts in sorted(classes[share].items())]
            taken += take(evenly(pools), int(wanted * part))
        if len(taken) < wanted:
            rest = evenly([[one for found in sorts.values() for one in found]
                           for sorts in classes['several'].values()])
            taken += take((one for one in rest if one not in set(taken)),
                          wanted - len(taken))
        return sorted(taken, key=repr)

    def _sort(self, one):
        first, second = (self.listeners[visit.listener].kind
                         for visit in (one.made, one.offered))
        return (first, second, one.version, one.form, one.client == 'none',
                one.made.host == one.offered.host,
                len(set(one.offered.hellos)))


def evenly(lists):
    """One of each in turn, until all are empty."""
    iterators = [iter(one) for one in lists]
    while iterators:
        for one in list(iterators):
            try:
                yield next(one)
            except StopIteration:
                iterators.remove(one)


def take(iterable, count):
    return [one for one, _ in zip(iterable, range(count))]
