"""Tickets over QUIC (HTTP/3), if nginx has it."""

import re

import pytest

from harness import conf

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
    from harness import clients
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


def test_early_data(make_cluster):
    """Where nothing can be held "once" refuses, and counts it."""
    cluster = make_cluster(hosts=1, rotation='7d', start=False)
    host = cluster.hosts[0]
    if not host.build.has('with-http_v3_module'):
        pytest.skip('this nginx has no HTTP/3')
    from harness import quic
    host.config.servers = [
        conf.Server(port=port, tell='early=$ssl_session_sync_early_data',
                    extra='listen %s:%d quic; keepalive_timeout 10s; '
                    'ssl_early_data on; ssl_session_sync_early_data %s;'
                    % (host.address, port, rule))
        for rule, port in RULES.items()]
    cluster.start()

    def ask(rule):
        before = host.group()['early_data']
        born = quic.get(host, RULES[rule], 'a.example')
        assert born.error is None
        result = quic.get(host, RULES[rule], 'a.example', born.session,
                          early=True)
        assert result.error is None and result.reused
        after = host.group()['early_data']
        return result, {name: after[name] - before[name] for name in after
                        if after[name] != before[name]}

    plain, counted = ask('any')
    once, refused = ask('once')
    assert not once.early
    expected = accepts(host.build)
    assert expected is None or plain.early == expected
    if not plain.early:
        assert 'accepted' not in counted and 'accepted' not in refused
        return
    assert counted == {'accepted': 1}
    assert once.fields['early'] == 'unsure'
    assert refused == {'unsure': 1, 'unheld': 1}
