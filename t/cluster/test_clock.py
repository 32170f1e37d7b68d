"""Hosts with clocks that differ."""

import pytest

from harness import clients, load, process


@pytest.mark.parametrize('offset', ['+20m', '-20m'])
def test_long_rotation(make_cluster, offset):
    """Clocks that differ by less than half a rotation have no effect."""
    cluster = make_cluster(hosts=3, rotation='1h', session_timeout='2h',
                           start=False)
    cluster.hosts[0].shift_clock(offset)
    cluster.start()
    cluster.wait_agreed()
    with load.Load(cluster.hosts, lifetime=250) as steady:
        process.wait_until(lambda: steady.resumed > 150, 'some load')
    assert len(steady.between) == 9
    shifted = cluster.hosts[0]
    shown = shifted.group()['servers'][0]['clock_diff']
    assert abs(shown + int(offset[:-1]) * 60) <= 3
    assert not any(h.group()['clock_warning'] for h in cluster.hosts)


@pytest.mark.parametrize('offset', ['+20m', '-20m'])
def test_short_rotation(make_cluster, offset):
    """Clocks that differ by more cause a warning with the difference, and no
    handshake fails.
    """
    cluster = make_cluster(hosts=2, start=False)
    shifted, other = cluster.hosts
    shifted.shift_clock(offset)
    cluster.start()
    seconds = int(offset[:-1]) * 60

    def told():
        return [line for line in shifted.warnings('ssl_session_sync:')
                if 'clock' in line]

    process.wait_until(told, 'a warning')
    assert any(str(number) in told()[0]
               for number in range(abs(seconds) - 3, abs(seconds) + 4))
    assert shifted.group()['clock_warning']
    assert not other.group()['clock_warning']

    with load.Load([shifted], lifetime=250), load.Load([other], lifetime=250):
        cluster.wait_rotations(2, other)
    for version in clients.VERSIONS:
        client = clients.Client(version)
        for first, second in ((shifted, other), (other, shifted)):
            session = client.full(first).session
            assert client.connect(second, session=session).error is None


def test_clock_is_put_forward(make_cluster, apart):
    """The clock of a running host was late and is set forward."""
    cluster = make_cluster(hosts=2, start=False, session_timeout='1h')
    jumping, other = cluster.hosts
    jumping.shift_clock('-120')
    cluster.start()
    with load.Load([jumping], lifetime=250):
        cluster.wait_rotations(1, other)
        jumping.shift_clock('+0')
        cluster.wait_agreed()


def test_clock_is_put_back(make_cluster, apart):
    """Keys with a slot far in the future are dropped, and no handshake fails.
    """
    cluster = make_cluster(hosts=2, start=False, session_timeout='1h')
    jumping, other = cluster.hosts
    jumping.shift_clock('+0')
    cluster.start()
    with load.Load([jumping], lifetime=250, must_resume=False):
        cluster.wait_rotations(1, other)
        jumping.shift_clock('-60')
        cluster.wait_rotations(1, other)
        jumping.shift_clock('+0')
        cluster.wait_agreed()
    with load.Load(cluster.hosts, lifetime=250) as mixed:
        process.wait_until(lambda: mixed.resumed > 50, 'some load')
