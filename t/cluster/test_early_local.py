"""Early data where there is no memcached: once on the host.

And what no claim is made for: rules, retries, tickets of key files.
"""

import os

import pytest

from harness import conf, early

RULES = {'once': 9101, 'off': 9102, 'any': 9103, 'retry': 9104,
         'unsynced': 9105}
KEY_FILE = 9106


@pytest.fixture(name='host', scope='module')
def fixture_host(make_module_cluster, upstream):
    cluster = make_module_cluster(hosts=1, memcached_servers=0, rotation='7d',
                                  start=False, session_cache='shared:s:1m')
    early.prepare(cluster, upstream)
    host = cluster.hosts[0]
    base = host.config.servers[0]

    def server(port, rule, extra='', **parameters):
        text = base.extra + extra
        if rule is not None:
            text += ' ssl_session_sync_early_data %s;' % rule
        return conf.Server(port=port, tell=base.tell, extra=text,
                           **parameters)

    host.config.servers = [
        base, server(RULES['once'], 'once'), server(RULES['off'], 'off'),
        server(RULES['any'], 'any'),
        server(RULES['retry'], 'once', ' ssl_ecdh_curve secp384r1;'),
        server(RULES['unsynced'], None, sync='off'),
        server(KEY_FILE, 'once', ' ssl_session_tickets off;')]
    cluster.start()
    return host


def flight(client, host, path, port):
    return client.flight(client.full(host, port=port).session, path)


def accepted(client, host, upstream, name, port):
    """A flight that this host has accepted, and what it asked for."""
    for attempt in range(early.TRIES):
        path = '/up/%s-%d' % (name, attempt)
        recorded = flight(client, host, path, port)
        early.send(host, recorded, port)
        if upstream.count(path):
            break
    assert upstream.count(path) == 1
    return recorded, path


@pytest.mark.parametrize('rule', ['any', 'unsynced'])
def test_plain_rules(host, upstream, rule):
    """"any", and a server that is "off", is nginx's way."""
    client = early.Client()
    for attempt in range(early.TRIES):
        path = '/up/rule-%s-%d' % (rule, attempt)
        recorded = flight(client, host, path, RULES[rule])
        for _ in range(20):
            early.send(host, recorded, RULES[rule])
        if upstream.count(path) == 20:
            break
    assert upstream.count(path) == 20


def test_once(host, upstream):
    port = RULES['once']
    recorded, path = accepted(early.Client(), host, upstream, 'once', port)
    for _ in range(20):
        early.send(host, recorded, port)
    assert upstream.count(path) == 1


def test_off(host, upstream):
    recorded = flight(early.Client(), host, '/up/off', RULES['off'])
    for _ in range(20):
        early.send(host, recorded, RULES['off'])
    assert upstream.count('/up/off') == 0


def test_told(host):
    client = early.Client()
    port = RULES['once']
    for _ in range(early.TRIES):
        session = client.full(host, port=port).session
        told = client.ask(host, session, '/up/told', port=port)
        if told.early == early.ACCEPTED:
            break
    assert told.early == early.ACCEPTED
    assert told.fields['early'] == 'accepted'
    port = RULES['off']
    session = client.full(host, port=port).session
    told = client.ask(host, session, '/up/told', port=port)
    assert told.error is None and told.reused
    assert told.early == early.REJECTED
    assert told.fields['early'] == 'off'


def test_replay_told(host, upstream):
    """A flight that is sent again is counted, and asks for nothing."""
    client = early.Client()
    port = RULES['once']
    for attempt in range(early.TRIES):
        recorded, path = accepted(client, host, upstream,
                                  'replayed%d' % attempt, port)
        before = early.counts(host)
        for _ in range(5):
            early.send(host, recorded, port)
        after = early.counts(host)
        assert upstream.count(path) == 1
        assert after['accepted'] == before['accepted']
        if after['replay'] == before['replay'] + 5:
            break
    assert after['replay'] == before['replay'] + 5


def test_retry(host, upstream):
    """After a HelloRetryRequest there is none, as TLS 1.3 has it."""
    port = RULES['retry']
    client = early.Client(groups='X25519:P-384')
    session = client.full(host, port=port).session
    result = client.ask(host, session, '/up/retry', port=port)
    assert result.error is None and result.reused
    assert result.early == early.REJECTED
    assert result.fields['early'] == 'off'
    assert upstream.early('/up/retry') == [None]


def test_cache(host, upstream):
    """Sessions of nginx's own cache, which may be used again and again."""
    recorded, path = accepted(early.Client(), host, upstream, 'cache',
                              KEY_FILE)
    for _ in range(20):
        early.send(host, recorded, KEY_FILE)
    assert upstream.count(path) == 1


def test_reload(host, upstream):
    """What a host has accepted it knows for longer than its workers live."""
    client = early.Client()
    port = RULES['once']
    done = [accepted(client, host, upstream, 'reload%d' % i, port)
            for i in range(20)]
    host.reload()
    for recorded, _ in done:
        early.send(host, recorded, port)
    for _, path in done:
        assert upstream.count(path) == 1


def test_key_files(make_cluster, upstream):
    """They outlive what a host knows, so that their tickets have none."""
    cluster = make_cluster(hosts=1, memcached_servers=0, rotation='7d',
                           start=False)
    host = cluster.hosts[0]
    file = os.path.join(cluster.directory, 'ticket.key')
    with open(file, 'wb') as f:
        f.write(os.urandom(80))
    early.prepare(cluster, upstream)
    base = host.config.servers[0]
    host.config.servers = [base, conf.Server(port=9107, sync='off',
                                             extra=base.extra)]
    host.config.ticket_keys = [file]
    cluster.start()
    client = early.Client()
    session = client.full(host, port=9107).session
    result = client.ask(host, session, '/up/key-file')
    assert result.error is None and result.early == early.REJECTED
    assert upstream.early('/up/key-file') == [None]
