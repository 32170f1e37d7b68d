"""Which inputs there are: each a hello, what is done to it, and where."""

import dataclasses
import random

import hello
import mutations as m
import sources
from harness import conf

OFF = 'ssl_session_tickets off; '
# of a longer ClientHello the module reads nothing, and finds no session by ID
HELD = 16384
SESSIONS_12 = ('tls12', 'ids', 'proxy', 'http2', 'verify', 'stream', 'mail',
               'retry', 'reject')
SESSIONS_13 = ('tls13', 'ids', 'proxy', 'http2', 'verify', 'stream', 'mail',
               'retry', 'reject')


def listeners():
    """name: servers of one port, the default server first."""
    kinds = {
        'tls12': [dict(extra=OFF + 'ssl_protocols TLSv1.2;')],
        'tls12-tickets': [dict(extra='ssl_protocols TLSv1.2;')],
        'tls13': [dict(extra=OFF + 'ssl_protocols TLSv1.3;')],
        'ids': [dict(extra=OFF), dict(name='b.example', extra=OFF)],
        'tickets': [dict(), dict(name='b.example')],
        'retry': [dict(extra=OFF + 'ssl_ecdh_curve secp384r1;')],
        'proxy': [dict(extra=OFF, listen='proxy_protocol')],
        'http2': [dict(extra=OFF, listen='http2')],
        'verify': [dict(extra=OFF, verify='optional')],
        'early': [dict(extra='ssl_early_data on;')],
        'reject': [dict(name='nobody', extra=OFF
                        + 'ssl_reject_handshake on;'),
                   dict(name='a.example', extra=OFF)],
        'stream': [dict(kind=conf.STREAM, extra=OFF)],
        'mail': [dict(kind=conf.MAIL, extra=OFF)],
    }
    return {name: [conf.Server(port=9001 + number, **one) for one in servers]
            for number, (name, servers) in enumerate(kinds.items())}


@dataclasses.dataclass
class Input:
    number: int
    mutation: object
    args: tuple
    listener: str
    source: str
    shuts: bool

    def ages(self):
        """Whether it is no more the same after some seconds."""
        return self.source.startswith('early13')

    def __str__(self):
        return 'input %d: %s%s of %s at %s, %s' % (
            self.number, self.mutation.__name__, self.args or '', self.source,
            self.listener, 'then shuts' if self.shuts else 'stays')


@dataclasses.dataclass
class Built:
    chunks: list
    session_id: bytes
    estranged: bool             # see differential.py
    unchanged: bool             # nothing was done to the hello


class Planner:
    """Plans the same inputs for the same seed."""

    def __init__(self, seed, examples, everything):
        self.rng = random.Random('plan/%s' % seed)
        self.examples = examples
        self.everything = everything    # listeners
        self.inputs = []
        self.turn = 0

    def add(self, mutation, listener, source, *args, shuts=None):
        self.turn += 1
        if shuts is None:
            shuts = bool(self.turn % 3)
        self.inputs.append(Input(len(self.inputs), mutation, args, listener,
                                 source, shuts))

    def any_listener(self):
        self.turn += 1
        return self.everything[self.turn % len(self.everything)]

    def session(self):
        """A hello with a session that the listener has kept."""
        if self.rng.random() < 0.5:
            return (self.rng.choice(SESSIONS_12), self.rng.choice(
                ['id12/python-id', 'id12/openssl-no-ticket', 'id12/curl-1.2',
                 'id12/gnutls-1.2']))
        return self.rng.choice(SESSIONS_13), 'psk13/python'

    def ticket(self):
        return self.rng.choice(list(TICKETS))

    def template(self):
        return self.any_listener(), self.rng.choice(
            list(self.examples))

    def anything(self):
        return self.rng.choice([self.session, self.ticket, self.template,
                                self.session])()

    def plan(self):
        self.as_they_are()
        self.arrivals()
        self.malformed()
        self.parts()
        self.strange()
        for mutation, share in m.ANY:
            for _ in range(65 * share):
                self.add(mutation, *self.anything())
        for mutation in (m.whole, m.behind, m.pieces, m.before, m.drip,
                         m.flips, m.fragments):
            for shuts in (True, False, True, False):
                self.add(mutation, 'early', 'early13/openssl', shuts=shuts)
        return self.inputs

    def as_they_are(self):
        for listener in self.everything:
            for source in self.examples:
                for shuts in (True, False):
                    self.add(m.whole, listener, source, shuts=shuts)
        for _ in range(300):
            self.add(m.whole, *self.session())
        for listener, source in TICKETS:
            for shuts in (True, False):
                self.add(m.whole, listener, source, shuts=shuts)
                self.add(m.behind, listener, source, shuts=shuts)
        for version, listened in ('12', SESSIONS_12), ('13', SESSIONS_13):
            for listener in listened:
                for what in ('hello', 'all'):
                    source = 'replay/%s-%s' % (version, what)
                    for mutation in (m.whole, m.pieces):
                        self.add(mutation, listener, source)

    def arrivals(self):
        """Every boundary; every length of what has come."""
        for listener, source in (('ids', 'id12/python-id'),
                                 ('ids', 'psk13/python'),
                                 ('tickets', 'ticket13/python'),
                                 ('tls12', 'openssl')):
            stream = self.known.get(source) or self.examples[source]
            for at in m.split_places(stream):
                self.add(m.split, listener, source, at)
        for listener, source in (('ids', 'stale/id12-python-id'),
                                 ('ids', 'stale/psk13-python'),
                                 ('tickets', 'openssl'),
                                 ('stream', 'gnutls')):
            stream = self.known.get(source) or self.examples[source]
            for at in range(1, len(stream)):
                self.add(m.truncate, listener, source, at)
                if 4 < at < len(stream) - 5:
                    self.add((m.truncate_message, m.truncate_body)[at % 2],
                             listener, source, at)
        for _ in range(60):
            self.add(m.drip, *self.anything())

    def malformed(self):
        for listener, source in (('ids', 'id12/python-id'),
                                 ('ids', 'psk13/python'),
                                 ('stream', 'psk13/python'),
                                 ('tickets', 'ticket13/python'),
                                 ('tls12-tickets', 'ticket12/python'),
                                 ('http2', 'curl-h2'), ('mail', 'gnutls')):
            stream = self.known.get(source) or self.examples[source]
            for place in m.length_places(stream):
                for to in m.LENGTHS:
                    self.add(m.length, listener, source, place, to)

    def parts(self):
        for listener, source in (('ids', 'id12/python-id'),
                                 ('ids', 'psk13/python'),
                                 ('tickets', 'ticket13/python'),
                                 ('proxy', 'openssl-p256')):
            stream = self.known.get(source) or self.examples[source]
            one = hello.Hello.parse(hello.first(stream)[0])
            for index in range(len(one.extensions)):
                for mutation in m.BY_EXTENSION:
                    for _ in range(2):
                        self.add(mutation, listener, source, index)
        for index in range(len(m.NAMES)):
            for _ in range(3):
                self.add(m.name, *self.session(), index)
                self.add(m.name, *self.template(), index)
                self.add(m.name, *self.ticket(), index)

    def strange(self):
        for _ in range(60):
            self.add(m.extensions_many, *self.anything())
            self.add(m.extension_large, *self.anything())
            self.add(m.announced, *self.template())
        for excess in (-70000, -2, -1, 0, 1):
            for _ in range(10):
                self.add(m.oversized, *self.anything(), excess)
        for _ in range(400):
            self.add(m.noise, *self.template())
            self.add(m.noise_inside, *self.template())
        for _ in range(250):
            self.add(m.sslv2, *self.anything())
        for listener in self.everything:
            for index in range(len(m.PLAIN)):
                self.add(m.plain, listener, 'openssl', index)
        for index in range(len(m.HEADERS)):
            for _ in range(6):
                self.add(m.proxy, 'proxy', self.rng.choice(
                    ['openssl', 'id12/python-id', 'psk13/python']), index)
            self.add(m.proxy, self.any_listener(), 'openssl', index)


TICKETS = tuple(
    [('tls12-tickets', 'ticket12/' + client)
     for client in ('python', 'gnutls', 'openssl')]
    + [(listener, source) for listener in ('tickets', 'early')
       for source in ('ticket12/python', 'ticket13/python',
                      'ticket13/openssl', 'ticket13/gnutls')])
STALE = (('ids', 'stale/id12-python-id'), ('ids', 'stale/psk13-python'))


def shapes(maker):
    """The shapes of the hellos that a host has kept: tickets differ."""
    return {key: hello.shape(maker.stream(*key)) for key in TICKETS + STALE}


def make(seed, maker, everything):
    """The inputs for both hosts, from the shapes of one's hellos."""
    planner = Planner(seed, maker.templates, list(everything))
    planner.known = {source: maker.stream(listener, source)
                     for listener, source in TICKETS + STALE}
    planner.known['id12/python-id'] = \
        planner.known['stale/id12-python-id']
    planner.known['psk13/python'] = planner.known['stale/psk13-python']
    return planner.plan()


def chunks(one, seed, maker, strange=False):
    """An input's bytes for one host, and the session ID in them.

    "strange": with a session that the host does not know.  Of early data,
    with a ticket that resumes and is too old for it: the module reads tickets
    where it leaves early data alone.
    """
    if strange and one.ages():
        stream = maker.stream(one.listener, 'late13/openssl')
    else:
        stream = maker.stream(one.listener, one.source)
        if strange:
            stream = sources.stranger(random.Random(one.number), stream)
    found = one.mutation(sources.generator(seed, one.number), stream,
                         *one.args)
    sent = b''.join(found)
    if 'proxy_protocol' in maker.listeners[one.listener].listen \
            and one.mutation is not m.proxy:
        found = [m.PROXY + found[0], *found[1:]]
    offered = hello.find(sent) or hello.find(stream)
    return Built(found, offered.session_id, one.source.startswith('replay/13')
                 or len(sent) > HELD
                 or hello.binding(sent) != hello.binding(stream),
                 sent == stream)
