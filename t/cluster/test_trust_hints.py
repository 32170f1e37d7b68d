"""How long a client may keep a session: the shorter of two timeouts counts.

OpenSSL uses that of the listener; a name-based server may have a shorter one.
"""

import pytest

from harness import conf, trust

PORT = 9001
HOUR = 3600
HOURS = {'a.example': 5, 'short.example': 1, 'long.example': 9}


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(port=PORT, name=name,
                        extra='ssl_session_timeout %dh;' % hours)
            for name, hours in HOURS.items()])
    cluster.start()
    cluster.wait_agreed()
    return cluster


WAYS = [way for way in trust.WAYS if way != ('TLSv1.2', trust.ID)]


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', HOURS)
def test_lifetime(cluster, name, way):
    """The lifetime that the client is told is the real one, and shorter for a
    renewed ticket.
    """
    where = {'port': PORT, 'name': name}
    limit = min(HOURS[name], HOURS['a.example']) * HOUR
    born = trust.made(way, trust.client(way), cluster.hosts[0], where)
    assert born.session.seconds == limit
    for first, second in trust.hosts_of(cluster):
        result = trust.must_resume(way, trust.client(way), first, where,
                                   second, where)
        # nginx may let the client keep its ticket
        if way[0] == 'TLSv1.3':
            assert limit - HOUR / 2 < result.session.seconds <= limit
        else:
            assert result.session.seconds <= limit
