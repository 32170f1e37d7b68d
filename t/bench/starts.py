"""How long a start and a reload take, whatever memcached does.

A host is started and reloaded with a memcached that answers, with one that is
frozen, and with a name that does not resolve; plain nginx beside it.  All take
turns.  The time is that from the start of nginx, or from the signal, to the
end of the first request over TLS that a new worker has answered.
"""

import os
import signal
import socket
import ssl
import time

import ratios
from hosts import PATIENCE, Host, Memcached, Unfit, until
from ratios import AGAIN, PLAIN

ROUNDS = 8
START, RELOAD = 'start', 'reload'
HEALTHY, FROZEN, NAMELESS = (
    'memcached answers', 'memcached is frozen', 'the name does not resolve')
NOWHERE = 'no-such-host.invalid:11211'


class Nowhere:
    """A memcached server whose name does not resolve."""

    address = NOWHERE


class Timed(Host):
    """A host that says which worker answers, and how long its start took."""

    def __init__(self, *where, **how):
        self.began = time.monotonic()
        self.took = None
        super().__init__(*where, **how)

    def _servers(self):
        return ['server { listen %s ssl; return 200 $pid; }' % self.address]

    def _wait(self, single):
        self.worker = self.answered(lambda pid: True)
        self.took = time.monotonic() - self.began

    def ask(self):
        """The pid of the worker that answers; None: none does yet."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with socket.create_connection(('127.0.0.1', self.port),
                                          PATIENCE) as s:
                with context.wrap_socket(s) as tls:
                    tls.sendall(b'GET / HTTP/1.0\r\n\r\n')
                    answer = b''.join(iter(lambda: tls.recv(4096), b''))
        except OSError:
            return None
        return int(answer.rsplit(b'\r\n', 1)[1] or 0)

    def answered(self, good):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            pid = self.ask()
            if pid and good(pid):
                return pid
            if self.process.child.poll() is not None:
                raise Unfit('%s ended\n%s' % (self.label,
                                              self.process.said()))
        raise Unfit('%s: not within %d seconds' % (self.label, PATIENCE))

    def reload(self):
        """Reloads; returns the seconds until another worker answers."""
        old, began = self.worker, time.monotonic()
        os.kill(self.process.pid, signal.SIGHUP)
        self.worker = self.answered(lambda pid: pid != old)
        return time.monotonic() - began


def stopped(pid):
    with open('/proc/%d/stat' % pid, encoding='ascii') as f:
        return f.read().rsplit(')', 1)[1].split()[0] == 'T'


class Variants:

    def __init__(self, site):
        self.site = site
        self.healthy = Memcached(site, 'starts-healthy')
        self.frozen = Memcached(site, 'starts-frozen')
        self.number = 0
        os.kill(self.frozen.process.pid, signal.SIGSTOP)
        until(lambda: stopped(self.frozen.process.pid), 'a frozen memcached')

    def clusters(self):
        """Cluster blocks with a new namespace each, so that keys must be
        fetched.
        """
        self.number += 1
        namespace = 'starts-%d' % self.number
        return {PLAIN: None, AGAIN: None, **{
            label: self.site.cluster(server, namespace=namespace)
            for label, server in ((HEALTHY, self.healthy),
                                  (FROZEN, self.frozen),
                                  (NAMELESS, Nowhere))}}

    def round(self, number):
        """{what: {variant: seconds}}"""
        clusters = self.clusters()
        found = {START: {}, RELOAD: {}}
        for variant in ratios.turned(list(clusters), number):
            host = Timed(self.site, 'starts-%d-%d' % (number, len(found[
                START])), clusters[variant], cache='1m')
            found[START][variant] = host.took
            found[RELOAD][variant] = host.reload()
            self.site.stop([host.process])
        return found

    def stop(self):
        self.site.stop([self.healthy.process, self.frozen.process])


def measure(site, rounds, progress):
    """A dict for each step and variant, in order."""
    variants = Variants(site)
    found = []
    for number in range(rounds):
        progress('starting hosts, round %d of %d' % (number + 1, rounds))
        found.append(variants.round(number))
    variants.stop()
    rows = []
    for what in START, RELOAD:
        for label in found[0][what]:
            each = [one[what][label] / one[what][PLAIN] for one in found]
            rows.append({
                'what': what, 'variant': label,
                'ms': 1e3 * ratios.middle([one[what][label]
                                           for one in found]),
                'longest_ms': 1e3 * max(one[what][label] for one in found),
                'ratio': ratios.middle(each),
                'interval': ratios.interval(each)})
    order = [PLAIN, AGAIN, HEALTHY, FROZEN, NAMELESS]
    rows.sort(key=lambda row: ((START, RELOAD).index(row['what']),
                               order.index(row['variant'])))
    return {'rounds': rounds, 'rows': rows}
