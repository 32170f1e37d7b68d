"""Clients of early data that are not OpenSSL."""

import os
import subprocess

import pytest

from harness import clients, conf, early, forwarder, process

# what gnutls-cli says between its two connections
AGAIN = 'Connecting again'


@pytest.fixture(name='cluster', scope='module')
def fixture_cluster(make_module_cluster, upstream):
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False)
    early.prepare(cluster, upstream)
    cluster.start()
    cluster.wait_agreed()
    early.wait_ready(early.Client(), cluster.hosts)
    return cluster


def gnutls(way, directory, request):
    """One run: a full handshake, and one that sends the request early."""
    file = os.path.join(directory, 'early')
    with open(file, 'wb') as f:
        f.write(request)
    return subprocess.run(
        ['gnutls-cli', '--insecure', '--resume', '--waitresumption',
         '--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.3', '--sni-hostname',
         'a.example', '--earlydata', file, '--port', str(way.port),
         way.address],
        cwd=directory, timeout=60, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


class Recorder(forwarder.Forwarder):
    """Keeps what the last client has sent first."""

    def _pump(self, source, sink, delayed):
        if delayed:
            self.sent = []
        super()._pump(_Tap(source, self.sent) if delayed else source, sink,
                      delayed)


class _Tap:
    """A socket whose bytes are kept."""

    def __init__(self, source, kept):
        self.source = source
        self.kept = kept

    def recv(self, size):
        data = self.source.recv(size)
        self.kept.append(data)
        return data

    def __getattr__(self, name):
        return getattr(self.source, name)


def decided(host, before):
    """What has been decided since, of early data."""
    now = early.counts(host)
    return [outcome for outcome in early.OUTCOMES
            if now[outcome] != before[outcome]]


def test_gnutls(cluster, upstream, lab):
    """On another host than the one that gave the ticket; then replayed."""
    first, second = cluster.hosts
    port = conf.PORT[conf.HTTP]
    for attempt in range(early.TRIES):
        path = '/up/gnutls%d' % attempt
        before = early.counts(second)
        with Recorder(lab.network.address) as way:
            way.targets = [(first.address, port), (second.address, port)]
            said = gnutls(way, cluster.directory, early.request(path))
            if 'error sending early data' in said.partition(AGAIN)[0]:
                pytest.skip('this gnutls-cli sends early data without a '
                            'session, and then ends: with plain nginx, too')
            assert 'This is a resumed session' in said, said
            flight = b''.join(way.sent[:1])
        process.wait_until(lambda before=before: decided(second, before),
                           'a flight of GnuTLS')
        if decided(second, before) == ['accepted']:
            break
    process.wait_until(lambda: upstream.count(path) > 0,
                       'a request of GnuTLS')
    assert upstream.early(path) == ['1']
    for host in cluster.hosts:
        for _ in range(3):
            early.send(host, flight)
    assert upstream.count(path) == 1


def test_others_resume(cluster):
    """Who offers no early data is not held up by it: curl, openssl."""
    for host in cluster.hosts:
        results = clients.curl([host, host], 'TLSv1.3', cluster.directory)
        assert all(result.error is None for result in results), results
