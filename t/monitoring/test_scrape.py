"""A Prometheus scrapes the staging cluster: every metric has a good name,
every rule works, and every query of the board has data."""

import json
import os
import random
import re
import ssl
import subprocess
import threading

import pytest

import prometheus
from harness import clients, conf, process, staging

BOARD = os.path.join(prometheus.DOCS, 'grafana.json')

# what stands for Grafana's own variables
VARIABLES = {'$job': 'tls', '$cluster': '.*', '$instance': '.*',
             '$__rate_interval': '1m'}

# where nothing is found when nothing is wrong
EMPTY = {'Servers of no use'}


class Load(threading.Thread):
    """Tickets and IDs, full and resumed, on all hosts, until it is ended."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.hosts = cluster.hosts
        self.over = threading.Event()
        self.kinds = []
        for version in clients.VERSIONS:
            for port, options in ((staging.LISTENERS[staging.TICKETS], 0),
                                  (staging.LISTENERS[staging.IDS],
                                   ssl.OP_NO_TICKET)):
                client = clients.Client(version)
                client.context.options |= options
                self.kinds.append((client, port))

    def run(self):
        while not self.over.wait(0.05):
            client, port = random.choice(self.kinds)
            first, second = random.choices(self.hosts, k=2)
            session = client.connect(first, port=port).session
            client.connect(second, session=session, port=port)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


@pytest.fixture(scope='module')
def cluster(lab):
    with staging.Staging(lab, staging.Settings()) as started:
        yield started


@pytest.fixture(scope='module')
def scraped(lab, cluster):
    """A Prometheus that has seen clients come back."""
    directory = lab.make('prometheus')
    with prometheus.Prometheus(lab.network.address, directory,
                               cluster.hosts) as started, Load(cluster):
        hosts = len(cluster.hosts)
        process.wait_until(
            lambda: len(started.query('up == 1')) == hosts,
            'every host to be scraped')
        for event in ('full', 'resumed_ticket', 'resumed_id_remote'):
            process.wait_until(
                lambda event=event: len(started.query(
                    'rate(ssl_session_sync_handshakes_total{event="%s"}[1m]) '
                    '> 0' % event)) == hosts,
                'handshakes of the kind %s on every host' % event)
        yield started
    process.run(['rm', '-rf', directory])


def test_names(cluster):
    """What promtool thinks of them: it is silent when all is well."""
    for host in cluster.hosts:
        done = subprocess.run(
            ['promtool', 'check', 'metrics'],
            input=host.get('/status?format=prometheus'),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, '')


def rules(scraped):
    group, = scraped.api('rules')['groups']
    return group['rules']


def test_rules(scraped):
    """Each is evaluated without an error, and none says that all is bad."""
    process.wait_until(
        lambda: all(rule['health'] != 'unknown' for rule in rules(scraped)),
        'every rule to be evaluated')
    for rule in rules(scraped):
        assert rule['health'] == 'ok', rule
        assert rule.get('state', 'inactive') != 'firing', rule
    ratio = 'cluster:ssl_session_sync_resumed:ratio_rate5m'
    (labels, value), = process.wait_until(lambda: scraped.query(ratio),
                                          'the ratio to be recorded')
    assert labels == {'__name__': ratio, 'job': 'tls', 'cluster': 'main'}
    assert 0 < value < 1


def board():
    with open(BOARD, encoding='utf-8') as f:
        return json.load(f)


def filled(text):
    for name in sorted(VARIABLES, key=len, reverse=True):
        text = text.replace(name, VARIABLES[name])
    assert '$' not in text, text
    return text


def test_board_is_one():
    """Panels have their place to themselves, and the chosen Prometheus."""
    taken, identities = set(), set()
    for panel in board()['panels']:
        identities.add(panel['id'])
        at = panel['gridPos']
        place = {(x, y) for x in range(at['x'], at['x'] + at['w'])
                 for y in range(at['y'], at['y'] + at['h'])}
        assert not place & taken and at['x'] + at['w'] <= 24, panel['title']
        taken |= place
        if panel['type'] == 'row':
            continue
        assert panel['description'] and panel['targets']
        for one in (panel, *panel['targets']):
            assert one['datasource']['uid'] == '${datasource}'
    assert len(identities) == len(board()['panels'])


def queries():
    return [(panel['title'], target['expr']) for panel in board()['panels']
            for target in panel.get('targets', [])]


@pytest.mark.parametrize('title,query', queries(), ids=[
    '%d-%s' % (number, title) for number, (title, _)
    in enumerate(queries())])
def test_board(scraped, title, query):
    """Every query has an answer of numbers, but where trouble is listed.

    The next key is there for half of the time.
    """
    if title in EMPTY:
        # the same without what says that something is wrong
        assert scraped.query(filled(query)) == []
        query = query.partition(' == ')[0]
    found = process.wait_until(lambda: scraped.query(filled(query)), title)
    assert all(value == value for _, value in found), found


def test_variables(scraped, cluster):
    names = {}
    for variable in board()['templating']['list']:
        if variable['type'] != 'query':
            continue
        match, label = re.fullmatch(r'label_values\((.*), (\w+)\)',
                                    variable['definition']).groups()
        assert variable['query']['query'] == variable['definition']
        names[variable['name']] = scraped.api(
            'label/%s/values' % label, **{'match[]': filled(match)})
    assert names == {'job': ['tls'], 'cluster': ['main'], 'instance': sorted(
        '%s:%d' % (host.address, conf.STATUS_PORT)
        for host in cluster.hosts)}


def test_every_metric(scraped):
    """There is none that neither the board nor a rule has."""
    with open(os.path.join(prometheus.DOCS, 'prometheus.rules.yml'),
              encoding='utf-8') as f:
        used = f.read() + ' '.join(query for _, query in queries())
    names = scraped.api('label/__name__/values',
                        **{'match[]': '{__name__=~"ssl_session_sync_.*"}'})
    assert len(names) > 30
    for name in names:
        if not name.startswith('ssl_session_sync_lookup_seconds'):
            assert re.search(r'\b%s\b' % name, used), name
    assert 'ssl_session_sync_lookup_seconds_bucket' in used


def test_an_alert(scraped, cluster):
    """It names the server that was stopped."""
    server = cluster.memcached[0]
    server.kill()
    try:
        def pending():
            return [alert for alert in scraped.api('alerts')['alerts']
                    if alert['labels']['alertname'] == 'SessionSyncServer']

        process.wait_until(lambda: len(pending()) == len(cluster.hosts),
                           'an alert of every host')
        for alert in pending():
            assert alert['state'] == 'pending'
            assert alert['labels']['server'] == server.server
            assert 'cannot use memcached %s' % server.server \
                in alert['annotations']['summary']
    finally:
        server.start()
