"""Whether a session of one server resumes at another one, by every way.

A way is a version of TLS with tickets or with IDs.  Servers come in pairs: the
one at a port issues tickets, the one at WITHOUT more uses IDs.
"""

import dataclasses

from . import conf, process, sessions

TICKET, ID = 'ticket', 'id'
VERSIONS = ('TLSv1.2', 'TLSv1.3')
WAYS = [(version, how) for version in VERSIONS for how in (TICKET, ID)]
WITHOUT = 1000
CACHE = 'shared:sessions:1m'


def in_pairs(servers):
    """Each server, and beside it the same one without tickets."""
    return servers + [
        dataclasses.replace(server, port=server.port + WITHOUT,
                            extra=server.extra + ' ssl_session_tickets off;')
        for server in servers]


def client(way, **parameters):
    version, how = way
    return sessions.Client(version, tickets=how == TICKET, **parameters)


def at(way, where):
    """The port of the server for this way."""
    if way[1] == TICKET:
        return where
    kind = where.get('kind', conf.HTTP)
    return {**where, 'port': where.get('port', conf.PORT[kind]) + WITHOUT}


def made(way, taker, host, where, group='main', **options):
    """Makes a full handshake; waits until its session is in memcached, if it
    has an ID.
    """
    synced = host.config.synced and way[1] == ID

    def counts():
        shown = host.group(group)['sessions']
        return shown['stored'], shown['failures'] + shown['dropped']

    def attempt():
        stored, lost = counts() if synced else (0, 0)
        result = taker.full(host, **at(way, where), **options)
        if not synced:
            return result
        # OpenSSL gives a TLS 1.3 client two sessions
        stored += 2 if way[0] == 'TLSv1.3' else 1
        process.wait_until(lambda: counts()[0] >= stored
                           or counts()[1] > lost, 'a store')
        return result if counts()[0] >= stored else None

    return process.wait_until(attempt, 'a session in memcached')


def offered(way, taker, host, session, where, **options):
    """Offers a session at a server; the handshake must succeed."""
    result = taker.connect(host, session=session, **at(way, where), **options)
    assert result.error is None, result
    return result


def try_once(way, taker, first, where, second, there):
    """Offers a session of one server to the other; returns the second
    connection.
    """
    session = made(way, taker, first, where).session
    assert session is not None
    return offered(way, taker, second, session, there)


def must_resume(way, taker, first, where, second, there):
    """Tries until a session resumes; returns that connection."""
    if way[1] == TICKET:
        result = try_once(way, taker, first, where, second, there)
        assert result.reused, result
        return result

    def resumed():
        # a lookup without an answer in time leads to a full handshake
        result = try_once(way, taker, first, where, second, there)
        return result if result.reused else None

    return process.wait_until(resumed, 'a session by ID')


def must_not_resume(way, taker, first, where, second, there):
    """The session must not resume; returns the connection."""
    result = try_once(way, taker, first, where, second, there)
    assert not result.reused, result
    return result


def hosts_of(cluster):
    """The host that makes a session, and those where it is offered."""
    first, second = cluster.hosts[:2]
    return [(first, first), (first, second)]


def warm(cluster, servers):
    """Waits until sessions by ID of each of the two hosts resume on the other.
    """
    first, second = cluster.hosts[:2]
    for where in servers:
        for version in VERSIONS:
            way = version, ID
            taker = client(way)
            must_resume(way, taker, first, where, second, where)
            must_resume(way, taker, second, where, first, where)
