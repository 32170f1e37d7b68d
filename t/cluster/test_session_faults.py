"""Sessions by ID while memcached fails in every possible way.

A fault costs resumptions.  No handshake fails, none waits for long, and soon
none waits at all; afterwards sessions resume again without any action.
"""

import random

import pytest

from harness import (callers, clients, conf, process, proxy, record,
                     sessions)

LOOKUP_TIMEOUT = 0.4
PATIENT = 20


def of_both():
    return [sessions.Chain(version) for version in clients.VERSIONS]


def prepare(cluster, lookup_timeout=LOOKUP_TIMEOUT):
    for host in cluster.hosts:
        host.config.workers = 1
        host.config.servers = [conf.Server()]
        host.config.groups[0].lookup_timeout = '%dms' % (lookup_timeout
                                                         * 1000)
    sessions.without_tickets(cluster.hosts)


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    """One memcached server with a megabyte of memory."""
    cluster = make_module_cluster(forward_secrecy='off',
                                  hosts=2, memcached_servers=1, rotation='7d',
                                  start=False)
    cluster.memcached[0].memory = ['-m', '1', '-I', '512k']
    cluster.memcached[0].restart()
    prepare(cluster)
    cluster.start()
    cluster.wait_agreed()
    return cluster


@pytest.fixture(scope='module')
def between(lab, make_module_cluster):
    """The second host reaches memcached through a proxy.

    So does the third, which has a longer lookup_timeout.
    """
    cluster = make_module_cluster(forward_secrecy='off',
                                  hosts=3, memcached_servers=1, rotation='7d',
                                  start=False)
    prepare(cluster)
    cluster.hosts[2].config.groups[0].lookup_timeout = '%ds' % PATIENT
    with proxy.Proxy(cluster.memcached[0], lab.network.address) as way:
        for host in cluster.hosts[1:]:
            host.config.groups[0].memcached = [way.server]
        cluster.start()
        cluster.wait_agreed()
        cluster.way = way
        yield cluster
        for host in cluster.hosts:
            host.stop()


def engines(host):
    """What the engine of the only worker has reported at its last tick."""
    group = host.group()
    return {**group['sessions'], **group['engines']}


def drill(cluster, fail, heal):
    """A fault during which a host gets nothing from memcached.

    Handshakes that are held until memcached answers must not be held until the
    client gives up.
    """
    first, second = cluster.hosts[:2]
    chains = of_both()
    for chain in chains:
        chain.remote(first, second)
        chain.full(first)

    fail()
    before = until_open(second, chains)
    while_open(second, chains, before)
    heal()

    for chain in chains:
        chain.remote(first, second)
    process.wait_until(lambda: closed(engines(second)),
                       'the breaker to close')


def closed(shown):
    return shown['breakers_open'] == 0 and shown['waiting'] == 0


def until_open(host, chains):
    def opened():
        for chain in chains:
            assert not chain.offer(host).reused
        shown = engines(host)
        return shown if shown['breakers_open'] else None

    return process.wait_until(opened, 'the breaker to open')


def while_open(host, chains, before):
    """While the breaker is open no handshake is held, and the engine is not
    asked.
    """
    for _ in range(5):
        for chain in chains:
            assert not chain.offer(host).reused
    # stores are reported with the same tick as lookups: one for each handshake
    # in TLS 1.2 and two in TLS 1.3
    process.wait_until(
        lambda: engines(host)['dropped'] >= before['dropped'] + 15,
        'dropped stores')
    after = engines(host)
    assert after['lookups'] == before['lookups']
    assert after['timeouts'] == before['timeouts']
    assert after['waiting'] == 0
    assert after['breakers_open'] == 1


def test_frozen(cluster):
    server = cluster.memcached[0]
    drill(cluster, server.freeze, server.thaw)


def test_killed(cluster):
    server = cluster.memcached[0]
    drill(cluster, server.kill, server.start)


def test_cut_off(cluster, needs_cuts):
    server = cluster.memcached[0]
    drill(cluster,
          lambda: server.site.cut_from([cluster.hosts[1].address]),
          server.site.heal)


def test_one_of_two_frozen(make_cluster):
    """One of two servers is frozen: the other one gets all sessions until it
    is back.
    """
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, memcached_servers=2, rotation='7d',
                           start=False)
    prepare(cluster, 2 * LOOKUP_TIMEOUT)
    cluster.start()
    cluster.wait_agreed()
    chains = of_both()
    for chain in chains:
        chain.remote(*cluster.hosts)
    victim, survivor = cluster.memcached
    victim.freeze()
    in_a_row(chains, cluster.hosts)
    assert not any(engines(host)['breakers_open'] for host in cluster.hosts)
    victim.thaw()
    in_a_row(chains, cluster.hosts)
    survivor.freeze()
    in_a_row(chains, cluster.hosts)


def in_a_row(chains, hosts, count=10):
    """Waits until so many sessions in a row resume."""
    row = []

    def resumed():
        for chain in chains:
            chain.full(hosts[0])
            row.append(chain.offer(hosts[1]).fields['sync'] == 'id-remote')
        return len(row) >= count and all(row[-count:])

    # a host that only stores gets no answers, and sends a probe after a second
    process.wait_until(resumed, 'sessions that are not lost')


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_held_for_lookup_timeout(make_cluster, version):
    """A handshake is held for lookup_timeout, by the clock of the host, which
    the test controls.
    """
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, memcached_servers=1, rotation='7d',
                           start=False)
    prepare(cluster, 1000)
    first, second = cluster.hosts
    second.config.servers[0].extra += 'client_header_timeout 1h;'
    second.shift_clock('+0', timers=True)
    cluster.start()
    cluster.wait_agreed()
    sessions.Chain(version).remote(first, second)
    client = clients.Client(version)
    client.context.options |= clients.ssl.OP_NO_TICKET
    session = client.full(first).session
    before = engines(second)

    cluster.memcached[0].freeze()
    caller = callers.Caller(client, second, session)
    process.wait_until(lambda: engines(second)['waiting'] == 1,
                       'a handshake held')
    second.shift_clock('+900', timers=True)
    wait_ticks(second)
    assert engines(second)['waiting'] == 1
    assert caller.quiet()
    assert engines(second)['timeouts'] == before['timeouts']

    second.shift_clock('+1100', timers=True)
    result = caller.finish()

    assert result.error is None and not result.reused
    assert engines(second)['timeouts'] == before['timeouts'] + 1
    process.wait_until(lambda: engines(second)['waiting'] == 0, 'the end')


def wait_ticks(host):
    """Waits until every timer that is due has fired."""
    def polls():
        return host.group()['servers'][0]['polls']

    before = polls()
    process.wait_until(lambda: polls() >= before + 2, 'two polls')


def test_restarted(cluster):
    """memcached is restarted: it is empty, and the engines' connections are
    closed.
    """
    first, second = cluster.hosts
    chains = of_both()
    for chain in chains:
        chain.remote(first, second)
        chain.full(first)
    cluster.memcached[0].restart()
    for chain in chains:
        assert not chain.offer(second).reused
        chain.remote(first, second)


def test_slow_by_10_ms(between):
    slow(between, 0.01)


def test_slow_by_100_ms(between):
    slow(between, 0.1)


def slow(cluster, seconds):
    """A delay far below lookup_timeout: handshakes wait for the answer."""
    first, _, patient = cluster.hosts
    cluster.way.delay = seconds
    try:
        for version in clients.VERSIONS:
            chain = sessions.Chain(version)
            for _ in range(3):
                chain.remote(first, patient)
    finally:
        cluster.way.delay = 0.0


def test_slow_by_1000_ms(between):
    def delay(seconds):
        between.way.delay = seconds

    drill(between, lambda: delay(1.0), lambda: delay(0.0))


def test_silent(between):
    drill(between, between.way.hold, between.way.release)


# Lies: answers that the client gets instead of those of the server.

def value(name, data, length=None):
    return b'VALUE %s 0 %d\r\n%s\r\n' % (
        name, len(data) if length is None else length, data)


def random_bytes(words):
    return random.Random(len(words[1])).randbytes(200)


def binary_zeros(words):
    return bytes(64)


def wrong_key(words):
    return value(b'sss1:' + b'0' * 40, b'x' * 300) + b'END\r\n'


def length_too_small(words):
    return value(words[1], b'x' * 300, 100) + b'END\r\n'


def length_too_large(words):
    return value(words[1], b'x' * 300, 400) + b'END\r\n'


def length_immense(words):
    return value(words[1], b'x' * 300, 2 ** 64 + 300) + b'END\r\n'


def negative_length(words):
    return value(words[1], b'', -1) + b'END\r\n'


def endless_line(words):
    return b'VALUE ' + b'x' * 100000


def version(words):
    return b'VERSION\r\n'


def error(words):
    return b'ERROR\r\n'


def server_error(words):
    return b'SERVER_ERROR out of memory\r\n'


def half_an_answer(words):
    return (value(words[1], b'x' * 300) + b'END\r\n')[:150]


def twice(words):
    return (value(words[1], b'x' * 300) * 2) + b'END\r\n'


def stored(words):
    return b'STORED\r\n'


def nothing(words):
    return b''


def hang_up(words):
    raise proxy.HangUp()


LIES = [random_bytes, binary_zeros, wrong_key, length_too_small,
        length_too_large, length_immense, negative_length, endless_line,
        version, error, server_error, half_an_answer, twice, stored, nothing,
        hang_up]


def test_lies_about_sessions(between):
    """The server works, but lies about sessions."""
    first, second = between.hosts[:2]
    chains = of_both()
    for chain in chains:
        chain.full(first)
    try:
        for lie in LIES:
            told = []
            chains.reverse()

            def tell(words, lie=lie, told=told):
                if not proxy.is_lookup(words):
                    return None
                told.append(words)
                return lie(words)

            between.way.lie = tell

            # the breaker opens in between, and closes after a probe
            def enough(told=told):
                for chain in chains:
                    assert not chain.offer(second).reused
                return told

            process.wait_until(enough, 'lies: ' + lie.__name__)
    finally:
        between.way.lie = None
    for chain in chains:
        chain.remote(first, second)


@pytest.mark.parametrize('lie', [random_bytes, error, hang_up],
                         ids=lambda lie: lie.__name__)
def test_lies_about_everything(between, lie):
    def tell(lie):
        between.way.lie = lie

    drill(between, lambda: tell(lambda words:
                                lie(words) if words[0] == b'get' else b''),
          lambda: tell(None))


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_value_of_another_session(cluster, version):
    """A value that this cluster has sealed for this name and scope, but for
    another ID.
    """
    first, second = cluster.hosts
    server = cluster.memcached[0]
    chain = sessions.Chain(version)
    chain.remote(first, second)
    other = chain.full(first)
    session = chain.full(first)
    place = where(cluster, session)
    process.wait_until(lambda: server.get(place), 'the session')
    server.set(place, process.wait_until(
        lambda: server.get(where(cluster, other)), 'the other session'))
    before = engines(second)

    assert not chain.offer(second).reused

    process.wait_until(lambda: engines(second)['bad_records']
                       == before['bad_records'] + 1, 'the bad record')
    after = engines(second)
    assert after['failures'] == before['failures']
    assert not after['breakers_open']


def where(cluster, session):
    return record.session_of(cluster.memcached[0], cluster.secret,
                             session.identity)


def test_full_and_evicting(cluster):
    """A session for which memcached had no room costs a full handshake."""
    first, second = cluster.hosts
    server = cluster.memcached[0]
    born = []
    for chain in of_both():
        chain.remote(first, second)
        born += [(chain.client, chain.full(first)) for _ in range(5)]
    places = [where(cluster, session) for _, session in born]
    sizes = {len(process.wait_until(lambda place=place: server.get(place),
                                    'a session')) for place in places}

    with server.connect() as c:
        for number in range(6000):
            for size in sizes:
                c.set('full:%040d' % number, bytes(size))
        assert c.statistic('evictions') > 0
        kept = [c.get(place) is not None for place in places]
    assert not all(kept)

    for (client, session), there in zip(born, kept):
        result = client.connect(second, session=session)
        assert result.error is None and result.reused == there
    for chain in of_both():
        chain.remote(first, second)
    assert not engines(second)['breakers_open']


def test_used_once_whatever_fails(lab, make_cluster):
    """TLS 1.3: a host that cannot ask memcached does not use a copy of its
    own.
    """
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, memcached_servers=1, rotation='7d',
                           start=False, session_cache='shared:sessions:1m')
    prepare(cluster)
    with proxy.Proxy(cluster.memcached[0], lab.network.address) as way:
        first, second = cluster.hosts
        second.config.groups[0].memcached = [way.server]
        cluster.start()
        cluster.wait_agreed()
        chain = sessions.Chain('TLSv1.3')
        chain.remote(second, first)
        session = chain.full(second)
        place = where(cluster, session)
        process.wait_until(lambda: cluster.memcached[0].get(place),
                           'the session')
        way.hold()
        assert chain.client.connect(first, session=session).reused
        for _ in range(20):
            result = chain.client.connect(second, session=session)
            assert result.error is None and not result.reused
        way.release()
        for host in cluster.hosts:
            host.stop()
