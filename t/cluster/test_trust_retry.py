"""A client that names another server after a HelloRetryRequest.

The name of the first ClientHello chooses what is looked up, that of the
second one chooses the server, and with it who is trusted.
"""

import pytest

from harness import authority, conf, trust

# no key share of the client's first ClientHello is for this group
CURVE = 'ssl_ecdh_curve secp384r1;'
GROUPS = 'X25519:P-384'
HOME = 9001
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
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(port=HOME, name='a.example', verify='on',
                        ca=first.file, pair=pair, extra=CURVE, tell=TELL),
            conf.Server(port=HOME, name='c.example', verify='on',
                        ca=first.file, pair=pair, extra=CURVE, tell=TELL),
            conf.Server(port=HOME, name='b.example', verify='on',
                        ca=second.file, pair=pair, extra=CURVE, tell=TELL)])
    cluster.start()
    cluster.wait_agreed()
    return cluster


def taker(cluster, way):
    return trust.client(way, certificate=cluster.certificate, groups=GROUPS)


def home(name):
    return {'port': HOME, 'name': name}


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
def test_another_authority(cluster, way, name):
    """What b.example would refuse does not get in by a session."""
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        session = trust.made(way, client, first, home(name)).session
        result = trust.offered(way, client, second, session, home(name),
                               then='b.example')
        assert result.renamed
        assert not result.reused, result
        assert result.fields.get('verify', 'FAILED') != 'SUCCESS'
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
        session = trust.made(way, client, first, home(name)).session
        result = trust.offered(way, client, second, session, home(name),
                               then=then)
        assert result.renamed
        assert not result.reused, result
        assert result.fields['code'] == '200'


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_a_session_for_the_second_name(cluster, way):
    """It is refused as well, or resumes: what it opens is its own."""
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        session = trust.made(way, client, first, home('c.example')).session
        result = trust.offered(way, client, second, session,
                               home('a.example'), then='c.example')
        assert result.renamed
        assert result.fields['name'] in ('a.example', 'c.example')
        assert result.fields['code'] == '200'
        assert result.fields['verify'] == 'SUCCESS'


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('first_name', [None, 'a.example'])
def test_belongs_to_the_second_name(cluster, way, first_name):
    """What such a handshake makes, with the session of another one or none."""
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)

        def given(client=client, first=first):
            result = trust.made(way, client, first, home(first_name),
                                then='c.example')
            assert result.renamed
            return result.session

        result = trust.offered(way, client, second, given(),
                               home(first_name))
        assert not result.reused, result

        def resumed(client=client, second=second, given=given):
            return trust.offered(way, client, second, given(),
                                 home('c.example')).reused

        if way[1] == trust.TICKET:
            assert resumed()
        else:
            trust.process.wait_until(resumed, 'a session by ID')


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example', 'b.example'])
def test_same_name(cluster, way, name):
    """Who does not change the name resumes, of the second ClientHello too."""
    if name == 'b.example':
        # whose certificate it does not take
        client = trust.client(way, groups=GROUPS)
        for first, second in trust.hosts_of(cluster):
            trust.must_not_resume(way, client, first, home(name), second,
                                  home(name))
        return
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        result = trust.must_resume(way, client, first, home(name), second,
                                   home(name))
        assert result.fields['verify'] == 'SUCCESS'
