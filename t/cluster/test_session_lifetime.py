"""How long a session by ID can be resumed."""

import pytest

from harness import clients, process, record, sessions


def place(cluster, session):
    return record.session_of(cluster.memcached[0], cluster.secret,
                             session.identity)


def start(make, **parameters):
    cluster = make(hosts=2, memcached_servers=1, start=False,
                   forward_secrecy='off', **parameters)
    sessions.without_tickets(cluster.hosts)
    cluster.start()
    cluster.wait_agreed()
    for version in clients.VERSIONS:
        sessions.Chain(version).remote(*cluster.hosts)
    return cluster


@pytest.mark.parametrize('cache', ['none', 'shared:sessions:1m'])
def test_expires(make_cluster, cache):
    """A session expires with ssl_session_timeout, and memcached drops it."""
    cluster = start(make_cluster, rotation='7d', session_timeout='2s',
                    session_cache=cache)
    server = cluster.memcached[0]
    kept = []
    for version in clients.VERSIONS:
        client = sessions.Client(version)
        session, where, seconds = process.wait_until(
            lambda client=client: held(cluster, client), 'a session')
        assert 0 <= seconds <= 2
        kept.append((client, session, where))
    for client, session, where in kept:
        process.wait_until(lambda where=where: server.get(where) is None,
                           'memcached to forget')
        for host in cluster.hosts:
            # memcached's seconds do not begin at the same moment as nginx's
            process.wait_until(lambda client=client, session=session,
                               host=host: refused(client, host, session),
                               'the session to expire on ' + host.name)
    # nothing but the ring and the presence record is left
    process.wait_until(lambda: left(cluster) == set(), 'an empty memcached')


def held(cluster, client):
    """A session in memcached, where it is, and its remaining seconds.

    None, if it has expired before that could be read.
    """
    session = client.full(cluster.hosts[0]).session
    where = place(cluster, session)

    def lifetime():
        with cluster.memcached[0].connect() as c:
            try:
                return session, where, c.lifetime(where)
            except ConnectionError:
                return None

    try:
        return process.wait_until(lifetime, 'the session', timeout=2)
    except AssertionError:
        return None


def refused(client, host, session):
    result = client.connect(host, session=session)
    assert result.error is None
    return not result.reused


def left(cluster):
    return set(cluster.memcached[0].items()) - {
        record.ring_name(cluster.secret, 'main'),
        record.presence_name('main')}


def test_born_before_a_rotation(make_cluster):
    cluster = start(make_cluster, rotation='2s')
    first, second = cluster.hosts
    born = {version: [] for version in clients.VERSIONS}
    for _ in range(2):
        for version, kept in born.items():
            client = sessions.Client(version)
            kept.append((client, client.full(first).session))
        cluster.wait_rotations(1)
    for version, kept in born.items():
        identities = {session.identity[:4] for _, session in kept}
        assert len(identities) == 2
        for client, session in kept:
            result = client.connect(second, session=session)
            assert result.error is None and result.reused, version
