"""Whether a session of one server resumes at another, by every way there is.

A way is how a session is known, in a version of TLS.  Servers come in pairs:
the one at a port gives tickets, the one at WITHOUT more knows IDs.
"""

import dataclasses

from . import conf, process, sessions

TICKET, ID = 'ticket', 'id'
VERSIONS = ('TLSv1.2', 'TLSv1.3')
WAYS = [(version, how) for version in VERSIONS for how in (TICKET, ID)]
WITHOUT = 1000
CACHE = 'shared:sessions:1m'


def in_pairs(servers):
    """Each server, and next to it the same without tickets."""
    return servers + [
        dataclasses.replace(server, port=server.port + WITHOUT,
                            extra=server.extra + ' ssl_session_tickets off;')
        for server in servers]


def client(way, **parameters):
    version, how = way
    return sessions.Client(version, tickets=how == TICKET, **parameters)


def at(way, where):
    """Where the server for this way is."""
    if way[1] == TICKET:
        return where
    kind = where.get('kind', conf.HTTP)
    return {**where, 'port': where.get('port', conf.PORT[kind]) + WITHOUT}


def made(way, taker, host, where, group='main', **options):
    """A full handshake; what it made is in memcached, if it has an ID."""
    synced = host.config.synced and way[1] == ID

    def counts():
        shown = host.group(group)['sessions']
        return shown['stored'], shown['failures'] + shown['dropped']

    def attempt():
        stored, lost = counts() if synced else (0, 0)
        result = taker.full(host, **at(way, where), **options)
        if not synced:
            return result
        # OpenSSL gives a client of TLS 1.3 two sessions
        stored += 2 if way[0] == 'TLSv1.3' else 1
        process.wait_until(lambda: counts()[0] >= stored
                           or counts()[1] > lost, 'a store')
        return result if counts()[0] >= stored else None

    return process.wait_until(attempt, 'a session in memcached')


def offered(way, taker, host, session, where, **options):
    """The session at a server: a handshake that must succeed."""
    result = taker.connect(host, session=session, **at(way, where), **options)
    assert result.error is None, result
    return result


def try_once(way, taker, first, where, second, there):
    """From one server to the other; the second connection."""
    session = made(way, taker, first, where).session
    assert session is not None
    return offered(way, taker, second, session, there)


def must_resume(way, taker, first, where, second, there):
    """The connection that did."""
    if way[1] == TICKET:
        result = try_once(way, taker, first, where, second, there)
        assert result.reused, result
        return result

    def resumed():
        # a lookup that got no answer in time is a full handshake
        result = try_once(way, taker, first, where, second, there)
        return result if result.reused else None

    return process.wait_until(resumed, 'a session by ID')


def must_not_resume(way, taker, first, where, second, there):
    """The connection that did not."""
    result = try_once(way, taker, first, where, second, there)
    assert not result.reused, result
    return result


def hosts_of(cluster):
    """Where a session is made and offered: one host, and two."""
    first, second = cluster.hosts[:2]
    return [(first, first), (first, second)]


def warm(cluster, servers):
    """Until sessions by ID resume on both hosts, from the other one."""
    first, second = cluster.hosts[:2]
    for where in servers:
        for version in VERSIONS:
            way = version, ID
            taker = client(way)
            must_resume(way, taker, first, where, second, where)
            must_resume(way, taker, second, where, first, where)
