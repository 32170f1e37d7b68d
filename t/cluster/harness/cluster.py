"""Hosts and memcached servers together."""

import os
import secrets
import shutil
import threading

from . import conf, dns, memcached, nginx, process


class Cluster:
    """A context: hosts and servers run in it, and are gone afterwards.

    Parameters that are not named here are attributes of conf.Group (rotation,
    poll...) or of conf.Config (session_timeout, servers...), and apply to all
    hosts.  With "tls" memcached has TLS.
    """

    def __init__(self, lab, hosts=3, memcached_servers=2, start=True,
                 tls=False, **parameters):
        self.lab = lab
        self.build = conf.Build()
        self.directory = lab.make(lab.next_cluster())
        self.start_at_once = start
        self.tls = tls
        self.issued = 0
        self.parameters = parameters
        self.secret = secrets.token_hex(32)
        self.memcached = []
        self.hosts = []
        self.wanted = hosts, memcached_servers

    def __enter__(self):
        try:
            hosts, memcached_servers = self.wanted
            for _ in range(memcached_servers):
                self.add_memcached().start()
            for _ in range(hosts):
                self.add_host()
            if self.start_at_once:
                self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, *exc):
        if kind is not None:
            self.tell()
        self.close()
        if kind is None:
            bad = ['%s: %s' % (host.name, line) for host in self.hosts
                   for line in host.bad_lines()]
            shutil.rmtree(self.directory, ignore_errors=True)
            assert not bad, '\n'.join(bad)
        shutil.rmtree(self.directory, ignore_errors=True)

    def tell(self):
        """For the report of a failed test."""
        for host in self.hosts:
            lines = [line for line in host.log().splitlines()
                     if 'ssl_session_sync' in line
                     or any(mark in line for mark in nginx.BAD_LINES)]
            print('--- error log of', host.name, *lines[-40:], sep='\n')

    def close(self):
        for machine in self.memcached:
            if machine.frozen:
                machine.thaw()
        failed = []
        for machine in self.hosts + self.memcached:
            try:
                machine.close()
            except AssertionError as error:
                failed.append(str(error))
        assert not failed, '\n'.join(failed)

    def _directory(self, name):
        path = os.path.join(self.directory, name)
        os.mkdir(path)
        return path

    def add_memcached(self):
        name = 'm%d' % (len(self.memcached) + 1)
        server = memcached.Memcached(self.lab, name, self._directory(name))
        self.memcached.append(server)
        if self.tls:
            server.pair = self.certificate(server)
        return server

    def certificate(self, server, ca='ca', expired=False):
        """Another certificate for memcached, and for what is in front of it.
        """
        self.issued += 1
        name = '%s-%s-%d' % (os.path.basename(self.directory), server.name,
                             self.issued)
        pair = self.lab.certificates.issue(
            name, 'IP:%s,IP:%s,DNS:%s' % (
                server.address, self.lab.network.address, dns.NAME), ca)
        return self.lab.certificates.expire(name) if expired else pair

    def add_host(self, **parameters):
        """Adds a host without starting it."""
        name = 'h%d' % (len(self.hosts) + 1)
        host = nginx.Host(self.lab, self.build, name, self._directory(name))
        self.hosts.append(host)
        group = host.config.groups[0]
        if self.memcached:
            group.memcached = [m.server for m in self.memcached]
            group.secrets = [self.secret]
            group.trusted = self.lab.certificates.ca if self.tls else None
        for key, value in {**self.parameters, **parameters}.items():
            target = group if hasattr(group, key) else host.config
            if not hasattr(target, key):
                raise TypeError('no parameter ' + key)
            setattr(target, key, value)
        return host

    def start(self):
        """Starts all hosts at the same moment."""
        errors = []

        def start(host):
            try:
                host.start()
            except Exception as error:      # reported by the main thread
                errors.append(error)

        threads = [threading.Thread(target=start, args=[host])
                   for host in self.hosts if host.pid is None]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def wait_agreed(self, hosts=None, timeout=process.PATIENCE,
                    group='main'):
        """Waits until the hosts have the same keys, and a server that answers.
        """
        hosts = hosts or self.hosts

        def agreed():
            shown = [host.group(group) for host in hosts]
            keys = [{key['name'] for key in one['keys']} for one in shown]
            return (all(one['state'] in ('ok', 'local') for one in shown)
                    and keys[0] and all(k == keys[0] for k in keys))

        process.wait_until(agreed, 'the hosts to have one ring', timeout)

    def wait_whole(self, hosts=None, servers=None,
                   timeout=process.PATIENCE):
        """Waits until these servers have every key of these hosts."""
        wanted = [m.server for m in (servers or self.memcached)]

        def whole():
            for host in hosts or self.hosts:
                states = {s['address']: s for s in host.group()['servers']}
                for address in wanted:
                    server = states[address]
                    if server['state'] != 'up' or not server['whole']:
                        return False
            return True

        process.wait_until(whole, 'a whole ring on every server', timeout)

    def wait_rotations(self, count, host=None):
        """Waits until another key has begun to encrypt so many times."""
        host = host or self.hosts[0]
        for _ in range(count):
            before = current_key(host)
            process.wait_until(
                lambda before=before: current_key(host) not in (None, before),
                'the encrypting key of %s to change' % host.name)


def current_key(host, group='main'):
    for key in host.group(group)['keys']:
        if key['role'] == 'current':
            return key['name']
    return None
