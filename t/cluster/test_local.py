"""A cluster without memcached: the workers of one host."""

import pytest

from harness import clients, conf, cluster as clusters, load, process


def start(make_cluster, **parameters):
    servers = [conf.Server(listen='reuseport')]
    cluster = make_cluster(hosts=1, memcached_servers=0, servers=servers,
                           workers=4, **parameters)
    return cluster.hosts[0]


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_workers_share_keys(make_cluster, version):
    """A ticket that one worker has issued resumes on every other one."""
    host = start(make_cluster, rotation='7d')
    assert host.group()['state'] == 'local'
    client = clients.Client(version)
    issued = client.full(host)
    met = set()

    def met_all():
        result = client.connect(host, session=issued.session)
        assert result.error is None and result.reused
        met.add(result.fields['pid'])
        return len(met) == 4

    process.wait_until(met_all, 'every worker to resume it')


def test_keys_roll(make_cluster):
    host = start(make_cluster, rotation='2s', session_timeout='14s')
    with load.Load([host], lifetime=4, kinds=[conf.HTTP]):
        for _ in range(4):
            before = clusters.current_key(host)
            process.wait_until(
                lambda before=before: clusters.current_key(host) != before,
                'a rotation')


def test_reload_keeps_keys(make_cluster):
    cluster = make_cluster(hosts=1, memcached_servers=0, rotation='7d')
    host = cluster.hosts[0]
    key = clusters.current_key(host)
    with load.Load([host], lifetime=250):
        for _ in range(3):
            host.reload()
    assert clusters.current_key(host) == key


def test_two_hosts_have_nothing_in_common(make_cluster):
    cluster = make_cluster(hosts=2, memcached_servers=0, rotation='7d')
    first, second = cluster.hosts
    assert not first.keys() & second.keys()
    for version in clients.VERSIONS:
        client = clients.Client(version)
        result = client.connect(second, session=client.full(first).session)
        assert result.error is None and not result.reused
