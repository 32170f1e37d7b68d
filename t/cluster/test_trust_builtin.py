"""Sessions in a worker's own cache of OpenSSL are subject to the rule as well.

In a cluster without memcached there are only this cache and nginx's.
"""

import os

import pytest

from harness import authority, conf, trust

HOME, OTHER_SCOPE, OTHER_NAMES, VERIFIED, OTHER_CA = range(9001, 9006)
CACHES = ['builtin', 'builtin shared:sessions:1m', 'shared:sessions:1m']
BUILTIN = CACHES[:2]
WAYS = [way for way in trust.WAYS if way[1] == trust.ID]
TELL = 'verify=$ssl_client_verify'


@pytest.fixture(scope='module', params=[
    (cache, servers) for cache in CACHES for servers in (0, 1)
    if servers == 0 or cache in BUILTIN],
    ids=lambda param: '%s-%d' % param)
def cluster(request, make_module_cluster):
    """One worker; the second host is plain nginx."""
    cache, servers = request.param
    cluster = make_module_cluster(hosts=2, memcached_servers=servers,
                                  rotation='7d', start=False, workers=1,
                                  session_cache=cache)
    issuer = authority.Authority(cluster.directory, 'issuer')
    names = ['a.example', 'b.example']
    pair, other = (issuer.issue(name, more) for name, more in (
        ('a.example', names), ('other.test', ['other.test'])))
    cluster.clients = authority.Authority(cluster.directory, 'clients')
    strangers = authority.Authority(cluster.directory, 'strangers')
    cluster.of = cluster.clients.issue('client')
    cluster.crl = os.path.join(cluster.directory, 'crl.pem')
    authority.write(cluster.crl, cluster.clients.crl())
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(port=HOME, pair=pair, extra='keepalive_timeout 0;'),
            conf.Server(port=HOME, pair=pair, name='b.example'),
            conf.Server(port=HOME, pair=pair, name='off.example', sync='off'),
            conf.Server(port=OTHER_SCOPE, pair=pair, scope='other'),
            conf.Server(port=OTHER_NAMES, pair=other),
            conf.Server(port=VERIFIED, pair=pair, verify='on', tell=TELL,
                        ca=cluster.clients.file,
                        extra='ssl_crl %s;' % cluster.crl),
            conf.Server(port=OTHER_CA, pair=pair, verify='on', tell=TELL,
                        ca=strangers.file)])
    cluster.hosts[1].config.synced = False
    cluster.start()
    cluster.wait_agreed(cluster.hosts[:1])
    return cluster


def at(port, name='a.example'):
    return {'port': port, 'name': name}


def taker_of(cluster, way):
    return trust.client(way, certificate=cluster.of)


def offered(cluster, way, where, there):
    """Offers a session of one server to another one of the same host."""
    host, taker = cluster.hosts[0], taker_of(cluster, way)
    return trust.offered(way, taker, host,
                         taker.full(host, **trust.at(way, where)).session,
                         there)


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example', 'A.Example',
                                  'b.example', 'off.example'])
def test_resumes(cluster, name, way):
    """It resumes for the name for which it was made."""
    assert offered(cluster, way, at(HOME, name), at(HOME, name)).reused


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('names', [
    ('a.example', 'b.example'), ('b.example', 'a.example'),
    ('a.example', None), (None, 'a.example'), ('a.example', 'off.example'),
    ('off.example', 'a.example'), ('off.example', 'b.example'),
    ('off.example', None)], ids=lambda names: '%s-%s' % names)
def test_another_name(cluster, names, way):
    assert not offered(cluster, way, *(at(HOME, name)
                                       for name in names)).reused


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('ports', [
    (HOME, OTHER_SCOPE), (OTHER_SCOPE, HOME), (HOME, OTHER_NAMES),
    (HOME, VERIFIED), (VERIFIED, HOME)],
    ids=lambda ports: '%d-%d' % ports)
def test_another_server(cluster, ports, way):
    assert not offered(cluster, way, *(at(port) for port in ports)).reused


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_another_authority(cluster, way):
    """It does not resume at a server with another authority for clients."""
    assert offered(cluster, way, at(VERIFIED),
                   at(VERIFIED)).fields['verify'] == 'SUCCESS'
    result = offered(cluster, way, at(VERIFIED), at(OTHER_CA))
    assert not result.reused and result.fields['code'] == '400', result


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_as_often_as_in_plain_nginx(cluster, way):
    """A session that is offered again and again resumes as often as in plain
    nginx.
    """
    found = []
    for host in cluster.hosts:
        taker = taker_of(cluster, way)
        session = taker.full(host, **trust.at(way, at(HOME))).session
        found.append([trust.offered(way, taker, host, session,
                                    at(HOME)).reused for _ in range(3)])
    if cluster.memcached and way[0] == 'TLSv1.3':
        assert found[0] == [True, False, False]
    else:
        assert found[0] == found[1]
