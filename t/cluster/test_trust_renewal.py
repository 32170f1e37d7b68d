"""A TLS 1.3 session that is renewed again and again ends in time.

This is in real time, for hosts whose clock cannot be moved: a session that
began longer ago than the timeout must not resume.
"""

import time

import pytest

from harness import conf, process, trust

TIMEOUT = 3
PORT = 9001
WAYS = [way for way in trust.WAYS if way[0] == 'TLSv1.3']


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=1, memcached_servers=1, start=False,
                                  workers=1, rotation='7d')
    host = cluster.hosts[0]
    host.config.session_timeout = '%ds' % TIMEOUT
    host.config.servers = trust.in_pairs([conf.Server(port=PORT)])
    cluster.start()
    cluster.wait_agreed()
    return cluster


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_renewed_for_ever(cluster, way):
    host = cluster.hosts[0]
    where = {'kind': conf.HTTP, 'port': PORT, 'name': 'a.example'}
    taker = trust.client(way)
    session, began = None, 0

    def over():
        """Connects with the last session; begins anew if it does not resume.
        """
        nonlocal session, began
        if session is None:
            session = trust.made(way, taker, host, where).session
            began = time.monotonic()
        age = time.monotonic() - began
        result = trust.offered(way, taker, host, session, where)
        if result.reused:
            # a second of either clock may have been about to begin
            assert age <= TIMEOUT + 1, result
            session = result.session or session
            return False
        session = None
        return age > TIMEOUT / 2

    process.wait_until(over, 'the end of the session')
