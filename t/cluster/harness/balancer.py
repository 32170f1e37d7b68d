"""HAProxy in TCP mode: distributes connections over the hosts that are up.

Its log has one line for each connection that has ended, and one whenever a
host goes up or down.  If a host refuses a connection, or does not accept it
within a second, another host gets it.  A connection that a host has accepted
stays there, and is closed when nothing was sent over it for ten seconds.
"""

import bisect
import csv
import os
import re
import socket
import subprocess
from dataclasses import dataclass

from . import conf, process

STATISTICS_PORT = 9000

# accept date, client, backend, server, retries ("+": it went to another
# host in the end), how it ended, milliseconds: queue/connect/all
LOG_FORMAT = 'conn %Ts.%ms %ci:%cp %b %s %rc %ts %Tw/%Tc/%Tt %B'
LINE = re.compile(r'^conn (\d+\.\d+) ([^ ]+):(\d+) (\S+) (\S+) \+?(\d+) (\S+) '
                  r'(\S+) ')


@dataclass
class Connection:
    """What the log says about a connection."""

    when: float
    server: str         # the host that got it, or <NOSRV>
    retries: int
    ended: str          # HAProxy's two letters for how it ended
    times: str


class Balancer:

    def __init__(self, lab, name, directory, hosts, ports):
        """"ports": {name of a listener: port of it and of the hosts}"""
        self.name = name
        self.directory = directory
        self.hosts = hosts
        self.ports = ports
        self.process = None
        self.site = lab.network.site()
        self.address = self.site.address

    def path(self, name):
        return os.path.join(self.directory, name)

    def text(self):
        # the path of a socket must be short, so it is relative
        lines = ['global', 'log stdout format raw local0 info',
                 'stats socket unix@admin.sock mode 600 level admin',
                 'nbthread 1', 'maxconn 4000',
                 'defaults', 'mode tcp', 'log global',
                 'option redispatch 1', 'retries 3',
                 'timeout connect 1s', 'timeout client 10s',
                 'timeout server 10s', 'timeout check 1s',
                 'listen statistics', 'mode http', 'no log',
                 'bind %s:%d' % (self.address, STATISTICS_PORT),
                 'stats enable', 'stats uri /', 'stats refresh 2s']
        first = None
        for name, port in self.ports.items():
            lines += ['frontend %s' % name,
                      'bind %s:%d' % (self.address, port),
                      'log-format "%s"' % LOG_FORMAT,
                      'default_backend %s' % name,
                      'backend %s' % name, 'balance roundrobin']
            if first is None:
                lines += ['option httpchk GET /auth']
            how = ('track %s/%%s' % first if first else
                   'check port %d inter 500ms fall 2 rise 2'
                   % conf.STATUS_PORT)
            for host in self.hosts:
                lines.append('server %s %s:%d %s'
                             % (host.name, host.address, port,
                                how.replace('%s', host.name)))
            first = first or name
        return '\n'.join(lines) + '\n'

    def start(self):
        with open(self.path('haproxy.cfg'), 'w', encoding='ascii') as f:
            f.write(self.text())
        with open(self.path('haproxy.log'), 'ab') as log:
            self.process = subprocess.Popen(
                self.site.command(['haproxy', '-db', '-f',
                                   self.path('haproxy.cfg')]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.directory)
        process.wait_until(self._started, 'the balancer')

    def _started(self):
        if self.process.poll() is not None:
            raise RuntimeError('haproxy ended:\n' + self.log())
        try:
            return self.states()
        except OSError:
            return False

    def log(self):
        with open(self.path('haproxy.log'), encoding='utf-8',
                  errors='replace') as f:
            return f.read()

    def states(self):
        """{host: 'UP', 'DOWN'...}, by the health checks."""
        rows = csv.DictReader(self._say('show stat').splitlines())
        names = {host.name for host in self.hosts}
        listener = next(iter(self.ports))
        return {row['svname']: row['status'] for row in rows
                if row['# pxname'] == listener and row['svname'] in names}

    def drain(self, host):
        """Sends no new connections to a host until admit() is called."""
        for name in self.ports:
            self._say('set server %s/%s state maint' % (name, host.name))

    def admit(self, host):
        """Sends connections to a host again when its health checks succeed."""
        for name in self.ports:
            self._say('set server %s/%s state ready' % (name, host.name))

    def _say(self, command):
        """The answer to a command on HAProxy's administration socket."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            here = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
            try:
                s.connect('/proc/self/fd/%d/admin.sock' % here)
            finally:
                os.close(here)
            s.sendall(command.encode() + b'\n')
            with s.makefile(encoding='ascii') as f:
                return f.read()

    def all_up(self):
        states = self.states()
        return (len(states) == len(self.hosts)
                and all(state == 'UP' for state in states.values()))

    def connections(self):
        """The log: {(client's address, port): [Connection, by time]}"""
        found = {}
        for line in self.log().splitlines():
            match = LINE.match(line)
            if match:
                found.setdefault((match[2], int(match[3])), []).append(
                    Connection(float(match[1]), match[5], int(match[6]),
                               match[7], match[8]))
        for items in found.values():
            items.sort(key=lambda c: c.when)
        return found

    def close(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        self.site.close()


def find(connections, address, port, began, ended):
    """The connection of a client's socket; None if the log has none."""
    items = connections.get((address, port), [])
    # the log's time is in whole milliseconds
    i = bisect.bisect_left([c.when for c in items], began - 0.002)
    if i < len(items) and items[i].when <= ended:
        return items[i]
    return None
