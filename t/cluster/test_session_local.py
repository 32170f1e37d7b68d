"""A session of another host enters the cache of this host at its second use.
"""

import pytest

from harness import sessions, session_load


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=2, memcached_servers=1, workers=1,
                                  rotation='7d', start=False,
                                  session_cache='shared:sessions:1m')
    sessions.without_tickets(cluster.hosts)
    cluster.start()
    cluster.wait_agreed()
    return cluster


def test_second_time(cluster):
    client = session_load.client('TLSv1.2')
    first, second = cluster.hosts
    result = sessions.redeem(client, first, second)
    session = result.session
    assert result.fields['sync'] == 'id-remote'
    # the first session has been used once: its second use puts it into the
    # cache
    found = [client.connect(second, session=session).fields['sync']
             for _ in range(3)]
    assert found == ['id-remote', 'id-local', 'id-local']
