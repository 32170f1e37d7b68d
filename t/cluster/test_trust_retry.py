"""A client that sends another server name after a HelloRetryRequest.

The name of the first ClientHello decides what is looked up.  That of the
second one decides which server is selected, and so which authorities are
trusted; since nginx 1.29.2 the first one decides both.  Some releases refuse
another name if clients need certificates.
"""

import pytest

from harness import authority, conf, process, trust

# the client's first ClientHello has no key share for this group
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


def early_name(cluster):
    """Whether nginx stays with the server of the first ClientHello."""
    return cluster.build.version() >= (1, 29, 2)


def at(port, name):
    return {'port': port, 'name': name}


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
def test_another_authority(cluster, way, name):
    """A client that b.example would refuse does not get in with a session."""
    where = at(VERIFIED, name)
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        session = trust.made(way, client, first, where).session
        result = client.connect(second, session=session, then='b.example',
                                **trust.at(way, where))
        assert result.renamed
        if result.error is not None:
            assert 'alert access denied' in result.error, result
            continue
        assert not result.reused, result
        if not early_name(cluster):
            assert result.fields['code'] == '400'


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('names', [(None, 'c.example'),
                                   ('a.example', 'c.example'),
                                   ('c.example', 'a.example')])
def test_another_name(cluster, way, names):
    """Nor does it resume with the same rules, since the session is for its own
    name.
    """
    name, then = names
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        born = trust.made(way, client, first, at(OPEN, name))
        result = trust.offered(way, client, second, born.session,
                               at(OPEN, name), then=then)
        assert result.renamed
        assert result.fields['code'] == '200'
        assert not result.reused, result


def given(way, client, host, where):
    """The session of a full handshake in which the name has changed."""
    result = client.full(host, then='c.example', **trust.at(way, where))
    assert result.renamed
    return result.session


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
def test_not_for_the_first_name(cluster, way, name):
    """A session of such a handshake is not for the first name."""
    where = at(OPEN, name)
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        # it may be that nothing is stored
        for _ in range(3):
            result = trust.offered(way, client, second,
                                   given(way, client, first, where), where)
            assert not result.reused, result


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
def test_for_the_second_name(cluster, way, name):
    """It is for the second name, with which it was made."""
    if early_name(cluster):
        pytest.skip('the server of this nginx is that of the first name')
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)

        def resumed(client=client, first=first, second=second):
            session = given(way, client, first, at(OPEN, name))
            return trust.offered(way, client, second, session,
                                 at(OPEN, 'c.example')).reused

        if way[1] == trust.TICKET:
            assert resumed()
        else:
            process.wait_until(resumed, 'a session by ID')


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
def test_made_under_other_rules(cluster, way, name):
    """It does not resume where clients need a certificate of another
    authority.
    """
    where = at(VERIFIED, name)
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        for _ in range(3):
            born = client.connect(first, then='b.example',
                                  **trust.at(way, where))
            if born.error is not None:
                assert 'alert access denied' in born.error, born
                continue
            result = trust.offered(way, client, second, born.session,
                                   at(VERIFIED, 'b.example'))
            assert not result.reused, result
            assert result.fields['code'] == '400'


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example'])
@pytest.mark.parametrize('port', [VERIFIED, OPEN])
def test_same_name(cluster, way, name, port):
    """A client that keeps its name resumes with the second ClientHello as
    well.
    """
    for first, second in trust.hosts_of(cluster):
        client = taker(cluster, way)
        result = trust.must_resume(way, client, first, at(port, name),
                                   second, at(port, name))
        if port == VERIFIED:
            assert result.fields['verify'] == 'SUCCESS'
