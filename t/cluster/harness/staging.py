"""The staging cluster: hosts behind a balancer, memcached servers, clients.

Two listeners, of the balancer and of every host: "tickets", and "ids" with
"ssl_session_tickets off".  Both serve the same names.
"""

import configparser
import os
import shutil

from . import balancer, cluster, conf, memcached, middlebox, process

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
    """A context.  What nginx logged is for the caller to judge.

    "middleboxes": each memcached server has one.
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
            host.config.groups[0].memcached = [
                self.middleboxes[server.name].server
                for server in self.memcached]
        if self.with_clocks:
            host.shift_clock('+0')

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
            for client in self.clients:
                client.site.close()
