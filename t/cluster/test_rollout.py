"""The change from plain connections to TLS as docs/operations.md has it, under
load.
"""

import os
import re
import shlex

import pytest

from harness import clients, conf, load, process, sessions

pytestmark = pytest.mark.usefixtures('needs_tls')

PLAIN, SECURED = 11211, 11212       # the ports in docs/operations.md


def commands():
    """The arguments of memcached, for each start on the page."""
    page = os.path.join(conf.REPOSITORY, 'docs', 'operations.md')
    with open(page, encoding='utf-8') as f:
        section = f.read().partition('### From plain to TLS')[2]
    return re.findall(r'^ +memcached (-.*)$', section.partition('\n## ')[0],
                      re.M)


def restart(cluster, server, command, port):
    """Restarts servers as the page says, and waits until hosts have written
    all keys again.
    """
    certificate, key = cluster.certificate(server)
    for here, there in (('10.0.0.11', server.address), ('nobody', 'root'),
                        ('=cert.pem', '=' + certificate),
                        ('=key.pem', '=' + key)):
        assert here in command
        command = command.replace(here, there)
    server.kill()
    server.arguments = shlex.split(command)
    server.pair = (certificate, key) if port == SECURED else None
    server.port = port
    server.start()
    wait_whole(cluster, server)


def wait_whole(cluster, *servers):
    def whole():
        for host in cluster.hosts:
            shown = {s['address']: s for s in host.group()['servers']}
            for server in servers:
                one = shown.get(server.server)
                if not one or one['state'] != 'up' or not one['whole']:
                    return False
        return True

    process.wait_until(whole, 'every key to be back')


def name(host, servers, trusted, plain=()):
    """Changes the memcached servers of a host, and waits until all is well."""
    group = host.config.groups[0]
    group.memcached = [server.server for server in servers]
    group.plain = tuple(server.server for server in plain)
    group.trusted = trusted
    host.reload()

    def ok():
        shown = host.group()
        return (shown['state'] == 'ok'
                and {s['address'] for s in shown['servers']}
                == set(group.memcached)
                and all(s['state'] == 'up' for s in shown['servers']))

    process.wait_until(ok, host.name + ' to use its servers')


@pytest.fixture
def cluster(make_cluster):
    cluster = make_cluster(hosts=3, memcached_servers=2, rotation='8s',
                           poll='500ms', tls=False, session_cache='none')
    cluster.wait_agreed()
    cluster.wait_whole()
    return cluster


def judge(cluster, steady):
    """There was load until the end, and sessions of both kinds resume."""
    count = steady.resumed
    process.wait_until(lambda: steady.resumed > count + 100, 'some load')
    cluster.wait_agreed()
    wait_whole(cluster, *[server for server in cluster.memcached
                          if server.process])


def test_second_port(cluster):
    both, alone = commands()
    trusted = cluster.lab.certificates.ca
    with load.Load(cluster.hosts, lifetime=250) as steady:
        for server in cluster.memcached:
            restart(cluster, server, both, PLAIN)
        for server in cluster.memcached:
            server.port = SECURED
            server.pair = cluster.certificate(server)
        for host in cluster.hosts:
            name(host, cluster.memcached, trusted)
        for server in cluster.memcached:
            restart(cluster, server, alone, SECURED)
            with pytest.raises(ConnectionRefusedError):
                server.port = PLAIN
                server.connect()
            server.port = SECURED
        judge(cluster, steady)
    sessions.without_tickets(cluster.hosts)
    for host in cluster.hosts:
        host.reload()
    cluster.wait_whole()
    for version in clients.VERSIONS:
        sessions.redeem(sessions.Client(version), *cluster.hosts[:2])


def test_servers_beside_servers(cluster):
    old = list(cluster.memcached)
    trusted = cluster.lab.certificates.ca
    with load.Load(cluster.hosts, lifetime=250) as steady:
        new = []
        for _ in range(2):
            server = cluster.add_memcached()
            server.pair = cluster.certificate(server)
            server.start()
            new.append(server)
        for host in cluster.hosts:
            name(host, old + new, trusted, plain=old)
        wait_whole(cluster, *new)
        for host in cluster.hosts:
            name(host, new, trusted)
        for server in old:
            server.kill()
        judge(cluster, steady)
