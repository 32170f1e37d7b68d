"""A handshake makes at most one lookup, whatever a ClientHello offers."""

import ctypes

import pytest

from harness import conf, process, sessions, trust

PLAIN, RETRY = 9001, 9002
# the client's first ClientHello has no key share for this group
CURVE = 'ssl_ecdh_curve secp384r1;'
GROUPS = 'X25519:P-384:P-256'
WAYS = [(version, trust.ID) for version in trust.VERSIONS]
TLS13 = 'TLSv1.3', trust.ID


@pytest.fixture(scope='module', params=['none', trust.CACHE])
def cluster(request, make_module_cluster):
    cluster = make_module_cluster(hosts=2, memcached_servers=2, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=request.param)
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(port=PLAIN), conf.Server(port=RETRY, extra=CURVE)])
    cluster.start()
    cluster.wait_agreed()
    trust.warm(cluster, [{'port': PLAIN, 'name': 'a.example'}])
    return cluster


class Two(sessions.Client):
    """A client that offers a second session, which no TLS library does.

    OpenSSL puts a key of the application after the session.
    """

    def __init__(self, **parameters):
        super().__init__('TLSv1.3', **parameters)
        self.second = None
        self.asked = 0
        self.callback = sessions.SECOND(self._use)
        sessions.SSL_CTX_set_psk_use_session_callback(self.context,
                                                      self.callback)

    def _use(self, _ssl, _digest, identity, size, native):
        if self.second is None:
            native[0] = None
            return 1
        self.asked += 1
        native[0] = sessions.native_of(self.second)
        self.identity = ctypes.create_string_buffer(self.second.identity)
        identity[0] = ctypes.cast(self.identity, ctypes.c_void_p)
        size[0] = len(self.second.identity)
        return 1


def at(port):
    return {'port': port, 'name': 'a.example'}


def lookups(host):
    """Lookups so far: waits for the tick that reports those before it."""
    before = host.group()['sessions']['stored']
    barrier = trust.client(('TLSv1.2', trust.ID))

    def told():
        barrier.full(host, **trust.at(WAYS[0], at(PLAIN)))
        shown = host.group()['sessions']
        return shown if shown['stored'] > before else None

    return process.wait_until(told, 'a store')['lookups']


def offered(way, taker, host, session, port):
    """Whether a session resumed, and how many lookups that took."""
    before = lookups(host)
    result = trust.offered(way, taker, host, session, at(port))
    return result.reused, lookups(host) - before


def forged(session):
    """An ID that looks like the cluster's: the name of its key is right."""
    return session.under(session.identity[:14] + bytes(18))


@pytest.mark.parametrize('port', [PLAIN, RETRY])
@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_one(cluster, way, port):
    """One lookup, also if there are two ClientHellos."""
    first, second = cluster.hosts
    taker = trust.client(way, groups=GROUPS)

    def resumed():
        session = trust.made(way, taker, first, at(port)).session
        found = offered(way, taker, second, session, port)
        assert found[1] == 1
        return found[0]

    process.wait_until(resumed, 'a session by ID')


@pytest.mark.parametrize('port', [PLAIN, RETRY])
@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_none(cluster, way, port):
    """None for a full handshake, nor for an ID that the cluster has not made.
    """
    first, second = cluster.hosts
    taker = trust.client(way, groups=GROUPS)
    before = lookups(second)
    session = trust.made(way, taker, second, at(port)).session
    assert lookups(second) == before
    assert offered(way, taker, first, forged(session), port) == (False, 0)


@pytest.mark.parametrize('port', [PLAIN, RETRY])
def test_used_up(cluster, port):
    """A session that was used up is looked up once as well."""
    first, second = cluster.hosts
    taker = trust.client(TLS13, groups=GROUPS)

    def used():
        session = trust.made(TLS13, taker, first, at(port)).session
        if not offered(TLS13, taker, second, session, port)[0]:
            return None
        return session

    session = process.wait_until(used, 'a session by ID')
    for host in cluster.hosts:
        assert offered(TLS13, taker, host, session, port) == (False, 1)


@pytest.mark.parametrize('port', [PLAIN, RETRY])
@pytest.mark.parametrize('first_is', ['good', 'forged'])
def test_several(cluster, first_is, port):
    """Only the first of two sessions is looked up; the second one is not used
    up.
    """
    first, second = cluster.hosts
    taker = Two(groups=GROUPS)

    def resumed():
        one, two = (trust.made(TLS13, taker, first, at(port)).session
                    for _ in range(2))
        taker.second = two
        try:
            found = offered(TLS13, taker, second,
                            one if first_is == 'good' else forged(one), port)
        finally:
            taker.second = None
        if first_is == 'good':
            assert found[1] == 1
        else:
            assert found == (False, 0)
        return ((found[0] or first_is == 'forged')
                and offered(TLS13, taker, second, two, port) == (True, 1))

    process.wait_until(resumed, 'one session after the other')
    assert taker.asked
