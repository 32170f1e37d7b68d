"""However often a session is renewed, it ends with ssl_session_timeout.

Clocks of hosts are moved by hours, so that the speed of the test does not
matter.
"""

import pytest

from harness import cluster as clusters
from harness import conf, process, trust

HOUR = 3600
TIMEOUT = 5
KINDS = {conf.HTTP: 9001, conf.STREAM: 9002}


pytestmark = pytest.mark.usefixtures('apart')


def start(make, timeouts=(TIMEOUT, TIMEOUT), **parameters):
    """Two hosts with timeouts of so many hours."""
    cluster = make(hosts=2, memcached_servers=1, start=False, workers=1,
                   **parameters)
    for host, timeout in zip(cluster.hosts, timeouts):
        host.config.session_timeout = '%dh' % timeout
        host.config.servers = trust.in_pairs([
            conf.Server(kind, port=port) for kind, port in KINDS.items()])
        host.shift_clock('+0')
    cluster.start()
    cluster.wait_agreed()
    cluster.hours = 0
    return cluster


def forward(cluster, hours, rotated):
    """Moves the clocks to so many hours after the start, with or without a new
    key.
    """
    keys = [clusters.current_key(host) for host in cluster.hosts]
    for host in cluster.hosts:
        host.shift_clock('+%dh' % hours)
    if rotated:
        for host, key in zip(cluster.hosts, keys):
            process.wait_until(
                lambda host=host, key=key:
                clusters.current_key(host) not in (None, key), 'a rotation')
    cluster.wait_agreed()


class Visitor:
    """A client that comes back with the session that it was given last."""

    def __init__(self, way, kind):
        self.way = way
        self.where = {'kind': kind, 'port': KINDS[kind], 'name': 'a.example'}
        self.taker = trust.client(way)
        self.session = None

    def begin(self, host):
        self.session = trust.made(self.way, self.taker, host,
                                  self.where).session

    def come(self, host):
        """Whether it resumed; waits until the new session is in memcached."""
        stored = host.group()['sessions']['stored']
        result = trust.offered(self.way, self.taker, host, self.session,
                               self.where)
        if result.reused and self.way == ('TLSv1.3', trust.ID):
            process.wait_until(
                lambda: host.group()['sessions']['stored'] > stored,
                'a store')
        self.session = result.session or self.session
        return result.reused

    def __repr__(self):
        return '%s, %s' % ('-'.join(self.way), self.where['kind'])


def visitors():
    return [Visitor(way, kind) for way in trust.WAYS for kind in KINDS]


@pytest.mark.parametrize('cache', ['none', trust.CACHE])
@pytest.mark.parametrize('rotation', ['7d', '1h'])
def test_renewed(make_cluster, rotation, cache):
    """With the same key, and with a new key at each renewal."""
    cluster = start(make_cluster, rotation=rotation, session_cache=cache)
    first, second = cluster.hosts
    there = visitors()
    for one in there:
        one.begin(first)

    wrong = []
    for hours, host in (2, second), (4, first):
        forward(cluster, hours, rotation == '1h')
        wrong += ['%r: not resumed after %d hours' % (one, hours)
                  for one in there if not one.come(host)]
    forward(cluster, 6, rotation == '1h')
    wrong += ['%r: resumed after 6 hours' % one
              for one in there if one.come(second)]
    assert not wrong, '\n'.join(wrong)


def test_lifetime_of_a_ticket(make_cluster):
    """A TLS 1.3 client is told how much time is left."""
    cluster = start(make_cluster, rotation='7d')
    first, second = cluster.hosts
    there = [one for one in visitors() if one.way[0] == 'TLSv1.3']
    for one in there:
        one.begin(first)
        assert one.session.seconds == TIMEOUT * HOUR

    wrong = []
    for hours, host in (2, second), (4, first):
        forward(cluster, hours, False)
        for one in there:
            assert one.come(host)
            if not 0 < one.session.seconds <= (TIMEOUT - hours) * HOUR:
                wrong.append('%r: %d s after %d hours'
                             % (one, one.session.seconds, hours))
    assert not wrong, '\n'.join(wrong)


def test_shorter_elsewhere(make_cluster):
    """The timeout of the server where the session is offered counts as well.
    """
    cluster = start(make_cluster, (TIMEOUT, 1), rotation='7d')
    first, second = cluster.hosts
    lasting, late, early = visitors(), visitors(), visitors()
    for one in lasting + late + early:
        one.begin(first)
    assert all(one.come(second) for one in early)
    forward(cluster, 2, False)
    wrong = ['%r: resumed' % one for one in late if one.come(second)]
    wrong += ['%r: not resumed' % one for one in lasting
              if not one.come(first)]
    assert not wrong, '\n'.join(wrong)
