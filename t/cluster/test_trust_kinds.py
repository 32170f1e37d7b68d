"""The same scope, a string, in mail, stream and http.

mail has no name-based servers, and OpenSSL keeps no server name in its
sessions.  In http and stream the server of the name is selected.
"""

import itertools

import pytest

from harness import conf, trust

PORT = {conf.HTTP: 9001, conf.STREAM: 9101, conf.MAIL: 9201}
NAMES = ('a.example', 'b.example')
# the name by which nginx has selected the server
TELL = 'selected=$ssl_server_name'
SPELT = {'a.example': 'A.Example', 'b.example': 'B.eXample'}


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    """In http the default server is another one."""
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    for host in cluster.hosts:
        servers = [conf.Server(port=PORT[conf.HTTP], name=name, tell=TELL,
                               scope='common')
                   for name in ('default.example', *NAMES)]
        servers += [conf.Server(kind, port=PORT[kind], scope='common')
                    for kind in (conf.STREAM, conf.MAIL)]
        servers += [conf.Server(kind, port=PORT[kind] + 1, scope='apart')
                    for kind in conf.KINDS]
        host.config.servers = trust.in_pairs(servers)
    cluster.start()
    cluster.wait_agreed()
    return cluster


def place(kind, name, step=0):
    return {'kind': kind, 'port': PORT[kind] + step, 'name': name}


def pairs():
    return itertools.permutations(conf.KINDS, 2)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('kinds', pairs(), ids='-'.join)
@pytest.mark.parametrize('name', NAMES)
def test_the_server_of_the_name(cluster, name, kinds, way):
    """It resumes at the server of the name, in upper or lower case."""
    for spelt in name, SPELT[name]:
        where, there = place(kinds[0], name), place(kinds[1], spelt)
        for first, second in trust.hosts_of(cluster):
            result = trust.must_resume(way, trust.client(way), first, where,
                                       second, there)
            if kinds[1] == conf.HTTP:
                assert result.fields['name'] == name
                assert result.fields['selected'] == spelt


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('kinds', pairs(), ids='-'.join)
def test_no_name(cluster, kinds, way):
    """Without a name it resumes at the default server."""
    where, there = (place(kind, None) for kind in kinds)
    for first, second in trust.hosts_of(cluster):
        result = trust.must_resume(way, trust.client(way), first, where,
                                   second, there)
        if kinds[1] == conf.HTTP:
            assert result.fields['selected'] == ''


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('kinds', pairs(), ids='-'.join)
def test_apart(cluster, kinds, way):
    """It does not resume for another name, nor in another scope."""
    host = cluster.hosts[0]
    for where, there in (
            (place(kinds[0], 'a.example'), place(kinds[1], 'b.example')),
            (place(kinds[0], None), place(kinds[1], 'a.example')),
            (place(kinds[0], 'a.example'), place(kinds[1], None)),
            (place(kinds[0], 'a.example'), place(kinds[1], 'a.example', 1))):
        result = trust.must_not_resume(way, trust.client(way), host, where,
                                       host, there)
        if there == place(conf.HTTP, 'b.example'):
            assert result.fields['name'] == 'b.example'


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('kind', (conf.STREAM, conf.MAIL))
def test_and_back(cluster, kind, way):
    """A session that was renewed elsewhere is still for its name."""
    first, second = cluster.hosts
    where, there = place(kind, 'b.example'), place(conf.HTTP, 'B.Example')
    taker = trust.client(way)
    result = trust.must_resume(way, taker, first, where, second, there)
    session = result.session
    assert session is not None
    if way != ('TLSv1.3', trust.ID):
        for at in where, there:
            assert trust.offered(way, taker, first, session, at).reused
    other = {**there, 'name': 'a.example'}
    assert not trust.offered(way, taker, first, session, other).reused
