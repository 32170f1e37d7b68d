"""Early data: is it accepted exactly where its session may resume?

Every server gives a ticket to a client, who sends a flight of early data with
it to every other one, on another host, and the same again to both hosts. An
upstream counts what was carried out.
"""

import itertools
from dataclasses import dataclass

from harness import cluster as clusters, conf, early

PORT = 9500
HOSTS = 2


@dataclass(frozen=True)
class Place:
    """A server: a name of a listener."""

    name: str
    scope: str
    verify: str
    rule: str

    @property
    def port(self):
        listeners = list(itertools.product(*KINDS[1:]))
        return PORT + listeners.index((self.scope, self.verify, self.rule))

    def may(self, other):
        """Whether a session of this one may resume at the other."""
        return ((self.name, self.scope, self.verify)
                == (other.name, other.scope, other.verify))


KINDS = (('a.example', 'b.example'), (None, 'another'), (None, 'optional'),
         ('once', 'off', 'any'))
PLACES = [Place(*kind) for kind in itertools.product(*KINDS)]


def servers(upstream):
    return [conf.Server(name=place.name, port=place.port, scope=place.scope,
                        verify=place.verify,
                        tell='early=$ssl_session_sync_early_data',
                        extra=early.extra(upstream, place.rule))
            for place in PLACES]


class Flights:

    def __init__(self, lab):
        self.lab = lab
        self.client = early.Client()
        self.wrong = []
        self.accepted = 0
        self.count = 0

    def run(self):
        """Returns how many flights were as they should be; see "wrong"."""
        with early.Upstream(self.lab.network.address) as self.upstream:
            with clusters.Cluster(self.lab, hosts=HOSTS, memcached_servers=2,
                                  start=False, workers=1, rotation='7d',
                                  lookup_timeout='10s') as cluster:
                for host in cluster.hosts:
                    host.config.servers = servers(self.upstream)
                cluster.start()
                cluster.wait_agreed()
                self._ready(cluster)
                for made, offered in itertools.product(PLACES, PLACES):
                    self._pair(cluster, made, offered)
        return self.count - len(self.wrong)

    def _ready(self, cluster):
        for host in cluster.hosts:
            early.wait_ready(self.client, [host], PORT)

    def _pair(self, cluster, made, offered):
        first, second = cluster.hosts
        wanted = made.may(offered) and offered.rule != 'off'
        for attempt in range(early.TRIES if wanted else 1):
            path = '/up/%d/%d' % (self.count, attempt)
            born = self.client.full(first, name=made.name, port=made.port)
            flight = self.client.flight(born.session, path, offered.name)
            for host in second, second, first:
                early.send(host, flight, offered.port)
            done = self.upstream.count(path)
            # what should be accepted may be refused by a slow machine
            if done or not wanted:
                break
        self.count += 1
        self.accepted += done > 0
        most = 3 if offered.rule == 'any' else 1
        if (done > 0) != wanted or done > most:
            self.wrong.append('%s at %s: carried out %d times'
                              % (made, offered, done))
