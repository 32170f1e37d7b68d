"""The filter is removed when the ClientHello is complete, however long it is.
"""

import socket
import ssl

import pytest

from harness import clients, conf, filters

PORT, RETRY = 9001, 9002
ASK = b'GET / HTTP/1.1\r\nHost: %s\r\n\r\n'
NAMES = ['a.example', 'off.example', 'other.example', 'unknown.example', None]
# bytes of the ClientHello: more than one read, more than one record
SIZES = [0, 3900, 4096, 5000, 20000]


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=1, memcached_servers=1, rotation='7d',
                                  start=False, workers=1)
    host, = cluster.hosts
    group = host.config.groups[0]
    host.config.groups.append(conf.Group(
        name='other', memcached=group.memcached, secrets=group.secrets,
        rotation='7d'))
    host.config.servers = [
        conf.Server(port=port, name=name, sync=sync,
                    extra='keepalive_timeout 10m;' + extra)
        for port, extra in ((PORT, ''), (RETRY, 'ssl_ecdh_curve secp384r1;'))
        for name, sync in (('a.example', 'main'), ('off.example', 'off'),
                           ('other.example', 'other'))]
    cluster.start()
    cluster.wait_agreed()
    return cluster


def context(version, size):
    """A client whose ClientHello is longer by about so many bytes."""
    made = clients.Client(version).context
    made.set_alpn_protocols(['http/1.1'] + ['x' * 99] * (size // 100))
    return made


@pytest.mark.parametrize('version', clients.VERSIONS)
@pytest.mark.parametrize('port', [PORT, RETRY], ids=['', 'retry'])
@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('name', NAMES)
def test_has_gone(cluster, name, size, port, version):
    """It is removed while the connection goes on."""
    host, = cluster.hosts
    with socket.create_connection((host.address, port), 60) as plain:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context(version, size).wrap_bio(incoming, outgoing,
                                              server_hostname=name)

        def step(action, *args):
            while True:
                try:
                    return action(*args)
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    data = plain.recv(65536)
                    assert data, 'the server has closed'
                    incoming.write(data)

        step(tls.do_handshake)
        for _ in range(2):
            tls.write(ASK % (name or 'a.example').encode())
            assert step(tls.read, 65536).startswith(b'HTTP/1.1 200')
            assert filters.spare(host)
