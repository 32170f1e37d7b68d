"""Servers and listeners, what nginx reads of them, and whom it selects."""

from dataclasses import dataclass, field, replace

import papers
from harness import conf

FIRST_PORT = 10000
CLUSTERS = ('main', 'second')

SUITES = {'128': 'ECDHE-ECDSA-AES128-GCM-SHA256',
          '256': 'ECDHE-ECDSA-AES256-GCM-SHA384'}
CIPHERS = {'both': ('128', '256'), '128': ('128',), '256': ('256',)}
PROTOCOLS = {'both': ('12', '13'), '12': ('12',), '13': ('13',)}

# of ssl_client_certificate and ssl_trusted_certificate; the order is nothing
AUTHORITIES = {'A': ('A', None), 'B': ('B', None), 'AB': ('AB', None),
               'A, B': ('A', 'B'), 'B, A': ('B', 'A')}

DEFAULT, WILD = 'default.example', '*.w.example'


@dataclass(frozen=True)
class Server:
    certificates: str = 'a'
    verify: str = 'off'
    issuers: str = 'A'
    depth: int = 1
    crl: str = None
    scope: str = 'auto'
    sync: str = 'main'
    suites: str = 'both'
    # as the oracle sees them, once and not for each question
    names: frozenset = field(init=False, compare=False, repr=False)
    authorities: frozenset = field(init=False, compare=False, repr=False)
    revoked: frozenset = field(init=False, compare=False, repr=False)
    ciphers: tuple = field(init=False, compare=False, repr=False)

    def __post_init__(self):
        def keep(name, value):
            object.__setattr__(self, name, value)

        keep('names', papers.names(self.certificates))
        keep('authorities', frozenset(''.join(
            filter(None, AUTHORITIES[self.issuers]))))
        keep('revoked', frozenset(papers.LISTS[self.crl] if self.crl else ()))
        keep('ciphers', CIPHERS[self.suites])


@dataclass(frozen=True)
class Listener:
    """A port with its servers by name, in http; else there is but one."""

    kind: str = conf.HTTP
    tickets: bool = True
    protocols: str = 'both'
    curve: str = None           # one that clients do not guess, or any
    servers: tuple = ((DEFAULT, Server()),)

    def __post_init__(self):
        object.__setattr__(self, 'by_name', dict(self.servers))

    def change(self, name, **values):
        """Another one: of one of its servers, or of all if there is no name.
        """
        return replace(self, servers=tuple(
            (one, replace(server, **values) if name in (None, one)
             else server) for one, server in self.servers))

    def possible(self):
        """nginx wants a default server that synchronises, or none that does.
        """
        syncs = [server.sync for _, server in self.servers]
        return syncs[0] != 'off' or set(syncs) == {'off'}

    def _find(self, name):
        name = name.lower()
        if name in self.by_name and not name.startswith('*'):
            return name
        if name.endswith(WILD[1:]) and WILD in self.by_name:
            return WILD
        return None

    def select(self, hellos, first_decides):
        """The server for these names of ClientHellos.

        Returns its name, that of the ClientHello that decided, None if none
        did, and whether a later one named another.  nginx stays where it is
        if a later name says nothing to it; since 1.29.2 the first one
        decides, whatever comes then.
        """
        selected, decided, left = self.servers[0][0], None, False
        for name in hellos[:1] if first_decides else hellos:
            found = name and self._find(name)
            left = left or bool(decided) and not found
            if found:
                selected, decided = found, name
        return selected, decided, left


def text(server, paper):
    """The directives of a server that have to do with sessions."""
    lines = ['ssl_verify_client %s;' % server.verify,
             'ssl_verify_depth %d;' % server.depth,
             'ssl_ciphers %s;' % ':'.join(
                 SUITES[one] for one in server.ciphers)]
    for name in papers.SETS[server.certificates]:
        lines += ['ssl_certificate %s;' % paper('server-%s.pem' % name),
                  'ssl_certificate_key %s;' % paper('server-%s.key' % name)]
    shown, trusted = AUTHORITIES[server.issuers]
    lines.append('ssl_client_certificate %s;' % paper('cas-%s.pem' % shown))
    if trusted:
        lines.append('ssl_trusted_certificate %s;'
                     % paper('cas-%s.pem' % trusted))
    if server.crl:
        lines.append('ssl_crl %s;' % paper('list-%s.pem' % server.crl))
    return lines


def configuration(listeners, paper):
    """Everything as the harness wants it, one listener a port."""
    found = []
    for number, listener in enumerate(listeners):
        common = ['ssl_session_tickets %s;'
                  % ('on' if listener.tickets else 'off'),
                  'ssl_protocols %s;' % ' '.join(
                      'TLSv1.' + one[1]
                      for one in PROTOCOLS[listener.protocols])]
        if listener.curve:
            common.append('ssl_ecdh_curve %s;' % listener.curve)
        for name, server in listener.servers:
            one = conf.Server(
                listener.kind, FIRST_PORT + number, name, sync=server.sync,
                scope=server.scope,
                extra='\n'.join(common + text(server, paper)),
                tell='verify=$ssl_client_verify')
            if listener.kind == conf.STREAM:
                one.serve = ('return "name=%s verify=$ssl_client_verify\\n";'
                             % name)
            found.append(one)
    return found
