"""A session is for a name, and resumes where a certificate covers the name.

For a client without SNI, or with a name that the certificate does not cover,
the names in the certificate must be the same.
"""

import os

import pytest

from harness import authority, conf, trust

ONE, TWO, ONE_AGAIN, WILD, SITE, LIST, CN_ONE, CN_TWO = range(9001, 9009)
STEP = {conf.HTTP: 0, conf.STREAM: 100, conf.MAIL: 200}

# common name and alternative names of the certificate of each listener
CERTIFICATES = {
    ONE: ('one.example', ['one.example']),
    TWO: ('two.example', ['two.example']),
    ONE_AGAIN: ('one.example', ['one.example']),
    WILD: ('wild.test', ['wild.test', '*.site.example']),
    SITE: ('one.site.example', ['one.site.example']),
    LIST: ('list.test', ['list.test', 'other.test', 'one.example']),
    CN_ONE: ('one.example', []),
    CN_TWO: ('two.example', []),
}

# (where the session was made, where it is offered, SNI)
REFUSED = {
    'no-name': (ONE, TWO, None),
    'no-name-to-more-names': (ONE, LIST, None),
    'no-name-from-more-names': (LIST, ONE, None),
    'no-name-of-common-names': (CN_ONE, CN_TWO, None),
    'name-without-a-server': (ONE, TWO, 'one.example'),
    'name-without-a-server-from-a-wildcard': (WILD, TWO, 'one.site.example'),
    'name-without-a-server-of-common-names': (CN_ONE, CN_TWO, 'one.example'),
    'name-below-a-wildcard': (WILD, TWO, 'a.one.site.example'),
    'unknown-name': (ONE, TWO, 'unknown.test'),
}

ACCEPTED = {
    'no-name': (ONE, ONE_AGAIN, None),
    'another-key': (ONE, ONE_AGAIN, 'one.example'),
    'to-a-wildcard': (SITE, WILD, 'one.site.example'),
    'from-a-wildcard': (WILD, SITE, 'one.site.example'),
    'to-a-list': (ONE, LIST, 'one.example'),
    'to-a-common-name': (ONE, CN_ONE, 'one.example'),
    'wildcard-to-itself': (WILD, WILD, 'x.site.example'),
    'unknown-name': (ONE, ONE_AGAIN, 'unknown.test'),
}


def servers(pairs):
    return trust.in_pairs([
        conf.Server(kind, port=port + step, name=CERTIFICATES[port][0],
                    pair=pair)
        for kind, step in STEP.items() for port, pair in pairs.items()])


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    """Two hosts of a cluster, and plain nginx with a key file."""
    cluster = make_module_cluster(hosts=3, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    issuer = authority.Authority(cluster.directory, 'issuer')
    for host in cluster.hosts:
        host.config.servers = servers({
            port: issuer.issue(*names)
            for port, names in CERTIFICATES.items()})
    plain = cluster.hosts[2]
    plain.config.synced = False
    plain.config.ticket_keys = [authority.write(
        os.path.join(cluster.directory, 'ticket.key'), os.urandom(80))]
    cluster.start()
    cluster.wait_agreed(cluster.hosts[:2])
    trust.warm(cluster, [{'port': ONE, 'name': 'one.example'}])
    return cluster


def places(case, kind):
    first, second, name = case
    return [{'kind': kind, 'port': port + STEP[kind], 'name': name}
            for port in (first, second)]


@pytest.mark.parametrize('kind', conf.KINDS)
@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('case', REFUSED)
def test_refused(cluster, case, way, kind):
    where, there = places(REFUSED[case], kind)
    for first, second in trust.hosts_of(cluster):
        trust.must_not_resume(way, trust.client(way), first, where, second,
                              there)


@pytest.mark.parametrize('kind', conf.KINDS)
@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('case', ACCEPTED)
def test_accepted(cluster, case, way, kind):
    """It resumes although hosts and listeners have certificates of their own.
    """
    where, there = places(ACCEPTED[case], kind)
    for first, second in trust.hosts_of(cluster):
        trust.must_resume(way, trust.client(way), first, where, second,
                          there)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('case', REFUSED)
def test_plain_nginx(cluster, case, way):
    """Plain nginx refuses the same, and resumes where the session was made."""
    plain = cluster.hosts[2]
    where, there = places(REFUSED[case], conf.HTTP)
    taker = trust.client(way)
    trust.must_not_resume(way, taker, plain, where, plain, there)
    trust.must_resume(way, taker, plain, where, plain, where)
