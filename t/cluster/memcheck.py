"""make valgrind: nginx with the module under valgrind's memcheck.

One of two hosts runs under valgrind, master and worker, while clients resume
by ticket and by ID in TLS 1.2 and 1.3, forge, hang up, and memcached is
killed and frozen; it reloads and quits.  One of two memcached servers has TLS,
and for a while a certificate of an authority that is not trusted.  Any error,
and anything definitely lost in any of its processes, fails, but what
t/cluster/memcheck.supp explains.
"""

import glob
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
import time

from harness import clients, cluster as clusters, conf
from harness import lab as labs, nginx, process, session_load, sessions
from harness import unusable

HERE = os.path.dirname(os.path.abspath(__file__))
NO_TICKETS = {conf.HTTP: 8453, conf.STREAM: 8454}
SLOW = 120


class Host(nginx.Host):
    """A host whose nginx processes run under valgrind, and so have other
    names.
    """

    logs = None

    def command(self, *options):
        return self.site.command(
            ['valgrind', '--quiet', '--leak-check=full',
             '--show-leak-kinds=definite',
             '--errors-for-leak-kinds=definite', '--num-callers=40',
             '--keep-debuginfo=yes', '--fair-sched=yes',
             '--suppressions=' + os.path.join(HERE, 'memcheck.supp'),
             '--gen-suppressions=all',
             '--log-file=' + os.path.join(self.logs, '%p.log'),
             self.build.binary, '-p', self.directory + '/', '-c',
             self.path('nginx.conf'), '-e', self.path('error.log'),
             *options])

    def workers(self, master=None):
        return process.children(master or self.pid)


class Load:
    """Makes every kind of handshake, and counts what the server says they
    were.
    """

    def __init__(self, host, other):
        self.host = host
        self.other = other
        self.seen = {}
        self.failed = []

    def count(self, result):
        if result.error:
            self.failed.append(result)
        kind = result.fields.get('sync', '?')
        self.seen[kind] = self.seen.get(kind, 0) + 1
        return result

    def tickets(self):
        for version in clients.VERSIONS:
            one = clients.Client(version, timeout=SLOW)
            for kind in conf.KINDS:
                first = self.count(one.connect(self.other, kind=kind))
                for name in 'a.example', 'b.example':
                    again = self.count(one.connect(
                        self.host, session=first.session, kind=kind,
                        name=name))
                self.count(one.connect(self.host, session=again.session,
                                       kind=kind))

    def ids(self):
        for version in clients.VERSIONS:
            one = session_load.Client(version, timeout=SLOW)
            for kind, port in NO_TICKETS.items():
                there = {'kind': kind, 'port': port}
                for first in self.other, self.host:
                    session = self.count(one.connect(first, **there)).session
                    for name in 'b.example', 'a.example', 'a.example':
                        self.count(one.connect(self.host, session=session,
                                               name=name, **there))

    def forged(self):
        """Offers IDs that nobody has made, and real ones with one byte
        changed.
        """
        for version in clients.VERSIONS:
            one = sessions.Client(version, timeout=SLOW)
            there = {'port': NO_TICKETS[conf.HTTP]}
            session = self.count(one.connect(self.other, **there)).session
            for identity in (secrets.token_bytes(32),
                             session.identity[:31] + b'!',
                             session.identity[:4] + secrets.token_bytes(28)):
                result = self.count(one.connect(
                    self.host, session=session.under(identity), **there))
                if result.reused:
                    result.error = 'a forged ID was resumed'
                    self.failed.append(result)

    def hang_up(self):
        """Begins handshakes, and closes them after each byte of the
        ClientHello.
        """
        one = session_load.Client('TLSv1.2')
        session = one.full(self.other, port=NO_TICKETS[conf.HTTP]).session
        hello = session_load.client_hello(one, session)
        for end in (1, 5, 9, 60, len(hello) - 1, len(hello)):
            with socket.create_connection(
                    (self.host.address, NO_TICKETS[conf.HTTP]), SLOW) as s:
                s.sendall(hello[:end])
        with socket.create_connection(
                (self.host.address, NO_TICKETS[conf.HTTP]), SLOW) as s:
            s.sendall(b'\x16\x03\x01\xff\xff' + secrets.token_bytes(300))
            s.recv(100)

    def all(self):
        self.tickets()
        self.ids()
        self.forged()
        self.hang_up()


def show(text, began):
    print('  %5.1f s  %s' % (time.monotonic() - began, text), flush=True)


def run(lab, logs):
    began = time.monotonic()
    with clusters.Cluster(lab, hosts=2, memcached_servers=2, start=False,
                          tls=True, rotation='8s', poll='1s', workers=1,
                          lookup_timeout='1s',
                          session_cache='shared:sessions:1m') as cluster:
        other, host = cluster.hosts
        host.__class__ = Host
        host.logs = logs
        host.expected.append('packet length too long')
        secured, plain = cluster.memcached
        good, plain.pair = secured.pair, None
        plain.restart()
        for one in cluster.hosts:
            one.config.groups[0].plain = (plain.server,)
            one.config.servers = conf.default_servers() + [
                conf.Server(kind, port=port,
                            extra='ssl_session_tickets off;')
                for kind, port in NO_TICKETS.items()]
        cluster.start()
        cluster.wait_agreed(timeout=SLOW)
        load = Load(host, other)
        show('started', began)
        load.all()
        show('tickets, IDs, forged IDs, clients that hang up', began)

        cluster.memcached[0].restart()
        load.ids()
        for server in cluster.memcached:
            server.freeze()
        load.ids()
        for server in cluster.memcached:
            server.thaw()
        show('memcached restarted and frozen', began)

        secured.pair = cluster.certificate(secured, 'other-ca')
        secured.restart()
        unusable.wait_error(host, secured, 'the certificate is refused')
        load.ids()
        secured.pair = good
        secured.restart()
        cluster.wait_whole(timeout=SLOW)
        show('a certificate refused, and exchanged', began)

        host.reload()
        load.all()
        show('reloaded', began)

        cluster.wait_rotations(1, host=host)
        load.tickets()
        load.ids()
        show('a key rotated', began)
        for one in cluster.hosts:
            one.stop()
        show('quit', began)
    return load


def judge(load, logs):
    """Returns what is wrong: failed handshakes, kinds that were not seen, and
    reports of valgrind.
    """
    wrong = [repr(result) for result in load.failed]
    for kind in 'full', 'ticket', 'id-local', 'id-remote':
        if not load.seen.get(kind):
            wrong.append('no handshake was "%s"' % kind)
    files = sorted(glob.glob(os.path.join(logs, '*.log')))
    # the process that checked the configuration, the master, and two workers
    if len(files) < 4:
        wrong.append('valgrind watched %d processes' % len(files))
    for file in files:
        with open(file, encoding='utf-8', errors='replace') as f:
            text = re.sub(r'^==\d+== ?', '', f.read(), flags=re.M).strip()
        if text:
            wrong.append('process %s:\n%s' % (
                os.path.basename(file)[:-4], text))
    print('  %d processes; handshakes: %s' % (len(files), ', '.join(
        '%s %d' % item for item in sorted(load.seen.items()))))
    return wrong


def main():
    if shutil.which('valgrind') is None:
        print('there is no valgrind')
        return 1
    logs = tempfile.mkdtemp(prefix='sss-memcheck-')
    os.chmod(logs, 0o777)
    try:
        with labs.Lab() as lab:
            wrong = judge(run(lab, logs), logs)
    finally:
        shutil.rmtree(logs, ignore_errors=True)
    for line in wrong:
        print(line)
    print('valgrind: %s' % ('FAILED, %d complaints' % len(wrong) if wrong
                            else 'ok'))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
