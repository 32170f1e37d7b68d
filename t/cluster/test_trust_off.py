"""Servers that are "off" on a listener that synchronises, as in plain nginx.

That differs between releases: since 1.23.2 nginx has ticket keys in its shared
cache.  So plain nginx runs the same tests beside it.
"""

import dataclasses

import pytest

from harness import clients, conf, process, trust

WORKERS = 3
PORT = 9001
OFF = {'port': PORT, 'name': 'off.example'}


@pytest.fixture(scope='module', params=['none', trust.CACHE])
def cluster(request, make_module_cluster):
    """The second host is plain nginx with the same configuration."""
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=WORKERS,
                                  session_cache=request.param)
    servers = [conf.Server(port=PORT, listen='reuseport'),
               conf.Server(port=PORT, name='off.example', sync='off')]
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs(
            [dataclasses.replace(server) for server in servers])
    cluster.hosts[1].config.synced = False
    cluster.start()
    cluster.wait_agreed(cluster.hosts[:1])
    return cluster


def full(way, taker, host):
    result = taker.full(host, **trust.at(way, OFF))
    assert result.fields.get('sync', '') == ''
    return result


def everywhere(way, taker, host):
    """Whether a session resumes on each worker, and whether that one has made
    it.
    """
    found = {}
    born = full(way, taker, host)

    def met_all():
        nonlocal born
        result = trust.offered(way, taker, host, born.session, OFF)
        own = result.fields['pid'] == born.fields['pid']
        found.setdefault(own, set()).add((result.fields['pid'],
                                          result.reused))
        # it is good for one handshake
        if way == ('TLSv1.3', trust.ID):
            born = full(way, taker, host)
        return (set(found) == {True, False}
                and len(set.union(*found.values())) >= WORKERS)

    process.wait_until(met_all, 'every worker to be met')
    return {own: {reused for _, reused in seen}
            for own, seen in found.items()}


def after_reloads(way, taker, host):
    """Whether a session resumes after a reload, and so does the one that it
    gives.
    """
    session = full(way, taker, host).session
    found = []
    for _ in range(2):
        host.reload()
        result = trust.offered(way, taker, host, session, OFF)
        session = result.session
        found.append(result.reused)
    return found


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('what', [everywhere, after_reloads])
def test_as_plain_nginx(cluster, what, way):
    synced, plain = (what(way, trust.client(way), host)
                     for host in cluster.hosts)
    assert synced == plain


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_the_others(cluster, version):
    """With the keys of a name that is "off" nothing of the listener can be
    opened.
    """
    host = cluster.hosts[0]
    way = version, trust.TICKET
    home = {**OFF, 'name': 'a.example'}
    trust.must_not_resume(way, trust.client(way), host, OFF, host, home)
    trust.must_not_resume(way, trust.client(way), host, home, host, OFF)
    trust.must_resume(way, trust.client(way), host, home, host, home)
