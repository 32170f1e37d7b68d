"""A session resumes only with a cipher and version that the server accepts.

A TLS 1.2 session brings the cipher of its full handshake along.
"""

import pytest

from harness import authority, clients, conf, trust

WEAK, STRONG = 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-GCM-SHA384'
BOTH = STRONG + ':' + WEAK
TELL = 'cipher=$ssl_cipher'

(OLD, NEW, MIXED, MIXED_CLIENT, MODERN, NAMES, VERSIONS) = range(9001, 9008)
CIPHERS = {OLD: WEAK, NEW: STRONG, MIXED: BOTH, MIXED_CLIENT: WEAK + ':'
           + STRONG, MODERN: STRONG}
MODES = [conf.HTTP, conf.STREAM]
WAYS = [way for way in trust.WAYS if way[0] == 'TLSv1.2']


def servers(pair, versions):
    listed = []
    for port, ciphers in CIPHERS.items():
        extra = 'ssl_ciphers %s; ' % ciphers
        extra += ('ssl_protocols TLSv1.3;' if port == MODERN
                  else 'ssl_protocols TLSv1.2;')
        if port == MIXED:
            extra += ' ssl_prefer_server_ciphers on;'
        listed += [conf.Server(kind, port=port + step, pair=pair, extra=extra,
                               tell=TELL)
                   for kind, step in ((conf.HTTP, 0), (conf.STREAM, 100))]
    # a name with ciphers of its own
    listed += [
        conf.Server(port=NAMES, pair=pair, tell=TELL,
                    extra='ssl_ciphers %s;' % WEAK),
        conf.Server(port=NAMES, pair=pair, tell=TELL, name='b.example',
                    extra='ssl_ciphers %s;' % STRONG),
        conf.Server(port=VERSIONS, pair=pair, tell=TELL),
        conf.Server(port=VERSIONS, pair=pair, tell=TELL, name='b.example',
                    extra='ssl_protocols %s;' % versions)]
    return trust.in_pairs(listed)


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    issuer = authority.Authority(cluster.directory, 'issuer')
    pair = issuer.issue('a.example', ['a.example', 'b.example'])
    for host, versions in zip(cluster.hosts, ('TLSv1.2', 'TLSv1.3')):
        host.config.servers = servers(pair, versions)
        host.expected = ['SSL routines:']
    cluster.start()
    cluster.wait_agreed()
    return cluster


def place(kind, port):
    return {'kind': kind, 'name': 'a.example',
            'port': port + (100 if kind == conf.STREAM else 0)}


def check_cipher(kind, result, cipher):
    if kind == conf.HTTP:
        assert result.fields['cipher'] == cipher


@pytest.mark.parametrize('kind', MODES)
@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_weak_cipher(cluster, way, kind):
    """A session with a weak cipher does not resume where only strong ones are
    allowed.
    """
    where, there = place(kind, OLD), place(kind, NEW)
    for first, second in trust.hosts_of(cluster):
        taker = trust.client(way, ciphers=BOTH)
        result = trust.must_not_resume(way, taker, first, where, second,
                                       there)
        check_cipher(kind, result, STRONG)


@pytest.mark.parametrize('kind', MODES)
@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('cipher', [WEAK, STRONG])
def test_allowed_cipher(cluster, cipher, way, kind):
    """A server that accepts the cipher resumes, whichever one it prefers."""
    where = place(kind, OLD if cipher == WEAK else NEW)
    for there in place(kind, MIXED), place(kind, MIXED_CLIENT):
        for first, second in trust.hosts_of(cluster):
            taker = trust.client(way, ciphers=cipher)
            result = trust.must_resume(way, taker, first, where, second,
                                       there)
            check_cipher(kind, result, cipher)


@pytest.mark.parametrize('kind', MODES)
@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_changed_on_one_host(cluster, way, kind):
    """One host no longer allows the weak cipher for one name."""
    first, second = cluster.hosts
    where = place(kind, MIXED_CLIENT)
    changed = [server for server in second.config.servers
               if server.port in (where['port'],
                                  where['port'] + trust.WITHOUT)]
    before = [server.extra for server in changed]
    for server in changed:
        server.extra = server.extra.replace(WEAK + ':', '')
    second.reload()
    try:
        cluster.wait_agreed()
        taker = trust.client(way, ciphers=WEAK + ':' + STRONG)
        result = trust.must_resume(way, taker, first, where, first, where)
        check_cipher(kind, result, WEAK)
        result = trust.must_not_resume(way, taker, first, where, second,
                                       where)
        check_cipher(kind, result, STRONG)
    finally:
        for server, extra in zip(changed, before):
            server.extra = extra
        second.reload()
        cluster.wait_agreed()


@pytest.mark.parametrize('kind', MODES)
@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_version_is_off(cluster, way, kind):
    """Where TLS 1.2 is disabled the handshake fails, as a full one does."""
    where, there = place(kind, NEW), place(kind, MODERN)
    for first, second in trust.hosts_of(cluster):
        taker = trust.client(way, ciphers=BOTH)
        session = trust.made(way, taker, first, where).session
        result = taker.connect(second, session=session,
                               **trust.at(way, there))
        assert result.error is not None, result


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
def test_version_is_off_for_a_name(cluster, way):
    """TLS 1.2 is disabled for a name on one host; with some releases of nginx
    the listener's setting counts.
    """
    where = {'port': VERSIONS, 'name': 'b.example'}
    first, second = cluster.hosts
    taker = trust.client(way)
    trust.must_resume(way, taker, first, where, first, where)
    session = trust.made(way, taker, first, where).session
    result = taker.connect(second, session=session, **trust.at(way, where))
    assert not result.reused, result


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_name_with_other_ciphers(cluster, version):
    """Sessions of a name with other ciphers resume on every host."""
    for way in (version, trust.TICKET), (version, trust.ID):
        for name in 'a.example', 'b.example':
            where = {'port': NAMES, 'name': name}
            for first, second in trust.hosts_of(cluster):
                trust.must_resume(way, trust.client(way), first, where,
                                  second, where)
