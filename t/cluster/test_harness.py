"""Tests the staging cluster with nginx without the module.

With the same ssl_session_ticket_key file on all hosts every pair of hosts
resumes, and without one no pair does.  So the harness can tell resumptions
from full handshakes.
"""

import itertools
import os
import subprocess

import pytest

from harness import clients, conf, early, forwarder, process


def plain(make_cluster, hosts=3, key=None):
    cluster = make_cluster(hosts=hosts, memcached_servers=0, synced=False,
                           start=False)
    if key:
        file = os.path.join(cluster.directory, 'ticket.key')
        with open(file, 'wb') as f:
            f.write(key)
        for host in cluster.hosts:
            host.config.ticket_keys = [file]
    cluster.start()
    return cluster


def resumptions(cluster, version, kind):
    """Yields (reused, pair) for every ordered pair of different hosts."""
    client = clients.Client(version)
    for first, second in itertools.permutations(cluster.hosts, 2):
        session = client.full(first, kind=kind).session
        result = client.connect(second, session=session, kind=kind)
        assert result.error is None
        yield result.reused


@pytest.mark.parametrize('shared', [True, False])
def test_pairs_need_one_key(make_cluster, shared):
    cluster = plain(make_cluster, key=os.urandom(80) if shared else None)
    for version in clients.VERSIONS:
        for kind in conf.KINDS:
            assert set(resumptions(cluster, version, kind)) == {shared}


@pytest.mark.parametrize('version', clients.VERSIONS)
@pytest.mark.parametrize('shared', [True, False])
def test_other_clients_see_it(lab, make_cluster, version, shared):
    cluster = plain(make_cluster, hosts=2,
                    key=os.urandom(80) if shared else None)
    first, second = cluster.hosts
    where = cluster.directory

    result = clients.openssl(first, version, where, write='s.pem')
    assert result.error is None and not result.reused
    result = clients.openssl(second, version, where, read='s.pem')
    assert result.error is None and result.reused == shared

    if version in clients.CURL_VERSIONS:
        results = clients.curl([first, second], version, where)
        assert [r.error for r in results] == [None, None]
        assert [r.reused for r in results] == [False, shared]

    with forwarder.Forwarder(lab.network.address) as way:
        result = clients.gnutls(way, first, second, version, where)
    assert result.error is None and result.reused == shared
    assert way.count == 2


def test_key_name_of_a_ticket(make_cluster):
    key = os.urandom(80)
    cluster = plain(make_cluster, hosts=1, key=key)
    for version in clients.VERSIONS:
        clients.openssl(cluster.hosts[0], version, cluster.directory,
                        write='s.pem')
        file = os.path.join(cluster.directory, 's.pem')
        assert clients.ticket(file)[:16] == key[:16]
        assert len(clients.session_secret(file)) in (32, 48)


def test_a_process_is_found_whatever_its_mounts(tmp_path):
    """A process with mounts of its own is found as well.

    Otherwise a host could seem to be killed while it runs.
    """
    place, elsewhere = tmp_path / 'place', tmp_path / 'elsewhere'
    (place / 'below').mkdir(parents=True)
    elsewhere.mkdir()
    with subprocess.Popen(
            ['unshare', '--mount', 'sh', '-c',
             'mount --bind "$0" "$1" && cd "$1/below" && echo && exec cat',
             place, elsewhere],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline()
        assert other.pid in process.inside(str(place))
        other.stdin.close()
        other.wait(process.PATIENCE)
        assert other.pid not in process.inside(str(place))


def test_tapes_ask_for_different_things():
    """Also a tape that comes when another one is gone."""
    assert len({early.Tape(None, None).name for _ in range(100)}) == 100
