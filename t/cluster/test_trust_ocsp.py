"""ssl_ocsp is asked at every resumption, and refuses as in plain nginx."""

import itertools
import os

import pytest

from harness import authority, conf, responder, trust

PORT = {conf.HTTP: 9001, conf.STREAM: 9002}
TELL = 'verify=$ssl_client_verify'


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    """Two hosts of a cluster, and plain nginx with a key file."""
    cluster = make_module_cluster(hosts=3, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    if cluster.build.version() < (1, 19, 0):
        pytest.skip('nginx before 1.19.0 has no ssl_ocsp')
    cluster.kinds = [conf.HTTP]
    if cluster.build.version() >= (1, 27, 2):
        cluster.kinds.append(conf.STREAM)
    root = authority.Authority(cluster.directory, 'root')
    cluster.of = {name: root.issue(name) for name in ('good', 'bad')}
    with responder.Responder(cluster.lab.network.address, root,
                             cluster.of.values()) as cluster.responder:
        for host in cluster.hosts:
            host.config.servers = trust.in_pairs([
                conf.Server(kind, port=PORT[kind], verify='on', ca=root.file,
                            tell=TELL, extra='ssl_ocsp on; ssl_ocsp_responder '
                            '%s;' % cluster.responder.url)
                for kind in cluster.kinds])
        plain = cluster.hosts[2]
        plain.config.synced = False
        plain.config.ticket_keys = [authority.write(
            os.path.join(cluster.directory, 'ticket.key'), os.urandom(80))]
        cluster.start()
        cluster.wait_agreed(cluster.hosts[:2])
        yield cluster


def place(kind):
    return {'kind': kind, 'port': PORT[kind], 'name': 'a.example'}


def answer(result):
    """What the client receives; a stream sends nothing to a client that is
    refused.
    """
    if result.error is not None:
        return None, None
    return result.reused, result.fields.get('code', '200')


def sessions_of(cluster, way, kind, name, hosts):
    """(where it is offered, client, session), made while the certificate is
    valid.
    """
    first, second = hosts
    taker = trust.client(way, certificate=cluster.of[name])
    born = trust.made(way, taker, first, place(kind))
    assert answer(born) == (False, '200'), born
    return second, taker, born.session


def offer(way, kind, made):
    second, taker, session = made
    return answer(taker.connect(second, session=session,
                                **trust.at(way, place(kind))))


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
def test_revoked(cluster, way):
    """It was revoked after the session was made; a full handshake is refused
    as well.
    """
    first, second, plain = cluster.hosts
    pairs = [(first, first), (first, second), (plain, plain)]
    cluster.responder.revoked = set()
    made = {(kind, name): [sessions_of(cluster, way, kind, name, hosts)
                           for hosts in pairs]
            for kind, name in itertools.product(cluster.kinds, cluster.of)}
    cluster.responder.revoked = {cluster.of['bad'].serial}
    asked = cluster.responder.asked
    for (kind, name), found in made.items():
        *synced, beside = (offer(way, kind, one) for one in found)
        assert synced == [beside] * 2, (kind, name)
        if name == 'good':
            assert beside == (True, '200')
        else:
            assert beside[1] != '200'
    assert cluster.responder.asked == asked + sum(map(len, made.values()))
    for kind in cluster.kinds:
        for host in cluster.hosts:
            taker = trust.client(way, certificate=cluster.of['bad'])
            result = answer(taker.connect(host, **trust.at(way, place(kind))))
            assert result[1] != '200'
