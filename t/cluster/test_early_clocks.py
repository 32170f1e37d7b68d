"""Early data with a memcached whose clock is not that of the hosts.

Its logs of claims would seem older than they are, so that a claim could be
forgotten too early: then early data is refused.
"""

import time

import pytest

from harness import early, faketime, process

STRETCH = 45                # seconds: a log has become old enough, and more


@pytest.fixture(name='cluster', scope='module')
def fixture_cluster(make_module_cluster, upstream):
    if not faketime.installed():
        pytest.skip('libfaketime is not installed')
    cluster = make_module_cluster(hosts=3, memcached_servers=1, rotation='7d',
                                  workers=1, start=False)
    early.prepare(cluster, upstream)
    cluster.start()
    cluster.wait_agreed()
    return cluster


@pytest.fixture(name='set_clock')
def fixture_set_clock(cluster):
    server = cluster.memcached[0]

    def restart(offset):
        server.set_clock(offset)
        server.restart()

    yield restart
    restart(None)


@pytest.mark.parametrize('offset', ['+1h', '-10s', '+400d'])
def test_wrong(tape, set_clock, offset):
    set_clock(offset)
    refuses(tape)
    set_clock(None)
    early.wait_ready(early.Client(), tape.cluster.hosts)
    tape.finish(6)
    tape.check()


def test_nearly_right(cluster, upstream, set_clock):
    set_clock('+2s')
    early.wait_ready(early.Client(), cluster.hosts)
    tape = early.Tape(cluster, upstream)
    tape.play(tape.accepted(4))
    tape.finish(6)
    tape.check()


@pytest.mark.parametrize('speed', ['x1.2', 'x0.5'])
def test_speed(tape, set_clock, speed):
    """Nothing twice before it is noticed, and nothing at all from then on."""
    set_clock('+0 ' + speed)
    end = time.monotonic() + STRETCH
    while time.monotonic() < end:
        tape.play(tape.record(1), 6)
        process.wait_until(lambda: time.monotonic() >= tape.flights[-1][2] + 1,
                           'a second to pass')
    refuses(tape)
    tape.finish(6)
    tape.check()


def refuses(tape):
    """Every host, and it says why, from the time on at which a log is old
    enough.
    """
    for host in tape.cluster.hosts:
        process.wait_until(lambda host=host: noticed(tape, host),
                           host.name + ' to notice', 90)
    found = tape.record(9)
    tape.once(found)
    assert [tape.counts()[number] for number in found] == [0] * 9


def noticed(tape, host):
    def reasons():
        counts = early.counts(host)
        return counts['clock'] + counts['servers']

    before = reasons()
    early.send(host, tape.flights[tape.record(1)[0]][1])
    return reasons() > before
