"""A session that OpenSSL removes is also removed from where it was stored.

OpenSSL removes one after a fatal alert, by the callback of the listener's
default server.  The name may be of another cluster, with memcached servers of
its own.
"""

import contextlib
import dataclasses
import socket
import ssl

import pytest

from harness import clients, conf, process, trust

MAIN, OTHER = 9001, 9002      # the default server's cluster
NAMES = {'a.example': 'main', 'b.example': 'other'}
# a record whose MAC is wrong
GARBAGE = b'\x17\x03\x03\x00\x40' + bytes(64)


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=2, memcached_servers=2, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    for host in cluster.hosts:
        main = host.config.groups[0]
        first, second = main.memcached
        main.memcached = [first]
        host.config.groups.append(dataclasses.replace(
            main, name='other', memcached=[second]))
        host.config.servers = [
            conf.Server(port=port, name=name, sync=NAMES[name],
                        extra='ssl_session_tickets off;')
            for port, names in ((MAIN, sorted(NAMES)),
                                (OTHER, sorted(NAMES, reverse=True)))
            for name in names]
        host.expected = ['SSL routines:']
    cluster.start()
    for group in 'main', 'other':
        cluster.wait_agreed(group=group)
    return cluster


def context():
    made = clients.Client('TLSv1.2').context
    made.options |= ssl.OP_NO_TICKET
    return made


class Visit:
    """A connection that has sent no request yet, and whose bytes the test
    controls.
    """

    def __init__(self, made, host, where, session=None):
        self.plain = socket.create_connection((host.address, where['port']),
                                              60)
        incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = made.wrap_bio(incoming, self.outgoing, session=session,
                                 server_hostname=where['name'])
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.plain.sendall(self.outgoing.read())
                data = self.plain.recv(65536)
                assert data, 'the server has closed'
                incoming.write(data)
        self.plain.sendall(self.outgoing.read())
        self.session = self.tls.session
        self.reused = self.tls.session_reused

    def close(self):
        """Sends close_notify, without which the session would be removed as
        well.
        """
        with contextlib.suppress(OSError):
            self.tls.unwrap()
        with contextlib.suppress(OSError):
            self.plain.sendall(self.outgoing.read())
        self.plain.close()


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('port', [MAIN, OTHER], ids=['main', 'other'])
def test_fatal_alert(cluster, port, name):
    where = {'port': port, 'name': name}
    group = NAMES[name]
    server = cluster.memcached[list(NAMES).index(name)]
    first, second = cluster.hosts
    made = context()
    before = server.keys()

    with contextlib.closing(Visit(made, first, where)) as visit:
        assert not visit.reused
        process.wait_until(lambda: server.keys() - before, 'the session')
        session = visit.session

        # it resumes on every host
        with contextlib.closing(Visit(made, second, where, session)) as other:
            assert other.reused

        removed = first.group(group)['sessions']['removed']
        visit.plain.sendall(GARBAGE)
        while visit.plain.recv(65536):
            pass

    process.wait_until(lambda: not server.keys() - before, 'its removal')
    process.wait_until(
        lambda: first.group(group)['sessions']['removed'] > removed,
        'the count')
    with contextlib.closing(Visit(made, first, where, session)) as visit:
        assert not visit.reused
