"""Certificates that variables choose count as valid for any name.

Without a name, a server is identified by its configuration.
"""

import os
import shutil

import pytest

from harness import authority, conf, trust

(STATIC, CHOSEN, ELSEWHERE, KEY, BESIDE) = range(9001, 9006)
KINDS = {conf.HTTP: 0, conf.STREAM: 100}
NAMES = ('a.example', 'b.example')


def place_certificates(directory, issuer, prefix):
    """Writes a pair of files for each name, and one for clients without a
    name.
    """
    for name in NAMES + ('',):
        pair = issuer.issue(name or 'none.test', [name or 'none.test'])
        for file, end in zip(pair, ('pem', 'key')):
            os.rename(file, '%s/%s%s.%s' % (directory, prefix, name, end))


def by_name(directory, prefix, end):
    return '%s/%s$ssl_server_name.%s' % (directory, prefix, end)


def keys_by_name(directory, pair):
    """The certificate is no variable, but its key is, and always has the same
    value.
    """
    for name in NAMES + ('',):
        shutil.copy(pair[1], '%s/key%s.key' % (directory, name))
    return pair[0], by_name(directory, 'key', 'key')


def pairs(directory, issuer):
    other = issuer.issue('other.test', ['other.test'])
    return {
        STATIC: issuer.issue('a.example', ['a.example']),
        CHOSEN: (by_name(directory, 'one', 'pem'),
                 by_name(directory, 'one', 'key')),
        ELSEWHERE: (by_name(directory, 'two', 'pem'),
                    by_name(directory, 'two', 'key')),
        BESIDE: other,
        KEY: keys_by_name(directory, other),
    }


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    directory = cluster.directory
    issuer = authority.Authority(directory, 'issuer')
    for prefix in 'one', 'two':
        place_certificates(directory, issuer, prefix)
    made = pairs(directory, issuer)
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(kind, port=port + step, pair=pair)
            for kind, step in KINDS.items() for port, pair in made.items()])
    cluster.start()
    cluster.wait_agreed()
    return cluster


def place(kind, port, name):
    return {'kind': kind, 'port': port + KINDS[kind], 'name': name}


def each(cluster, way, outcome, ports, name):
    for kind in KINDS:
        where, there = (place(kind, port, name) for port in ports)
        for first, second in trust.hosts_of(cluster):
            outcome(way, trust.client(way), first, where, second, there)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('ports', [(STATIC, CHOSEN), (CHOSEN, STATIC),
                                   (CHOSEN, CHOSEN), (CHOSEN, ELSEWHERE),
                                   (BESIDE, CHOSEN)],
                         ids=lambda ports: '%d-%d' % ports)
def test_with_a_name(cluster, ports, way):
    """They are valid for the name, wherever the session was made."""
    each(cluster, way, trust.must_resume, ports, 'a.example')


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
def test_the_other_way_round(cluster, way):
    """This does not hold for a fixed certificate that is for another name."""
    each(cluster, way, trust.must_not_resume, (CHOSEN, STATIC), 'b.example')
    each(cluster, way, trust.must_not_resume, (CHOSEN, BESIDE), 'a.example')


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('port', [STATIC, CHOSEN])
def test_only_its_key_is_chosen(cluster, port, way):
    """If only its key is chosen, the certificate is read as usual."""
    each(cluster, way, trust.must_not_resume, (port, KEY), 'a.example')
    each(cluster, way, trust.must_resume, (KEY, KEY), 'a.example')


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('name', [None, 'a.example', 'b.example'])
def test_same_values(cluster, name, way):
    each(cluster, way, trust.must_resume, (CHOSEN, CHOSEN), name)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('ports', [(CHOSEN, ELSEWHERE), (CHOSEN, STATIC),
                                   (STATIC, CHOSEN)],
                         ids=lambda ports: '%d-%d' % ports)
def test_without_a_name(cluster, ports, way):
    """Servers with other values of ssl_certificate do not resume the session.
    """
    each(cluster, way, trust.must_not_resume, ports, None)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
def test_not_for_another_name(cluster, way):
    """Although it is valid for each of two names, a session of one does not
    resume for the other.
    """
    for kind in KINDS:
        where, there = (place(kind, CHOSEN, name) for name in NAMES)
        for first, second in trust.hosts_of(cluster):
            trust.must_not_resume(way, trust.client(way), first, where,
                                  second, there)
