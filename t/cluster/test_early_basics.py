"""Early data once: who may, who may not, and what is said of it."""

import pytest

from harness import early, process


@pytest.fixture(name='cluster', scope='module')
def fixture_cluster(make_module_cluster, upstream):
    cluster = make_module_cluster(hosts=3, memcached_servers=2, rotation='7d',
                                  start=False)
    early.prepare(cluster, upstream)
    cluster.start()
    cluster.wait_agreed()
    early.wait_ready(early.Client(), cluster.hosts)
    return cluster


def test_accepted(cluster, upstream):
    """On every host, from every host."""
    client = early.Client()
    for first in cluster.hosts:
        for second in cluster.hosts:
            for number in range(early.TRIES):
                path = '/up/%s-%s-%d' % (first.name, second.name, number)
                session = client.full(first).session
                result = client.ask(second, session, path)
                assert result.error is None and result.reused
                assert upstream.count(path) == 1
                if result.fields['early'] != 'unsure':
                    break
            assert result.early == early.ACCEPTED
            assert result.fields['early'] == 'accepted'


def test_upstream_is_told(cluster, upstream):
    """What comes before the handshake is over may be a replay."""
    client = early.Client()
    for number, host in enumerate(cluster.hosts):
        for attempt in range(early.TRIES):
            path = '/up/early%d-%d' % (number, attempt)
            early.send(host, client.flight(client.full(host).session, path))
            if upstream.count(path):
                break
        assert upstream.early(path) == ['1']
    result = client.connect(host, session=client.full(host).session)
    assert result.error is None


def test_again(cluster, upstream):
    """A flight is accepted by the first of all hosts, and by no other."""
    client = early.Client()
    for number, first in enumerate(cluster.hosts):
        for attempt in range(early.TRIES):
            path = '/up/again%d-%d' % (number, attempt)
            flight = client.flight(client.full(first).session, path)
            for _ in range(2):
                for host in cluster.hosts:
                    early.send(host, flight)
            if upstream.count(path):
                break
        assert upstream.count(path) == 1


def test_counted(cluster):
    """The status page has every outcome."""
    client = early.Client()
    host, other = cluster.hosts[:2]

    def grown(before):
        now = early.counts(host)
        return {name: now[name] - before[name] for name in early.OUTCOMES}

    for _ in range(early.TRIES):
        session = client.full(host).session
        before = early.counts(host)
        result = client.ask(host, session, '/up/counted')
        if result.fields['early'] != 'unsure':
            break
    assert result.early == early.ACCEPTED
    process.wait_until(lambda: grown(before)['accepted'] == 1, 'a count')
    assert sum(grown(before).values()) == 1
    for name in early.OUTCOMES:
        assert name in early.counts(other)


def test_none_offered(cluster):
    client = early.Client()
    host = cluster.hosts[0]
    session = client.full(host).session
    before = early.counts(host)
    result = client.connect(host, session=session)
    assert result.error is None and result.reused
    assert result.fields['early'] == ''
    assert early.counts(host) == before
