"""make chaos: its plan, and that it sees what goes wrong."""

import re
import types

import pytest

import chaos
from harness import cluster as clusters, faults, havoc, observer, process
from harness import staging, steady, verdict

HOSTS, SERVERS = ['h1', 'h2', 'h3', 'h4'], ['m1', 'm2', 'm3']
SPECIAL = {faults.TLS: ['m1', 'm2'], faults.NAMED: ['m1', 'm2'],
           faults.GUARDED: ['m3']}


def span(fault):
    return fault.at, fault.at + fault.seconds


@pytest.mark.parametrize('duration', [30, 180, 1200])
def test_plan(duration):
    for seed in range(20):
        plan = faults.plan(seed, duration, HOSTS, SERVERS, special=SPECIAL)
        assert plan == faults.plan(seed, duration, HOSTS, SERVERS,
                                   special=SPECIAL)
        assert {fault.kind for fault in plan} == set(faults.KINDS)
        for i, fault in enumerate(plan):
            assert fault.at >= faults.FIRST
            assert span(fault)[1] <= duration - faults.LAST
            befalls = faults.KINDS[fault.kind][0]
            assert set(fault.targets) <= set(SPECIAL.get(befalls,
                                                         HOSTS + SERVERS))
            together = [other for other in plan[:i]
                        if other.at + other.seconds > fault.at]
            assert len(together) <= 1
            for other in together:
                assert not set(other.targets) & set(fault.targets)
    assert plan != faults.plan(seed + 1, duration, HOSTS, SERVERS,
                               special=SPECIAL)


def test_plan_without_namespaces():
    plan = faults.plan(1, 180, HOSTS, SERVERS, {'cuts': ''},
                       {**SPECIAL, faults.NAMED: []})
    assert {fault.kind for fault in plan} == {
        kind for kind, spec in faults.KINDS.items()
        if spec[2] not in ('cuts', faults.NAMED)}


def test_when_tickets_may_be_lost():
    def costly(*what):
        """Faults that begin at the same moment: (kind, targets, value)."""
        windows = [havoc.Window(faults.Fault(n, 0.0, 1.0, *one), 10.0, 11.0,
                                11.0, 12.0)
                   for n, one in enumerate(what)]
        ruined = types.SimpleNamespace(windows=windows, downs=[],
                                       servers=SERVERS)
        load = types.SimpleNamespace(handshakes=[])
        return bool(verdict.Verdict(load, ruined, None, []).costly)

    hosts, seconds = ['h1'], ('clock shifted', ['h1'], '+8')
    assert costly(('clock shifted', hosts, '+20m'))
    assert not costly(seconds)
    assert not costly(seconds, ('memcached delayed', SERVERS[:1], '500 ms'))
    assert costly(seconds, ('memcached delayed', SERVERS, '1000 ms'))
    assert costly(seconds, ('host cut off', ['h2']))
    assert not costly(('host killed', hosts))
    assert costly(('host killed', hosts), ('memcached frozen', SERVERS[:1]))
    assert not costly(('memcached frozen', SERVERS))


@pytest.fixture(scope='module')
def small(tmp_path_factory, lab):
    with open(staging.CONFIGURATION, encoding='utf-8') as f:
        text = f.read()
    for name, value in (('hosts', '2'), ('memcached', '1'),
                        ('clients', '1'), ('key_rotation', '7d')):
        text = re.sub(r'(?m)^%s *=.*' % name, '%s = %s' % (name, value),
                      text)
    file = tmp_path_factory.mktemp('chaos') / 'small.conf'
    file.write_text(text)
    options = chaos.Options({'STAGING': str(file), 'DURATION': '1'})
    with staging.Staging(lab, options.settings, middleboxes=True) as cluster:
        cluster.options = options
        yield cluster


def ruin(cluster):
    return havoc.Havoc(cluster, [], print)


def judge(cluster, load, ruined, watch):
    found = verdict.Verdict(load, ruined, watch,
                            cluster.balancer.connections())
    return found, chaos.judge(cluster, cluster.options, load, ruined, found,
                              0, {})


def test_a_failure_is_blamed_on_its_host(small, capsys):
    """Failed handshakes are excused only if their host was known to be down.
    """
    ruined = ruin(small)
    process.wait_until(lambda: ruined.probe() is None, 'sessions to resume')
    host, other = small.hosts
    with observer.Observer(small.hosts) as watch:
        with steady.Steady(small, 50) as load:
            process.wait_until(lambda: len(load.handshakes) > 50, 'some load')
            good = len(load.handshakes)
            # connections that they have accepted fail when they are killed
            process.freeze(*host.workers())
            process.wait_until(
                lambda: any(h.host == other.name and h.issued
                            for h in load.handshakes[good + 20:]),
                'handshakes on the other host')
            began = load.handshakes[good].began
            host.kill()
            host.start()
            process.wait_until(small.balancer.all_up, 'the host to be up')
            process.wait_until(lambda: ruined.probe() is None,
                               'sessions to resume')
            all_ = len(load.handshakes)
            process.wait_until(lambda: len(load.handshakes) > all_ + 100,
                               'some load')
    ended = max(h.ended for h in load.handshakes)
    process.wait_until(lambda: chaos.quiet(small), 'the log')

    found, status = judge(small, load, ruined, watch)
    assert status == 1
    assert found.failures and found.unexcused() == found.failures
    assert {f.host for f in found.failures} == {host.name}
    assert 'a handshake failed' in capsys.readouterr().out

    # another host's absence is no excuse
    ruined.downs = [havoc.Down(other.name, began, ended, 'host killed')]
    found, status = judge(small, load, ruined, watch)
    assert found.unexcused() == found.failures

    ruined.downs = [havoc.Down(host.name, began, ended, 'host killed')]
    found, status = judge(small, load, ruined, watch)
    assert found.failures and not found.unexcused()
    assert 'a handshake failed' not in capsys.readouterr().out.split(
        'chaos:')[-2]


def test_what_does_not_resume_is_seen(small, capsys):
    """A host with another secret is noticed, during a fault and without one.
    """
    ruined = ruin(small)
    process.wait_until(lambda: ruined.probe() is None, 'sessions to resume')
    host = small.hosts[1]
    group = host.config.groups[0]
    before = group.secrets
    group.secrets = ['%064x' % 7]
    host.kill()
    host.start()
    process.wait_until(small.balancer.all_up, 'the host to be up')
    process.wait_until(lambda: clusters.current_key(host), 'a key')
    assert 'a full handshake' in ruined.probe()
    with observer.Observer(small.hosts) as watch:
        with steady.Steady(small, 50) as load:
            process.wait_until(lambda: len(load.handshakes) > 200,
                               'some load')
    process.wait_until(lambda: chaos.quiet(small), 'the log')
    found, status = judge(small, load, ruined, watch)
    assert status == 1 and found.missed and not found.failures
    assert 'lost in calm: ticket' in capsys.readouterr().out

    group.secrets = before
    host.reload()
    process.wait_until(lambda: ruined.probe() is None, 'sessions to resume')


def test_a_bad_line_is_seen(small, capsys):
    """A bad line in a log is noticed; a run without a fault has exit status 0.
    """
    for bad in (False, True):
        ruined = ruin(small)
        with observer.Observer(small.hosts) as watch:
            with steady.Steady(small, 50) as load:
                process.wait_until(lambda: len(load.handshakes) > 200,
                                   'some load')
        process.wait_until(lambda: chaos.quiet(small), 'the log')
        host = small.hosts[0]
        if bad:
            pid = host.workers()[0]
            process.kill(pid)
            process.wait_until(lambda: pid not in host.workers()
                               and host.bad_lines(), 'a line in the log')
        found, status = judge(small, load, ruined, watch)
        assert status == bad, capsys.readouterr().out
        assert ('exited on signal 9' in capsys.readouterr().out) == bad
