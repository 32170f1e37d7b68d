"""A cluster without memcached: the same rule applies on its only host.

Tickets and nginx's shared cache survive a reload, after which a port may have
another server.
"""

import os

import pytest

from harness import authority, conf, trust

HOME, VERIFIED = 9001, 9002
TELL = 'verify=$ssl_client_verify'


@pytest.fixture(name='cluster')
def fixture_cluster(make_cluster):
    cluster = make_cluster(hosts=1, memcached_servers=0, rotation='7d',
                           start=False, workers=1, session_cache=trust.CACHE)
    cluster.issuer = authority.Authority(cluster.directory, 'issuer')
    cluster.clients = authority.Authority(cluster.directory, 'clients')
    cluster.strangers = authority.Authority(cluster.directory, 'strangers')
    cluster.of = {name: cluster.clients.issue(name)
                  for name in ('good', 'bad')}
    cluster.crl = os.path.join(cluster.directory, 'crl.pem')
    authority.write(cluster.crl, cluster.clients.crl(),
                    cluster.strangers.crl())
    host, = cluster.hosts
    host.config.servers = trust.in_pairs([
        conf.Server(port=HOME, pair=cluster.issuer.issue(
            'a.example', ['a.example'])),
        conf.Server(port=VERIFIED, pair=cluster.issuer.issue(
            'b.example', ['b.example']), name='b.example', verify='on',
            ca=cluster.clients.file, tell=TELL,
            extra='ssl_crl %s;' % cluster.crl)])
    cluster.start()
    cluster.wait_agreed()
    return cluster


def at(port, name):
    return {'port': port, 'name': name}


NAMED, UNNAMED = at(HOME, 'a.example'), at(HOME, None)
CHECKED = at(VERIFIED, 'b.example')


def sessions_of(cluster, where, client='good'):
    """A session of each kind: (way, client, session, where)."""
    host, = cluster.hosts
    found = []
    for way in trust.WAYS:
        taker = trust.client(way, certificate=cluster.of[client])
        born = taker.full(host, **trust.at(way, where))
        assert born.fields['code'] == '200'
        found.append((way, taker, born.session, where))
    return found


def reload(cluster, port, **attributes):
    """Reloads with another configuration of the server at a port."""
    host, = cluster.hosts
    for server in host.config.servers:
        if server.port in (port, port + trust.WITHOUT):
            for name, value in attributes.items():
                setattr(server, name, value)
    host.reload()


def answers(cluster, made):
    """For each session whether it resumed, and what the server answered."""
    host, = cluster.hosts
    return {(result.reused, result.fields['code'])
            for way, taker, session, where in made
            for result in [trust.offered(way, taker, host, session, where)]}


def test_another_certificate(cluster):
    """Sessions resume with another certificate for the same names, and not
    with one for other names.
    """
    made = [sessions_of(cluster, where) for where in (NAMED, UNNAMED)]
    reload(cluster, HOME, pair=cluster.issuer.issue('a.example',
                                                    ['a.example']))
    for one in made:
        assert answers(cluster, one) == {(True, '200')}
    made = [sessions_of(cluster, where) for where in (NAMED, UNNAMED)]
    reload(cluster, HOME, pair=cluster.issuer.issue('c.example',
                                                    ['c.example']))
    for one in made:
        assert answers(cluster, one) == {(False, '200')}


def test_more_names(cluster):
    """A client whose name is covered by the certificate resumes."""
    named, unnamed = (sessions_of(cluster, where)
                      for where in (NAMED, UNNAMED))
    reload(cluster, HOME, pair=cluster.issuer.issue(
        'c.example', ['c.example', 'a.example']))
    assert answers(cluster, named) == {(True, '200')}
    assert answers(cluster, unnamed) == {(False, '200')}


def test_another_authority(cluster):
    # errors that OpenSSL logs when it refuses, also in plain nginx
    cluster.hosts[0].expected = ['asn1 encoding routines']
    kept, lost = (sessions_of(cluster, CHECKED) for _ in range(2))
    assert answers(cluster, kept) == {(True, '200')}
    reload(cluster, VERIFIED, ca=cluster.strangers.file)
    assert answers(cluster, lost) == {(False, '400')}


def test_another_mode(cluster):
    made = sessions_of(cluster, CHECKED)
    reload(cluster, VERIFIED, verify='optional')
    assert answers(cluster, made) == {(False, '200')}


def test_revoked(cluster):
    bad, good = (sessions_of(cluster, CHECKED, name)
                 for name in ('bad', 'good'))
    authority.write(cluster.crl, cluster.clients.crl(
        cluster.of['bad'].serial), cluster.strangers.crl())
    reload(cluster, VERIFIED)
    assert answers(cluster, bad) == {(False, '400')}
    assert answers(cluster, good) == {(True, '200')}


def test_nowhere_else(cluster):
    """Two servers of a host with the same cache and keys."""
    for where, there in (NAMED, CHECKED), (CHECKED, NAMED), (NAMED, UNNAMED):
        made = [(*one[:3], there) for one in sessions_of(cluster, where)]
        assert answers(cluster, made) == {(False, '200')}
