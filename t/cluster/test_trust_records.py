"""What was looked up is freed when the handshake is over."""

import contextlib
import os
import socket

import pytest

from harness import authority, clients, conf, process, trust

CONNECTIONS = 40
PORT = 9001
WHERE = {'port': PORT, 'name': 'a.example'}
# kilobytes of the client's certificate, which each session contains
SIZE = 30


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    """Two hosts of a cluster, and plain nginx."""
    cluster = make_module_cluster(hosts=3, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    if cluster.build.preload:
        pytest.skip('memory under AddressSanitizer is not that of nginx')
    issuer = authority.Authority(cluster.directory, 'issuer')
    cluster.certificate = issuer.issue('client', more=[
        ('1.3.6.1.4.1.55555.1', os.urandom(SIZE * 1024))])[:2]
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(port=PORT, verify='on', ca=issuer.file,
                        extra='keepalive_timeout 10m;')])
    cluster.hosts[2].config.synced = False
    cluster.start()
    cluster.wait_agreed(cluster.hosts[:2])
    return cluster


def sessions_of(way, taker, host):
    """Sessions in memcached, one for each connection."""
    def counts():
        shown = host.group()['sessions']
        return shown['stored'], shown['failures'] + shown['dropped']

    stored, lost = counts()
    made = [taker.full(host, **trust.at(way, WHERE)).session
            for _ in range(CONNECTIONS)]
    # OpenSSL gives a TLS 1.3 client two sessions
    stored += CONNECTIONS * (2 if way[0] == 'TLSv1.3' else 1)
    process.wait_until(lambda: counts()[0] >= stored, 'the stores')
    assert counts()[1] == lost
    return made


def idle(way, taker, host, session):
    """A connection that stays open after its request."""
    plain = socket.create_connection(
        (host.address, trust.at(way, WHERE)['port']), 60)
    tls = taker.context.wrap_socket(plain, server_hostname='a.example',
                                    session=session)
    tls.sendall(b'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')
    answer = b''
    while not answer.endswith(b'\n') or b'reused=' not in answer:
        data = tls.recv(4096)
        assert data, answer
        answer += data
    assert tls.session_reused == (session is not None), answer
    if session is not None:
        assert b'sync=id-remote' in answer
    return tls


def resident(pid):
    """Private memory of a process, in kilobytes."""
    with open('/proc/%d/status' % pid, encoding='ascii') as f:
        fields = dict(line.split(':', 1) for line in f)
    return int(fields['RssAnon'].split()[0])


def growth(cluster, version, host, maker=None):
    """Kilobytes for each connection; it resumes if "maker" is given."""
    way = version, trust.ID
    taker = clients.Client(version, certificate=cluster.certificate)
    taker.context.options |= clients.ssl.OP_NO_TICKET
    # a new worker, whose heap has not been used before
    host.reload()
    worker, = host.workers()
    sessions = (sessions_of(way, taker, maker) if maker
                else [None] * CONNECTIONS)
    with contextlib.ExitStack() as stack:
        stack.enter_context(idle(way, taker, host, sessions[0]))
        before = resident(worker)
        for session in sessions[1:]:
            stack.enter_context(idle(way, taker, host, session))
        process.wait_until(lambda: process.state(worker) == 'S', 'the worker')
        return (resident(worker) - before) / (CONNECTIONS - 1)


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_idle(cluster, version):
    """Compares with plain nginx, whose cache does not take such a session."""
    first, second, plain = cluster.hosts
    synced, beside = (growth(cluster, version, second, first),
                      growth(cluster, version, plain))
    assert synced < beside + SIZE / 2, (
        '%.1f kB, plain nginx %.1f kB' % (synced, beside))
