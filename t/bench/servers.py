"""Start and reload of a host that has thousands of name-based servers.

Each server has two names, and a certificate and a key of its own, so that most
of nginx's work is reading these.  A variant is a host that is started,
reloaded, and whose configuration is tested, once in each round; all variants
take turns at each of these.

CPU time is that of the master and, if there is one, of the worker that serves
by then, including one handshake.  Memory is that of both together, with shared
pages divided by the number of processes (Pss).
"""

import ctypes
import os
import signal
import socket
import ssl
import sys
import time

import memory
import ratios
import tables
from hosts import (NGINX, PATIENCE, REPOSITORY, Host, Unfit, children, until)
from ratios import AGAIN, MODULE, PLAIN

sys.path.append(os.path.join(REPOSITORY, 't', 'cluster'))

from harness import authority  # noqa: E402

ROUNDS = 8
TARGET = 1.1
CPU, MEMORY = 'CPU ms', 'Pss kB'
START, RELOAD, TEST = 'start', 'reload', 'nginx -t'
PEAK = ('most of the master in a reload', 'Rss kB')


class Names:
    """The names of each server, in order, and their certificates."""

    def __init__(self, site, n):
        directory = os.path.join(site.directory, 'names')
        os.mkdir(directory)
        issuer = authority.Authority(directory, 'authority')
        self.issuer = issuer.file
        self.servers = []
        for i in range(n):
            names = ['server%d.example' % i, 'www.server%d.example' % i]
            self.servers.append((names, issuer.issue(names[0], names)))


class Many(Host):
    """A host with a server for each of the names."""

    def __init__(self, site, label, names, cluster=None):
        self.names = names
        super().__init__(site, label, cluster, cache='16m')

    def _servers(self):
        lines = ['server_names_hash_max_size 65536;',
                 'server_names_hash_bucket_size 128;']
        return lines + [
            'server { listen %s ssl; server_name %s; ssl_certificate %s; '
            'ssl_certificate_key %s; return 204; }'
            % (self.address, ' '.join(names), pair.certificate, pair.key)
            for names, pair in self.names.servers]

    def served(self):
        """Waits until the last of the servers has sent its certificate."""
        name = self.names.servers[-1][0][-1]
        context = ssl.create_default_context(cafile=self.names.issuer)
        try:
            with socket.create_connection(('127.0.0.1', self.port),
                                          PATIENCE) as s:
                context.wrap_socket(s, server_hostname=name).close()
        except OSError as e:
            raise Unfit('%s, %s: %s' % (self.label, name, e)) from e

    def pids(self):
        return [self.process.pid, self.worker]

    def reload(self):
        """Reloads; waits until the old worker has ended and the new one
        serves.
        """
        old = self.worker
        os.kill(self.process.pid, signal.SIGHUP)

        def renewed():
            found = children(self.process.pid)
            return len(found) == self.workers and old not in found and found

        self.worker = until(renewed, self.label + ' with a new worker',
                            process=self.process.child)[0]
        self.served()

    def memory(self):
        """Kilobytes; None if the system does not report them."""
        found = [memory.worker(pid) for pid in self.pids()]
        return sum(one.pss for one in found) if all(found) else None


def used(pid):
    """CPU time of all threads of a process, including those that have ended.
    """
    clock = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise Unfit('there is no process %d' % pid)
    return time.clock_gettime(clock.value)


class Round:
    """A host of each variant, and the time of each step."""

    def __init__(self, site, names, cluster, number):
        self.site, self.names, self.number = site, names, number
        self.clusters = {PLAIN: None, AGAIN: None, MODULE: cluster}
        self.hosts = {}
        self.found = {}     # {(what, unit): {variant: number}}

    def note(self, what, unit, variant, number):
        if number is not None:
            self.found.setdefault((what, unit), {})[variant] = number

    def start(self, variant):
        host = self.hosts[variant] = Many(
            self.site, 'names-%d-%d' % (self.number, len(self.hosts)),
            self.names, self.clusters[variant])
        host.served()
        self.note(START, CPU, variant, 1e3 * sum(map(used, host.pids())))
        if host.cluster:
            until(host.settled, host.label + ' with a key')
        self.note(START, MEMORY, variant, host.memory())

    def reload(self, variant):
        host = self.hosts[variant]
        before = used(host.process.pid)
        host.reload()
        spent = sum(map(used, host.pids())) - before
        self.note(RELOAD, CPU, variant, 1e3 * spent)
        if host.cluster:
            until(host.settled, host.label + ' with a key')
        self.note(RELOAD, MEMORY, variant, host.memory())
        self.note(*PEAK, variant, memory.peak(host.process.pid))

    def test(self, variant):
        host = self.hosts[variant]
        process = self.site.start(
            [NGINX, '-t', '-q', '-p', host.directory + '/', '-c',
             os.path.join(host.directory, 'nginx.conf'),
             '-e', os.path.join(host.directory, 'error.log')],
            host.label + '-test', self.site.server_core)

        def ended():
            found = os.wait4(process.pid, os.WNOHANG)
            return found[0] and found[1:]

        status, spent = until(ended, host.label + ' tested')
        process.child.returncode = os.waitstatus_to_exitcode(status)
        if status:
            raise Unfit('nginx -t: %s' % process.said())
        self.site.stop([process])
        self.note(TEST, CPU, variant,
                  1e3 * (spent.ru_utime + spent.ru_stime))

    def run(self):
        for step in self.start, self.reload, self.test:
            for variant in ratios.turned(list(self.clusters), self.number):
                step(variant)
        self.site.stop([host.process for host in self.hosts.values()])
        return self.found


def describe(rounds):
    """A dict for each thing measured, in order."""
    rows = []
    for what, unit in rounds[0]:
        plain, again, module = (
            [found[what, unit][variant] for found in rounds]
            for variant in (PLAIN, AGAIN, MODULE))
        each = [a / b for a, b in zip(module, plain)]
        interval = ratios.interval(each)
        rows.append({
            'what': what, 'unit': unit,
            'plain': ratios.middle(plain), 'module': ratios.middle(module),
            'ratio': ratios.middle(each), 'interval': interval,
            'again': ratios.middle([a / b for a, b in zip(again, plain)]),
            'target': TARGET, 'verdict': tables.verdict(interval, TARGET)})
    return rows


def measure(site, memcached, n, rounds, progress):
    """The results of start and reload of n servers, in so many rounds."""
    progress('issuing %d certificates' % n)
    names = Names(site, n)
    cluster = site.cluster(memcached, namespace='names')
    found = []
    for number in range(rounds):
        progress('starting %d servers, round %d of %d' % (n, number + 1,
                                                          rounds))
        found.append(Round(site, names, cluster, number).run())
    return {'servers': n, 'rounds': rounds, 'rows': describe(found)}
