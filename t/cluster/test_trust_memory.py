"""A ClientHello that comes in pieces takes as much memory as in plain nginx.
"""

import contextlib
import os
import socket
import threading

import pytest

from harness import clients, conf, process

CONNECTIONS = 20
# the longest ClientHello that OpenSSL reads, which the client never completes
SIZE, SENT = 131000, 130990
KINDS = (conf.HTTP, conf.STREAM)
# columns of the kernel's table: bytes that wait in a queue
LEFT, RECEIVED = 0, 1


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    """The second host is plain nginx; timeouts are long."""
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1)
    if cluster.build.preload:
        pytest.skip('memory under AddressSanitizer is not that of nginx')
    for host in cluster.hosts:
        host.config.servers = [
            conf.Server(extra='client_header_timeout 10m;'),
            conf.Server(conf.STREAM, extra='ssl_handshake_timeout 10m;')]
    cluster.hosts[1].config.synced = False
    cluster.start()
    cluster.wait_agreed(cluster.hosts[:1])
    return cluster


def records(size):
    """A ClientHello in records of so many bytes."""
    hello = (b'\x01' + SIZE.to_bytes(3, 'big') + b'\x03\x03' + bytes(SENT))
    header = b'\x16\x03\x01' + size.to_bytes(2, 'big')
    return b''.join(header + hello[at:at + size]
                    for at in range(0, SENT - SENT % size, size))


def resident(pid):
    """Private memory of a process, in kilobytes."""
    with open('/proc/%d/status' % pid, encoding='ascii') as f:
        fields = dict(line.split(':', 1) for line in f)
    return int(fields['RssAnon'].split()[0])


def queues(pid, column, port):
    """Bytes that wait on connections with this port."""
    waiting = []
    with open('/proc/%d/net/tcp' % pid, encoding='ascii') as f:
        for line in f.readlines()[1:]:
            _, local, remote, state, sizes = line.split()[:5]
            ports = [int(place.split(':')[1], 16)
                     for place in (local, remote)]
            if state == '01' and ports[1 - column] == port:
                waiting.append(int(sizes.split(':')[column], 16))
    return waiting


def growth(host, kind, data):
    """Kilobytes for each connection that has sent all of these bytes."""
    # a new worker, whose heap has not been used before
    host.reload()
    port = conf.PORT[kind]
    worker, = host.workers()
    clients.Client('TLSv1.3').full(host, kind=kind)
    with contextlib.ExitStack() as stack:
        before = resident(worker)
        opened = [stack.enter_context(socket.create_connection(
            (host.address, port), 600)) for _ in range(CONNECTIONS)]
        threads = [threading.Thread(target=one.sendall, args=[data])
                   for one in opened]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        def consumed():
            sent = queues(os.getpid(), LEFT, port)
            got = queues(worker, RECEIVED, port)
            assert len(got) == CONNECTIONS, 'the server has closed some'
            return not any(sent + got) and process.state(worker) == 'S'

        process.wait_until(consumed, 'all bytes to be read', 600)
        return (resident(worker) - before) / CONNECTIONS


@pytest.mark.parametrize('size', [1, 16, 1000])
@pytest.mark.parametrize('kind', KINDS)
def test_pieces(cluster, kind, size):
    data = records(size)
    synced, plain = (growth(host, kind, data) for host in cluster.hosts)
    assert synced <= 1.5 * plain, '%d kB, plain nginx %d kB' % (synced, plain)
