"""make demo: a fleet of nginx hosts on this machine resumes as one host.

Real nginx, memcached and clients, in network namespaces of their own; gone
when the show is over.
"""

import itertools
import sys
import time

from harness import clients, cluster as clusters, conf, forwarder
from harness import lab as labs, process, sessions

HOSTS = 3
ROTATION = 4
WIDTH = 72
LISTENER = {conf.HTTP: 'https', conf.STREAM: 'stream', conf.MAIL: 'imaps'}
TICKETLESS = 8445           # of a server with "ssl_session_tickets off"


def say(text=''):
    print(text, flush=True)


def headline(text):
    say()
    say('== ' + text + ' ' + '=' * (WIDTH - len(text) - 4))


class Table:
    """Counts of resumptions: a line for each client, a column for a pair."""

    def __init__(self, names):
        self.pairs = list(itertools.permutations(names, 2))
        self.rows = {}
        self.failures = []

    def add(self, client, result, first):
        cell = self.rows.setdefault(client, {})
        pair = first.name, result.host.name
        good, all_ = cell.get(pair, (0, 0))
        resumed = result.error is None and result.reused
        cell[pair] = good + bool(resumed), all_ + 1
        if not resumed:
            self.failures.append('%s, %s to %s: %s' % (
                client, *pair, result.error or 'a full handshake'))

    def show(self):
        say('%-22s' % 'client' + ''.join('%8s' % ('%s>%s' % pair)
                                         for pair in self.pairs))
        for client, cell in self.rows.items():
            say('%-22s' % client + ''.join(
                '%8s' % ('%d/%d' % cell[pair] if pair in cell else '-')
                for pair in self.pairs))


def show_fleet(cluster):
    for host in cluster.hosts:
        say('  %s  nginx %s  2 workers  %s' % (
            host.name, host.status()['nginx'], host.address))
    for server in cluster.memcached:
        say('  %s  memcached         %s' % (server.name, server.address))


def show_keys(host, began):
    """One line: the keys that matter now, by their short names."""
    roles = {'previous': [], 'current': [], 'next': []}
    for key in host.group()['keys']:
        roles.get(key['role'], []).append(key['name'])
    say('  %5.1f s   ' % (time.monotonic() - began) + '   '.join(
        '%s %-8s' % (role, ' '.join(names) or '-')
        for role, names in roles.items()))


def every_pair(lab, cluster, table):
    """Each client gets a ticket on each host and resumes on every other one.
    """
    for version in clients.VERSIONS:
        python_pairs(cluster, table, version)
        openssl_pairs(cluster, table, version)
        if version in clients.CURL_VERSIONS:
            curl_pairs(cluster, table, version)
        gnutls_pairs(lab, cluster, table, version)


def python_pairs(cluster, table, version):
    client = clients.Client(version)
    for kind in conf.KINDS:
        for first in cluster.hosts:
            issued = client.connect(first, kind=kind)
            for second in cluster.hosts:
                if second is not first:
                    table.add('python %s, %s' % (version[4:], LISTENER[kind]),
                              client.connect(second, issued.session, kind),
                              first)


def openssl_pairs(cluster, table, version):
    for first in cluster.hosts:
        clients.openssl(first, version, cluster.directory, write='demo.pem')
        for second in cluster.hosts:
            if second is not first:
                table.add('openssl %s, https' % version[4:],
                          clients.openssl(second, version, cluster.directory,
                                          read='demo.pem'), first)


def curl_pairs(cluster, table, version):
    for first, second in itertools.permutations(cluster.hosts, 2):
        results = clients.curl([first, second], version, cluster.directory)
        table.add('curl %s, https' % version[4:], results[1], first)


def gnutls_pairs(lab, cluster, table, version):
    for first, second in itertools.permutations(cluster.hosts, 2):
        with forwarder.Forwarder(lab.network.address) as way:
            table.add('gnutls %s, https' % version[4:],
                      clients.gnutls(way, first, second, version,
                                     cluster.directory), first)


def ids_of_every_pair(cluster, table):
    """The same without tickets; each session is in memcached and is used once.
    """
    for version in clients.VERSIONS:
        client = sessions.Client(version)
        for kind in conf.KINDS if version == 'TLSv1.2' else [conf.HTTP]:
            port = TICKETLESS if version == 'TLSv1.3' else None
            # a client does not wait until its session is stored, so it may be
            # too early
            for first, second in itertools.permutations(cluster.hosts, 2):
                table.add('no ticket %s, %s' % (version[4:], LISTENER[kind]),
                          sessions.redeem(client, first, second, kind=kind,
                                          port=port), first)


def has_next(host):
    return any(key['role'] == 'next' for key in host.group()['keys'])


def roll(cluster, table, tickets, rotations, what):
    """Waits for rotations; every ticket issued so far must resume after each.
    """
    began = time.monotonic()
    host = cluster.hosts[0]
    show_keys(host, began)
    for _ in range(rotations):
        for first in cluster.hosts:
            for version in clients.VERSIONS:
                client = clients.Client(version)
                tickets.append((client, first,
                                client.connect(first).session))
        if not has_next(host):
            process.wait_until(lambda: has_next(host), 'a next key')
            show_keys(host, began)
        cluster.wait_rotations(1, host)
        for client, first, session in tickets:
            for second in cluster.hosts:
                if second is not first:
                    table.add(what + ', TLS ' + client.version[4:],
                              client.connect(second, session), first)
        show_keys(host, began)


def show(lab):
    failures = []
    say('Several nginx hosts, one key ring: TLS sessions that resume on '
        'every host.')
    servers = conf.default_servers() + [
        conf.Server(port=TICKETLESS, extra='ssl_session_tickets off;')]
    with clusters.Cluster(lab, hosts=HOSTS, memcached_servers=2,
                          servers=servers,
                          rotation='%ds' % ROTATION) as cluster:
        cluster.wait_agreed()
        names = [host.name for host in cluster.hosts]
        headline('the fleet, keys rotate every %d s' % ROTATION)
        show_fleet(cluster)

        headline('a ticket of one host, offered to another: resumed/tried')
        table = Table(names)
        every_pair(lab, cluster, table)
        table.show()
        failures += table.failures

        headline('a session by ID of one host, offered to another')
        table = Table(names)
        ids_of_every_pair(cluster, table)
        table.show()
        failures += table.failures

        headline('keys roll, and every ticket so far resumes')
        table, tickets = Table(names), []
        roll(cluster, table, tickets, 3, 'rolling')
        table.show()
        failures += table.failures

        victim = cluster.memcached[0]
        headline('%s is killed, keys go on rolling' % victim.name)
        victim.kill()
        process.wait_until(lambda: down(cluster, victim), 'the hosts to see')
        for host in cluster.hosts:
            say('  %s sees  ' % host.name + '   '.join(
                '%s %s' % (server['address'], server['state'])
                for server in host.group()['servers']))
        table = Table(names)
        roll(cluster, table, tickets, 2, 'one server')
        table.show()
        failures += table.failures

        headline('the end')
        for what, name in (('by ticket', 'ticket'),
                           ('by ID, from memcached', 'id_remote')):
            say('resumed %s, as the hosts count: %d' % (what, sum(
                host.group()['handshakes']['resumed_' + name]
                for host in cluster.hosts)))
        say('sessions that did not resume: %d' % len(failures))
        for line in failures:
            say('  ' + line)
    return 1 if failures else 0


def down(cluster, victim):
    return all(server['state'] == 'down' for host in cluster.hosts
               for server in host.group()['servers']
               if server['address'] == victim.server)


def main():
    with labs.Lab() as lab:
        if lab.why_no_namespaces:
            say('(loopback addresses, because network namespaces are not '
                'allowed here: %s)' % lab.why_no_namespaces)
        return show(lab)


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
