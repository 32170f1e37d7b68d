"""Servers that look like memcached, and are of no use for keys.

Status and log say what is wrong with each: once, and then every minute while
it lasts.
"""

import os
import re
import threading
import time

import pytest

from harness import (clients, dns, forwarder, memcached, process, proxy,
                     record, unusable)

WEEK = 7 * 86400
SIZES = range(100, 2200, 50)        # of records that fill a server's memory


def without_versions(server):
    """A server that keeps no versions: every item has version 0."""
    server.memory += ['-C']
    server.start()


def small(server):
    """A server whose item limit is too small for 1,200 keys; with a lower one
    memcached crashes.
    """
    server.memory += ['-I', '128k', '-o', 'slab_chunk_max=128']
    server.start()


def full(server):
    """A server full of items that do not expire."""
    server.memory = ['-M', '-m', '1', '-I', '512k']
    server.start()
    with server.connect() as c:
        for size in SIZES:
            number = 0
            while c.ask('set fill-%d-%d 0 0 %d' % (size, number, size),
                        bytes(size)) == 'STORED':
                number += 1


def write_large(cluster, server):
    """Writes a ring as large as with a short rotation and a long lifetime."""
    now = int(time.time())
    keys = [record.Stek(now // WEEK, WEEK, now * 1000 + number, now + 2 * WEEK,
                        os.urandom(16), os.urandom(32), os.urandom(32))
            for number in range(1300)]
    server.set(record.ring_name(cluster.secret, 'main'),
               record.seal(cluster.secret, 'main', record.encode_ring(keys)))


# how the server is made, what is reported, the server's state, parameters of
# the cluster
KINDS = {
    'without-versions': (
        without_versions, 'it keeps no versions of items', 'down', {}),
    'small': (
        small, 'it takes no record that is as large as the keys are',
        # with room for as many keys
        'refuses', {'rotation': '10s', 'session_timeout': '4h',
                    'forward_secrecy': 'off'}),
    'full': (full, 'it takes no writes', 'refuses', {}),
}


def start(cluster, bad):
    """Starts two hosts with this server and a good one."""
    for host in cluster.hosts:
        host.config.groups[0].memcached = [bad, cluster.memcached[-1].server]
        host.shift_clock('+0')
    cluster.start()


def shown(host, address):
    for server in host.group()['servers']:
        if server['address'] == address:
            return server
    # a server whose name has no address yet has only its directive
    return {'state': None, 'error': '', 'trouble': ''}


def wait_said(host, address, text, state):
    """Waits until it is in the status, in the log once, and again after a
    minute.
    """
    def said():
        return [line for line in host.warnings('is no use for keys: ' + text)
                if address in line]

    process.wait_until(lambda: text in shown(host, address)['trouble'],
                       '%s to show "%s"' % (host.name, text))
    assert shown(host, address)['state'] == state
    assert re.search(r'(?m)^ssl_session_sync_server_trouble\{.*'
                     r'trouble="[^"]*%s.*server="%s"\} 1$'
                     % (re.escape(text.replace('"', '\\"')),
                        re.escape(address)),
                     host.get('/status?format=prometheus'))
    process.wait_until(said, 'the log of ' + host.name)
    began = time.monotonic()
    before = shown(host, address)['polls']
    process.wait_until(lambda: shown(host, address)['polls'] >= before + 3,
                       'three more polls')
    assert len(said()) == 1 or time.monotonic() - began > 50
    host.shift_clock('+70')
    process.wait_until(lambda: len(said()) == 2, 'the log a minute later')


def others_are_enough(cluster):
    """The hosts share keys through the good server."""
    process.wait_until(lambda: all(host.group()['state'] == 'ok'
                                   for host in cluster.hosts), 'state "ok"')
    for host in cluster.hosts:
        unusable.handshakes(host)
    first, second = cluster.hosts

    def resumes(client):
        session = client.full(first).session
        result = client.connect(second, session=session)
        assert result.error is None
        return result.reused

    for version in clients.VERSIONS:
        client = clients.Client(version)
        # the clocks of the hosts were not moved at the same moment
        process.wait_until(lambda client=client: resumes(client),
                           'a session to resume')


def alone_it_is_not_enough(cluster):
    """A cluster whose only server keeps no keys is "cut off"."""
    cluster.memcached[-1].kill()
    process.wait_until(lambda: all(host.group()['state'] == 'cut off'
                                   for host in cluster.hosts),
                       'state "cut off"')
    for host in cluster.hosts:
        unusable.handshakes(host)


@pytest.mark.parametrize('kind', KINDS)
def test_refuses(make_cluster, kind):
    spoil, text, state, parameters = KINDS[kind]
    cluster = make_cluster(hosts=0, memcached_servers=0, start=False,
                           **{'rotation': '7d', **parameters})
    bad = cluster.add_memcached()
    spoil(bad)
    good = cluster.add_memcached()
    good.start()
    if kind == 'small':
        write_large(cluster, good)
    for _ in range(2):
        cluster.add_host()
    start(cluster, bad.server)
    for host in cluster.hosts:
        wait_said(host, bad.server, text, state)
    others_are_enough(cluster)
    alone_it_is_not_enough(cluster)


def test_proxy_without_gets(lab, make_cluster):
    """Many proxies support "get" and "set", but no versions."""
    cluster = make_cluster(hosts=2, memcached_servers=2, rotation='7d',
                           start=False)
    with proxy.Proxy(cluster.memcached[0], lab.network.address) as way:
        way.lie = lambda words: b'ERROR\r\n' if words[0] in (
            b'gets', b'cas') else None
        start(cluster, way.server)
        for host in cluster.hosts:
            wait_said(host, way.server, 'it refuses "gets"', 'down')
        others_are_enough(cluster)
        alone_it_is_not_enough(cluster)
        for host in cluster.hosts:
            host.stop()


class Flood(threading.Thread):
    """Fills a megabyte with records of the size of a ring, again and again."""

    def __init__(self, server, size):
        super().__init__(daemon=True)
        self.server = server
        self.size = size
        self.stop = threading.Event()

    def run(self):
        number = 0
        with self.server.connect() as c:
            while not self.stop.is_set():
                for _ in range(5000):
                    number += 1
                    c.file.write(b'set %045d 0 0 %d noreply\r\n%s\r\n' % (
                        number, self.size, bytes(self.size)))
                assert c.ask('version').startswith('VERSION')
                self.stop.wait(0.1)


def test_evicts(make_cluster):
    """The server has a megabyte of memory, which others use as well.

    Polls are rare: memcached spares what is read again and again.
    """
    cluster = make_cluster(forward_secrecy='off', hosts=2,
                           memcached_servers=2, rotation='7d',
                           poll='3s', start=False)
    bad = cluster.memcached[0]
    bad.memory = ['-m', '1', '-I', '512k']
    bad.restart()
    start(cluster, bad.server)
    cluster.wait_agreed()
    name = record.ring_name(cluster.secret, 'main')
    size = len(process.wait_until(lambda: bad.get(name), 'a ring'))
    flood = Flood(bad, size)
    flood.start()
    try:
        # a host writes back what it misses, and the next host finds it
        witness = process.wait_until(
            lambda: [host for host in cluster.hosts
                     if shown(host, bad.server)['trouble']],
            'a host to miss keys', 3 * process.PATIENCE)[0]
        wait_said(witness, bad.server, 'it loses what was written', 'up')
    finally:
        flood.stop.set()
        flood.join()
    others_are_enough(cluster)
    for host in cluster.hosts:
        process.wait_until(
            lambda host=host: not shown(host, bad.server)['trouble'],
            'the trouble to be over')


def test_several_behind_an_address(lab, make_cluster):
    """A balancer in front of several servers closes idle connections, and
    sends the next one to another server.
    """
    cluster = make_cluster(hosts=1, memcached_servers=3, rotation='7d',
                           poll='500ms', workers=1, start=False)
    two = cluster.memcached[:2]
    # others write to one of the servers more than to the other
    for _ in range(50):
        two[0].set('other', b'value')
    host = cluster.hosts[0]
    with forwarder.Forwarder(
            lab.network.address,
            [(server.address, memcached.PORT) for server in two], idle=0.1,
            pair=two[0].pair) as way:
        host.config.groups[0].memcached = [way.server,
                                           cluster.memcached[2].server]
        host.config.session_cache = 'off'
        host.shift_clock('+0')
        cluster.start()
        wait_said(host, way.server, 'what is there now is older', 'up')
        unusable.handshakes(host)
        # with one server behind the balancer all is well
        way.targets = [(two[1].address, memcached.PORT)]
        process.wait_until(lambda: not shown(host, way.server)['trouble'],
                           'the trouble to be over')
        host.stop()


def test_silent_resolver_and_silent_memcached(lab, make_cluster):
    """The reasons for a silent resolver and for a silent memcached differ."""
    if not lab.network.can_cut:
        pytest.skip('each host needs a network of its own')
    cluster = make_cluster(hosts=1, memcached_servers=2, rotation='7d',
                           start=False)
    host = cluster.hosts[0]
    frozen, other = cluster.memcached
    frozen.freeze()
    name = dns.NAME + ':%d' % memcached.PORT
    host.config.groups[0].memcached = [name, frozen.server]
    resolver = dns.Dns(host)
    try:
        resolver.silent()
        cluster.start()
        # "does not answer" at first, and "could not be resolved" when the
        # system's resolver has given up
        for address, text in ((name, 'resolve'), (frozen.server, 'timed out')):
            process.wait_until(
                lambda address=address, text=text:
                text in shown(host, address)['error'],
                '%s to be told of' % address)
            process.wait_until(
                lambda address=address, text=text: [
                    line for line in host.warnings(text) if address in line],
                'the log')
        assert host.group()['state'] == 'cut off'
        unusable.handshakes(host)
        resolver.answer([other.address])
        process.wait_until(lambda: host.group()['state'] == 'ok',
                           'state "ok"')
        assert shown(host, frozen.server)['state'] == 'down'
        frozen.thaw()
        cluster.wait_whole()
        # the server is gone, and the resolver does not say where it is now
        resolver.silent()
        other.kill()
        process.wait_until(
            lambda: re.search('Connection refused; the .*resolve',
                              shown(host, other.server)['error']),
            'both reasons')
    finally:
        resolver.stop()
