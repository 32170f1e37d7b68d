"""A client that names another server after a HelloRetryRequest.

The name of the first ClientHello chooses what is looked up, that of the
second one chooses the server, and with it who is trusted.  Some releases of
nginx stay with the first name, and some refuse another one where clients
need certificates: what matters is which server has answered.
"""

import pytest

from harness import authority, conf, process, trust

# no key share of the client's first ClientHello is for this group
CURVE = 'ssl_ecdh_curve secp384r1;'
GROUPS = 'X25519:P-384'
VERIFIED, OPEN = 9001, 9002
TELL = 'verify=$ssl_client_verify'
WAYS = [way for way in trust.WAYS if way[0] == 'TLSv1.3']


@pytest.fixture(scope='module', params=['none', trust.CACHE])
def cluster(request, make_module_cluster):
    """The default server trusts one authority, b.example another one."""
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=request.param)
    issuer = authority.Authority(cluster.directory, 'issuer')
    pair = issuer.issue('a.example', ['a.example', 'b.example', 'c.example'])
    first, second = (authority.Authority(cluster.directory, name)
                     for name in ('first', 'second'))
    cluster.certificate = first.issue('client')

    def server(port, name, **parameters):
        return conf.Server(port=port, name=name, pair=pair, extra=CURVE,
                           tell=TELL, **parameters)

    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            server(VERIFIED, 'a.example', verify='on', ca=first.file),
            server(VERIFIED, 'b.example', verify='on', ca=second.file),
            server(OPEN, 'a.example'), server(OPEN, 'c.example')])
        host.expected = ['SSL routines:']
    cluster.start()
    cluster.wait_agreed()
    return cluster


def taker(cluster, way):
    return trust.client(way, certificate=cluster.certificate, groups=GROUPS)


def at(port, name):
    return {'port': port, 'name': name}


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
def test_another_authority(cluster, way, name):
    """What b.example would refuse does not get in by a session."""
    where = at(VERIFIED, name)
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        session = trust.made(way, client, first, where).session
        result = client.connect(second, session=session, then='b.example',
                                **trust.at(way, where))
        assert result.renamed
        if result.error is not None:
            assert 'alert access denied' in result.error, result
        elif result.fields.get('name') != 'a.example':
            assert not result.reused, result
            # from 1.29.2 on nginx stays with the server of the first name
            full = client.connect(second, then='b.example',
                                  **trust.at(way, where))
            assert full.renamed and not full.reused
            assert result.fields['code'] == full.fields['code']
            if cluster.build.version() < (1, 29, 2):
                assert result.fields['code'] == '400'


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('names', [(None, 'c.example'),
                                   ('a.example', 'c.example'),
                                   ('c.example', 'a.example')])
def test_another_name(cluster, way, names):
    """Nor where the rules are the same: the session is for its own name."""
    name, then = names
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        born = trust.made(way, client, first, at(OPEN, name))
        result = trust.offered(way, client, second, born.session,
                               at(OPEN, name), then=then)
        assert result.renamed
        assert result.fields['code'] == '200'
        if result.fields['name'] != born.fields['name']:
            assert not result.reused, result


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
def test_belongs_to_the_second_name(cluster, way, name):
    """What such a handshake makes is for the server that has answered."""
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)

        def given(client=client, first=first):
            result = trust.made(way, client, first, at(OPEN, name),
                                then='c.example')
            assert result.renamed
            return result

        born = given()
        names = [name, 'c.example']
        if born.fields['name'] != 'c.example':
            names.reverse()
        wrong, right = names
        result = trust.offered(way, client, second, born.session,
                               at(OPEN, wrong))
        assert not result.reused, result

        def resumed(client=client, second=second, given=given, right=right):
            return trust.offered(way, client, second, given().session,
                                 at(OPEN, right)).reused

        if way[1] == trust.TICKET:
            assert resumed()
        else:
            process.wait_until(resumed, 'a session by ID')


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
@pytest.mark.parametrize('port', [VERIFIED, OPEN])
def test_same_name(cluster, way, name, port):
    """Who does not change the name resumes in a second ClientHello, too."""
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        result = trust.must_resume(way, client, first, at(port, name),
                                   second, at(port, name))
        if port == VERIFIED:
            assert result.fields['verify'] == 'SUCCESS'
