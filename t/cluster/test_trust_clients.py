"""A server's rules for client certificates apply to sessions as well."""

import itertools
import os

import pytest

from harness import authority, conf, trust

ON, OPTIONAL, NO_CA, OFF, DEEP = range(9001, 9006)
MODES = {ON: 'on', OPTIONAL: 'optional', NO_CA: 'optional_no_ca', OFF: 'off',
         DEEP: 'on'}
TELL = 'verify=$ssl_client_verify'


def start(make, **parameters):
    cluster = make(hosts=2, memcached_servers=1, rotation='7d', start=False,
                   workers=1, session_cache=trust.CACHE, **parameters)
    cluster.trusted = authority.Authority(cluster.directory, 'trusted')
    cluster.unknown = authority.Authority(cluster.directory, 'unknown')
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(port=port, verify=mode, ca=cluster.trusted.file,
                        tell=TELL, extra='ssl_verify_depth %d;'
                        % (3 if port == DEEP else 2))
            for port, mode in MODES.items()])
    return cluster


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = start(make_module_cluster)
    cluster.good = cluster.trusted.issue('client')
    cluster.stranger = cluster.unknown.issue('stranger')
    cluster.revoked = cluster.trusted.issue('revoked')
    crl = authority.write(os.path.join(cluster.directory, 'crl.pem'),
                          cluster.trusted.crl(cluster.revoked.serial))
    for host in cluster.hosts:
        for server in host.config.servers:
            server.extra += 'ssl_crl %s;' % crl
    cluster.start()
    cluster.wait_agreed()
    return cluster


def at(port):
    return {'port': port, 'name': 'a.example'}


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('ports', itertools.permutations(MODES, 2),
                         ids=lambda ports: '%d-%d' % ports)
def test_modes_are_apart(cluster, ports, way):
    where, there = (at(port) for port in ports)
    for first, second in trust.hosts_of(cluster):
        taker = trust.client(way, certificate=cluster.good)
        trust.must_not_resume(way, taker, first, where, second, there)


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('port', MODES)
def test_modes_resume(cluster, port, way):
    for first, second in trust.hosts_of(cluster):
        taker = trust.client(way, certificate=cluster.good)
        result = trust.must_resume(way, taker, first, at(port), second,
                                   at(port))
        assert result.fields['verify'] == (
            'NONE' if MODES[port] == 'off' else 'SUCCESS')


@pytest.mark.parametrize('way', trust.WAYS, ids='-'.join)
@pytest.mark.parametrize('port', [ON, OPTIONAL, NO_CA])
@pytest.mark.parametrize('who', ['stranger', 'revoked'])
def test_verification_failed(cluster, who, port, way):
    """The certificate was not accepted, whether or not the client was let in.
    """
    taker = trust.client(way, certificate=getattr(cluster, who))
    for first, second in trust.hosts_of(cluster):
        # nothing is stored
        for _ in range(5):
            born = taker.full(first, **trust.at(way, at(port)))
            assert born.fields.get('verify', 'FAILED').startswith('FAILED')
            if (port, who) != (NO_CA, 'stranger'):
                assert born.fields['code'] == '400'
            for _ in range(2):
                result = trust.offered(way, taker, second, born.session,
                                       at(port))
                assert not result.reused, result
                assert result.fields['code'] == born.fields['code']


def test_expired_since(make_cluster, apart):
    """The client's certificate has expired since, the session has not."""
    cluster = start(make_cluster, session_timeout='12h')
    short = cluster.trusted.issue('short', until=authority.days(1 / 24))
    lasting = cluster.trusted.issue('lasting')
    for host in cluster.hosts:
        host.shift_clock('+0')
    cluster.start()
    cluster.wait_agreed()

    def sessions(certificate, port, maker):
        """A session of each kind, on each host."""
        found = []
        for way, host in itertools.product(trust.WAYS, cluster.hosts):
            taker = trust.client(way, certificate=certificate)
            born = trust.made(way, taker, maker, at(port))
            assert born.fields['verify'] == 'SUCCESS'
            found.append((way, taker, host, born.session))
        return found

    kept = {(name, port): sessions(pair, port, maker)
            for name, pair in (('short', short), ('lasting', lasting))
            for port, maker in itertools.product((ON, OPTIONAL),
                                                 cluster.hosts[:1])}
    for host in cluster.hosts:
        host.shift_clock('+2h')
    cluster.wait_agreed()

    wrong = []
    for (name, port), made in kept.items():
        for way, taker, host, session in made:
            result = trust.offered(way, taker, host, session, at(port))
            if name == 'short':
                right = (not result.reused and result.fields['code'] == '400')
            else:
                right = (result.reused
                         and result.fields['verify'] == 'SUCCESS')
            if not right:
                wrong.append('%s, %d, %s: %r' % (name, port, '-'.join(way),
                                                 result))
    assert not wrong, '\n'.join(wrong)
