"""The staging cluster: hosts behind a balancer, memcached servers, clients.

Two listeners, of the balancer and of every host: "tickets", and "ids" with
"ssl_session_tickets off".  Both serve the same names.
"""

import configparser
import os
import shutil

from . import (balancer, cluster, conf, dns, faults, memcached, middlebox,
               process)

PASSWORD = 'nginx:staging'
TICKETS, IDS = 'tickets', 'ids'
LISTENERS = {TICKETS: conf.PORT[conf.HTTP], IDS: 8445}

CONFIGURATION = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'staging.conf')


class Settings:
    """A configuration file, such as staging.conf."""

    def __init__(self, file=None):
        self.file = file or CONFIGURATION
        parser = configparser.ConfigParser(interpolation=None)
        with open(self.file, encoding='utf-8') as f:
            parser.read_file(f)
        self.hosts = parser.getint('machines', 'hosts')
        self.memcached = parser.getint('machines', 'memcached')
        self.clients = parser.getint('machines', 'clients')
        nginx, group = parser['nginx'], parser['cluster']
        self.workers = nginx.getint('workers')
        self.names = nginx['names'].split()
        self.session_timeout = nginx['session_timeout']
        self.session_cache = nginx['session_cache']
        self.rotation = group['key_rotation']
        self.poll = group['poll_interval']
        self.lookup_timeout = group['lookup_timeout']
        self.special = {
            kind: [number for number in map(int, parser.get(
                'memcached', kind, fallback='').split())
                   if number <= self.memcached]
            for kind in (faults.TLS, faults.NAMED, faults.GUARDED)}
        if not memcached.has_tls():
            self.special[faults.TLS] = []
        named, tls = (set(self.special[kind])
                      for kind in (faults.NAMED, faults.TLS))
        if named & tls and named - tls:
            raise ValueError('%s: all that a name stands for have TLS, or '
                             'none' % self.file)
        if self.hosts < 2 or self.memcached < 1 or self.clients < 1:
            raise ValueError('%s: at least 2 hosts, 1 memcached, 1 client'
                             % self.file)


class Client:
    """A place for TLS clients."""

    def __init__(self, lab, name):
        self.name = name
        self.site = lab.network.site()
        self.address = self.site.address


class Staging(cluster.Cluster):
    """A context.  It is for the caller to check what nginx has logged.

    "middleboxes": each memcached server has one; some have TLS, a password, or
    a name, as the settings say.

    "clocks": the clock of every host can be shifted.
    """

    def __init__(self, lab, settings, middleboxes=False, clocks=False):
        super().__init__(lab, hosts=settings.hosts,
                         memcached_servers=settings.memcached, start=False,
                         workers=settings.workers,
                         session_timeout=settings.session_timeout,
                         session_cache=settings.session_cache,
                         rotation=settings.rotation, poll=settings.poll,
                         lookup_timeout=settings.lookup_timeout)
        self.settings = settings
        self.with_middleboxes = middleboxes
        self.with_clocks = clocks
        self.clients = []
        self.middleboxes = {}           # by name of the memcached server
        self.resolvers = {}             # by name of the host
        self.special = {}               # kind: names of memcached servers
        self.balancer = None

    def __enter__(self):
        super().__enter__()
        try:
            self._set_up()
        except BaseException:
            self.tell()
            self.close()
            raise
        return self

    def _set_up(self):
        if self.with_middleboxes:
            self._make_special()
            for server in self.memcached:
                way = middlebox.Middlebox(server.site, memcached.PORT,
                                          server.directory)
                self.middleboxes[server.name] = way
                way.start()
        for host in self.hosts:
            self._configure(host)
        for number in range(self.settings.clients):
            self.clients.append(Client(self.lab, 'c%d' % (number + 1)))
        self.start()
        self.wait_agreed()
        self.balancer = balancer.Balancer(
            self.lab, 'lb', self._directory('lb'), self.hosts, LISTENERS)
        self.balancer.start()
        process.wait_until(self.balancer.all_up, 'every host to be up')

    def _configure(self, host):
        host.config.servers = [
            conf.Server(port=LISTENERS[listener], name=name,
                        extra='' if listener == TICKETS
                        else 'ssl_session_tickets off;')
            for listener in LISTENERS for name in self.settings.names]
        host.config.note = ' host=' + host.name
        if self.middleboxes:
            self._lead_through(host)
        if self.with_clocks:
            host.shift_clock('+0')

    def _make_special(self):
        """Decides which servers have TLS, a password or a name, and prepares
        these.
        """
        for kind, numbers in self.settings.special.items():
            self.special[kind] = [self.memcached[number - 1].name
                                  for number in numbers]
        if not self.lab.network.can_cut:
            # without a network of its own a host has no resolver of its own
            self.special[faults.NAMED] = []
        for server in self.servers(faults.TLS):
            server.pair = self.certificate(server)
        for server in self.servers(faults.GUARDED):
            server.password = PASSWORD
        for server in self.memcached:
            server.restart()

    def servers(self, kind):
        return [server for server in self.memcached
                if server.name in self.special[kind]]

    def _lead_through(self, host):
        """Uses the addresses of the middleboxes instead of the servers'."""
        group = host.config.groups[0]
        named, tls = (self.servers(kind)
                      for kind in (faults.NAMED, faults.TLS))
        lines = [(self.middleboxes[server.name].server, server in tls)
                 for server in self.memcached if server not in named]
        if named:
            lines.append(('%s:%d' % (dns.NAME, middlebox.PORT),
                          named[0] in tls))
            resolver = dns.Dns(host)
            resolver.answer([server.address for server in named])
            self.resolvers[host.name] = resolver
        group.memcached = [line for line, _ in lines]
        group.plain = tuple(line for line, secured in lines if not secured)
        group.trusted = self.lab.certificates.ca if tls else None
        if self.special[faults.GUARDED]:
            group.password = PASSWORD

    def machines(self):
        return [*self.hosts, *self.memcached, self.balancer, *self.clients]

    def __exit__(self, kind, *exc):
        if kind is not None:
            self.tell()
        self.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def close(self):
        try:
            if self.balancer is not None:
                self.balancer.close()
            for way in self.middleboxes.values():
                way.kill()
        finally:
            super().close()
            for resolver in self.resolvers.values():
                resolver.stop()
            for client in self.clients:
                client.site.close()
