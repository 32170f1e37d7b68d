"""Tickets over QUIC (HTTP/3), if nginx has it."""

import re

import pytest

from harness import clients, conf, early, process

PORT = conf.PORT[conf.HTTP]


@pytest.fixture(name='cluster')
def fixture_cluster(make_cluster):
    cluster = make_cluster(hosts=2, rotation='7d', start=False)
    if not cluster.hosts[0].build.has('with-http_v3_module'):
        pytest.skip('this nginx has no HTTP/3')
    for host in cluster.hosts:
        listen = 'listen %s:%d quic' % (host.address, PORT)
        # for QUIC this is the time in which a handshake must be complete
        keepalive = 'keepalive_timeout 10s;'
        host.config.servers = [
            conf.Server(extra=listen + ' reuseport;' + keepalive),
            conf.Server(name='b.example', extra=listen + ';' + keepalive)]
    cluster.start()
    cluster.wait_agreed()
    return cluster


def full(host, name='a.example'):
    from harness import quic
    result = quic.get(host, PORT, name)
    assert result.error is None and not result.reused
    assert result.fields['sync'] == 'full'
    return result


def test_tickets(cluster):
    """Tickets of every host resume on every host, and are renewed."""
    from harness import quic
    for first in cluster.hosts:
        session = full(first).session
        for second in cluster.hosts:
            result = quic.get(second, PORT, 'a.example', session)
            assert result.error is None and result.reused
            assert result.fields['sync'] == 'ticket'
            session = result.session


def test_other_name(cluster):
    """A ticket does not resume for another name."""
    from harness import quic
    first, second = cluster.hosts
    for name, other in (('a.example', 'b.example'),
                        ('b.example', 'a.example')):
        session = full(first, name).session
        result = quic.get(second, PORT, other, session)
        assert result.error is None and not result.reused
        assert result.fields['sync'] == 'full'
        assert quic.get(second, PORT, name, session).reused


def test_tcp_and_quic(cluster):
    """Tickets over TCP and over QUIC resume on the same port."""
    first, second = cluster.hosts
    full(first)
    client = clients.Client('TLSv1.3')
    session = client.full(first).session
    result = client.connect(second, session=session)
    assert result.error is None and result.reused
    full(second)


# of early data that plain nginx would accept
RULES = {'once': 9301, 'any': 9302}


def accepts(build):
    """Whether nginx has it over QUIC, with OpenSSL; None: not for sure.

    What nginx calls its compatibility layer for older ones does not.
    """
    found = re.search(r'built with OpenSSL (\d+)\.(\d+)\.(\d+)',
                      build.arguments)
    if found is None:
        return None
    return (build.version() >= (1, 29, 1)
            and tuple(map(int, found.groups())) >= (3, 5, 1))


@pytest.fixture(name='host')
def fixture_host(make_cluster):
    """One that takes early data, on a port for each rule."""
    cluster = make_cluster(hosts=1, rotation='7d', start=False)
    host = cluster.hosts[0]
    if not host.build.has('with-http_v3_module'):
        pytest.skip('this nginx has no HTTP/3')
    host.config.servers = [
        conf.Server(port=port, tell='early=$ssl_session_sync_early_data',
                    extra='listen %s:%d quic reuseport; '
                    'keepalive_timeout 10s; ssl_early_data on; '
                    'ssl_session_sync_early_data %s;'
                    % (host.address, port, rule))
        for rule, port in RULES.items()]
    cluster.start()
    return host


def counted(host, visit, rule):
    """What a client sees, and what is counted meanwhile."""
    before = host.group()['early_data']
    fields = visit(rule)
    after = host.group()['early_data']
    assert fields['sync'] == 'ticket'
    return fields, {name: after[name] - before[name] for name in after
                    if after[name] != before[name]}


def test_early_data(host):
    """Where nothing can be held "once" refuses, and counts it: with tickets of
    the other port.
    """
    from harness import quic
    told = {}

    def visit(rule):
        born = quic.get(host, RULES['any'], 'a.example')
        assert born.error is None
        result = quic.get(host, RULES[rule], 'a.example', born.session,
                          early=True)
        assert result.error is None and result.reused
        told[rule] = result.early
        return result.fields

    _, plain = counted(host, visit, 'any')
    once, refused = counted(host, visit, 'once')
    assert not told['once']
    expected = accepts(host.build)
    assert expected is None or told['any'] == expected
    if not told['any']:
        assert 'accepted' not in plain and 'accepted' not in refused
        return
    assert plain == {'accepted': 1}
    assert once['early'] == 'unsure'
    assert refused == {'unsure': 1, 'unheld': 1}


def test_tickets_without_early_data(host):
    """Where it is always refused, tickets do not offer it."""
    from harness import quic
    allowed = {rule: quic.get(host, port, 'a.example')
               for rule, port in RULES.items()}
    for rule, born in allowed.items():
        assert born.error is None
        again = quic.get(host, RULES[rule], 'a.example', born.session)
        assert again.error is None and again.reused
        allowed[rule] = [bool(one.session.max_early_data_size)
                         for one in (born, again)]
    assert allowed['once'] == [False, False]
    expected = accepts(host.build)
    assert expected is None or allowed['any'] == [expected, expected]


def test_early_data_of_curl(host):
    """curl, whose QUIC is ngtcp2's, sends it only where a ticket allows it.
    """
    if ('ngtcp2/' not in process.run(['curl', '--version'])
            or not early.of_curl()):
        pytest.skip('this curl has no ngtcp2, or no early data')

    def visit(rule):
        once = ['--silent', '--show-error', '--fail', '--insecure',
                '--http3-only', '--tls-earlydata', '--connect-to',
                '::%s:%d' % (host.address, RULES[rule]),
                'https://a.example:%d/' % RULES[rule]]
        # it would keep its connection, if the port need not be another one
        lines = process.run(['curl', *once, '--next', '--local-port',
                             '20000-30000', *once]).splitlines()
        first, second = map(clients.fields, lines)
        assert first['sync'] == 'full'
        return second

    _, plain = counted(host, visit, 'any')
    _, once = counted(host, visit, 'once')
    if accepts(host.build):
        assert plain == {'accepted': 1}
    assert once == {}
