"""Points of the scale model: what sessions by ID ask of memcached."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

import client
import formulas
from counted import Counted
from hosts import Host, Memcached, Unfit, until
from ids import address

SERVER = ('cmd_get', 'get_hits', 'cmd_set', 'delete_hits', 'bytes_read',
          'bytes_written')
TIMEOUT = 3600
FULL = {'1.2': 1, '1.3': 2}  # stores of a full handshake, by version of TLS
AGAIN = {'1.2': 0, '1.3': 1}       # and of a resumption


@dataclass
class Sessions:
    """Sessions that are opened on one host and resumed on another."""

    tls: str
    in_flight: int
    n: int
    opened: dict                # {name: number}, counted by memcached
    redeemed: dict
    value: float                # bytes of a record
    item: float                 # bytes of its item in memcached
    chunk: float                # bytes of the slab chunk of that

    def stored(self):
        """Bytes that memcached reads for a store."""
        return self.opened['bytes_read'] / self.opened['cmd_set']

    def read(self):
        """Bytes that it reads for a session that is resumed, without stores.
        """
        stores = self.redeemed['cmd_set'] * self.stored()
        return (self.redeemed['bytes_read'] - stores) / self.n

    def written(self):
        return self.redeemed['bytes_written'] / self.n

    def model(self, names=1):
        """(bytes read, bytes written) with so many names in a "get"."""
        taken = self.tls == '1.3'
        return (formulas.get(names) / names + taken * formulas.REMOVE,
                formulas.answer(round(self.value)) + 5 / names
                + taken * formulas.REMOVED)

    def complaints(self):
        found = []

        def check(what, measured, least, most):
            if not least <= measured <= most:
                found.append('TLS %s: %s: %g, not %g to %g' % (
                    self.tls, what, measured, least, most))

        n = self.n
        check('sessions found', self.redeemed['get_hits'], n, n + 1)
        check('sessions removed', self.redeemed['delete_hits'],
              n * AGAIN[self.tls], (n + 1) * AGAIN[self.tls])
        stores = n * (FULL[self.tls] + AGAIN[self.tls])
        check('stores', self.redeemed['cmd_set'], stores, stores + 3)
        value = formulas.store(round(self.value), TIMEOUT)
        check('bytes of a store', self.stored(), value - 1, value + 1)
        item = formulas.item_bytes(self.value)
        check('bytes of an item', self.item, item - 1, item + 1)
        single, many = self.model(), self.model(64)
        check('bytes read', self.read(), many[0] - 2, single[0] + 2)
        check('bytes written', self.written(), many[1] - 2, single[1] + 2)
        return found


class Gone:
    """Stands for a server that is gone: accepts connections and closes them.
    """

    def __init__(self):
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.address = '127.0.0.1:%d' % self.socket.getsockname()[1]
        self.attempts = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.socket.accept()[0].close()
                self.attempts += 1


def attempts(site, workers=2, seconds=10):
    """How often a second a worker tries to connect to a server that is gone.
    """
    gone = Gone()
    host = Host(site, 'gone', site.cluster(
        gone, rotation='7d', poll='1h', namespace='gone', lookup='50ms',
        secrecy='off'),
        workers=workers)
    until(lambda: gone.attempts > workers, 'attempts to connect')
    before, began = gone.attempts, time.monotonic()
    time.sleep(seconds)
    rate = (gone.attempts - before) / (time.monotonic() - began)
    site.stop([host.process])
    gone.socket.close()
    return rate / workers


def measure(site, n, cases=(('1.2', 1), ('1.2', 32), ('1.3', 32))):
    client.build()
    return [one(site, tls, in_flight, n) for tls, in_flight in cases]


def one(site, tls, in_flight, n):
    label = 'sessions-%s-%d' % (tls, in_flight)
    server = Memcached(site, label + '-m')
    # no polls while this is measured
    cluster = site.cluster(server, rotation='7d', poll='1h', namespace=label,
                           secrecy='off')
    hosts = []
    for i in range(2):
        hosts.append(Host(site, '%s-h%d' % (label, i), cluster))
        until(hosts[-1].settled, label + ' with a key')
    counted = Counted(server.address)
    first, second = (address(host, tls) for host in hosts)

    def state(stores=0, run=None):
        """The counters when all stores have arrived, since nothing waits for
        them.
        """
        if run and (run['failures'] or run['mode'] == 'id'
                    and run['resumed'] != n):
            raise Unfit('%s: %d of %d resumed, %d failed: %s' % (
                label, run['resumed'], n, run['failures'], run['reasons']))
        until(lambda: counted.numbers()['cmd_set'] >= stores,
              '%d stores' % stores)
        found = counted.numbers()
        return {name: found[name] for name in SERVER}

    zero = state()
    opened = client.run(first, first, 'full-id', tls, n, core=site.other_core,
                        in_flight=in_flight)
    middle = state(zero['cmd_set'] + n * FULL[tls], opened)
    chunks = counted.chunks()
    sizes = [(value, item) for kind, value, item, _ in counted.items()
             if kind == 'session']
    begin = state()
    redeemed = client.run(first, second, 'id', tls, n, core=site.other_core,
                          in_flight=in_flight)
    end = state(begin['cmd_set'] + n * (FULL[tls] + AGAIN[tls]), redeemed)
    counted.close()
    site.stop([host.process for host in hosts] + [server.process])
    def between(a, b):
        return {name: b[name] - a[name] for name in a}

    return Sessions(
        tls, in_flight, n, between(zero, middle), between(begin, end),
        sum(value for value, _ in sizes) / len(sizes),
        sum(item for _, item in sizes) / len(sizes), chunks / len(sizes))
