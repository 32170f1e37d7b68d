"""Clients of early data that are not OpenSSL."""

import os
import subprocess
import time

import pytest

from harness import browser, clients, conf, early, forwarder, process
from harness import recorder

# with "any" a flight is accepted as often as it is sent
RULES = {'once': conf.PORT[conf.HTTP], 'any': 9301}

# of a record: its header, the message's header, its type, and a tag
END_OF_EARLY_DATA = 5 + 4 + 1 + 16

# the extension, which has no content
ANNOUNCED = b'\0\x2a\0\0'
HANDSHAKE, DATA = 22, 23
PATIENCE = 10

# what gnutls-cli says between its two connections
AGAIN = 'Connecting again'


@pytest.fixture(name='cluster', scope='module')
def fixture_cluster(make_module_cluster, upstream):
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False)
    early.prepare(cluster, upstream)
    for host in cluster.hosts:
        host.config.servers.append(conf.Server(
            port=RULES['any'], extra=early.extra(upstream, 'any')))
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


def sent_early(kept):
    """Whether a client has sent early data, or announces none."""
    found = list(records(b''.join(kept)))
    announced = any(ANNOUNCED in record for record in found
                    if record[0] == HANDSHAKE)
    return not announced or any(record[0] == DATA for record in found)


class Recorder(forwarder.Forwarder):
    """Keeps what clients have sent, of each connection.

    What the server says to a client that announces early data is handed on
    when the client has sent some: a client that is slow to make its request
    would send it after the handshake.
    """

    def __init__(self, address):
        super().__init__(address)
        self.sent = {}          # {client: [bytes]}

    def _pump(self, source, sink, delayed):
        with self.lock:
            kept = self.sent.setdefault(source if delayed else sink, [])
        show = kept.append if delayed else lambda _: self._withhold(kept)
        super()._pump(recorder.Tap(source, show), sink, delayed)

    @staticmethod
    def _withhold(kept):
        end = time.monotonic() + PATIENCE
        while not sent_early(kept) and time.monotonic() < end:
            time.sleep(0.01)

    def flights(self):
        """Of those whose early data was accepted, all up to its end."""
        found = []
        for kept in self.sent.values():
            flight = []
            for record in records(b''.join(kept)):
                if len(record) == END_OF_EARLY_DATA:
                    found.append(b''.join(flight))
                    break
                flight.append(record)
        return found


def records(data):
    """The records of TLS that these bytes are."""
    while len(data) >= 5:
        size = 5 + int.from_bytes(data[3:5], 'big')
        yield data[:size]
        data = data[size:]


def decided(host, before):
    """What has been decided since, of early data."""
    now = early.counts(host)
    return [outcome for outcome in early.OUTCOMES
            if now[outcome] != before[outcome]]


def accepted(cluster, upstream, lab, rule, name, visit):
    """What a client has sent whose early data the second host has accepted.

    "visit" makes it connect: to the first host, then to the second one with a
    ticket of the first. Returns the path and the flights.
    """
    targets = [(host.address, RULES[rule]) for host in cluster.hosts]
    for attempt in range(early.TRIES):
        path = '/up/%s-%s-%d' % (name, rule, attempt)
        before = early.counts(cluster.hosts[1])
        with Recorder(lab.network.address) as way:
            way.targets = targets
            visit(way, path)
            flights = way.flights()
        process.wait_until(
            lambda before=before: decided(cluster.hosts[1], before),
            'a flight of ' + name)
        process.wait_until(lambda path=path: upstream.count(path) > 0,
                           'a request of ' + name)
        # a browser may want something else first
        if upstream.early(path) == ['1'] and flights:
            break
    assert upstream.early(path) == ['1'] and flights
    assert decided(cluster.hosts[1], before) == ['accepted']
    return path, flights


def replay(cluster, upstream, rule, path, flights):
    """Sent again to each host: "any" lets it in, or the flights are none."""
    for host in cluster.hosts:
        for flight in flights * 3:
            early.send(host, flight, RULES[rule])
    if rule == 'once':
        assert upstream.count(path) == 1
    else:
        process.wait_until(lambda: upstream.count(path) > 1, 'a replay')


@pytest.mark.parametrize('rule', RULES)
def test_gnutls(cluster, upstream, lab, rule):
    """On another host than the one that gave the ticket; then replayed."""

    def visit(way, path):
        said = gnutls(way, cluster.directory, early.request(path))
        if 'error sending early data' in said.partition(AGAIN)[0]:
            pytest.skip('this gnutls-cli sends early data without a session, '
                        'and then ends: with plain nginx, too')
        assert 'This is a resumed session' in said, said

    replay(cluster, upstream, rule,
           *accepted(cluster, upstream, lab, rule, 'gnutls', visit))


@pytest.mark.parametrize('rule', RULES)
def test_curl(cluster, upstream, lab, rule):
    """The same with curl's own option for it."""
    if not early.of_curl():
        pytest.skip('this curl has no early data')

    def visit(way, path):
        process.run(['curl', '--silent', '--show-error', '--insecure',
                     '--tlsv1.3', '--http1.1', '--tls-earlydata', '--fail',
                     '--connect-to', '::%s:%d' % (way.address, way.port),
                     'https://a.example/', 'https://a.example' + path],
                    cwd=cluster.directory)

    replay(cluster, upstream, rule,
           *accepted(cluster, upstream, lab, rule, 'curl', visit))


@pytest.mark.parametrize('rule', RULES)
@pytest.mark.skipif(browser.missing() is not None,
                    reason='this machine has no browser')
def test_chromium(cluster, upstream, lab, rule):
    """The same with a browser: its TLS is BoringSSL."""
    hosts = [(host.address, RULES[rule]) for host in cluster.hosts]

    def visit(way, path):
        # it may connect more than once for a page
        way.targets = hosts[:1]
        with browser.Browser(lab.make('browser'), more=[
                browser.EARLY_DATA, '--ignore-certificate-errors',
                '--host-resolver-rules=MAP a.example ' + way.address]) as it:
            it.open('https://a.example:%d/' % way.port)
            assert 'name=a.example' in it.text('body')
            way.targets = hosts[1:]
            it.open('https://a.example:%d%s' % (way.port, path))
            assert it.text('body').strip() == 'ok'

    replay(cluster, upstream, rule,
           *accepted(cluster, upstream, lab, rule, 'chromium', visit))


def test_others_resume(cluster):
    """Who offers no early data is not held up by it: curl, openssl."""
    for host in cluster.hosts:
        results = clients.curl([host, host], 'TLSv1.3', cluster.directory)
        assert all(result.error is None for result in results), results
