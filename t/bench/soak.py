#!/usr/bin/python3
"""Many handshakes on two hosts: the memory of their workers must not grow.

The next "make performance" writes the result of a run without complaints into
docs/performance.md.

HANDSHAKES       full ones and resumptions together (1000000)
SOAK_IN_FLIGHT   connections at a time (32)

Full handshakes, tickets and session IDs, in TLS 1.2 and 1.3, on the host that
made a session and on the other one, take turns while keys rotate.  The first
half of the handshakes, and at least one turn of everything, is for warming up.
The exit status is 1 if after that the private memory of a worker grows by more
than GROWTH, if a handshake fails, or if more than one in a hundred sessions
that are offered does not resume.

Now and then a heap grows by some hundred kilobytes, when more memory is in use
at a time than ever before.  A leak is larger than that: of a million
handshakes a worker makes 250000 after warming up, and the smallest allocation
takes 32 bytes.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import client
import machine
import memory
from hosts import (MODULES, NAME, NGINX, REPOSITORY, Memcached, Site, Unfit,
                   children, free_port, listening, until)

GROWTH = 1000               # kilobytes
ROWS = 20                   # of the table
WAVE = 2000                 # sessions
ROTATION = 20               # seconds
RESULT = os.path.join(REPOSITORY, 'build', 'bench', 'soak.json')


@dataclass
class Work:
    title: str
    mode: str
    tls: str
    away: bool = True       # redeemed on the other host
    tickets: bool = True    # ssl_session_tickets
    uses: int = 4           # of each session


WORKS = (
    Work('full', 'full', '1.2'),
    Work('full', 'full', '1.3'),
    Work('ticket', 'ticket', '1.2'),
    Work('ticket', 'ticket', '1.3'),
    Work('ID, same host', 'id', '1.2', away=False),
    Work('ID, other host', 'id', '1.2'),
    Work('ID, other host', 'id', '1.3', tickets=False, uses=1),
    Work('ID, same host', 'id', '1.3', away=False, tickets=False, uses=1),
)


class Host:
    """An nginx with one worker, one port with tickets and one without."""

    def __init__(self, site, label, memcached):
        self.label = label
        self.ports = {True: free_port(), False: free_port()}
        self.status_port = free_port()
        self.directory = os.path.join(site.directory, label)
        os.mkdir(self.directory)
        self.log = os.path.join(self.directory, 'error.log')
        path = os.path.join(self.directory, 'nginx.conf')
        with open(path, 'w', encoding='ascii') as f:
            f.write(self._configuration(site, memcached))
        self.process = site.start(
            [NGINX, '-p', self.directory + '/', '-c', path, '-e', self.log],
            label)
        child = self.process.child
        until(lambda: listening(self.ports[True]), label, process=child)
        self.worker = until(lambda: children(self.process.pid),
                            label + "'s worker", process=child)[0]

    def address(self, tickets):
        return '127.0.0.1:%d' % self.ports[tickets]

    def _configuration(self, site, memcached):
        lines = ['daemon off;', 'worker_processes 1;', 'pid nginx.pid;',
                 'error_log error.log warn;',
                 'user root;' if os.getuid() == 0 else '',
                 'load_module %s/ngx_ssl_session_sync_module.so;' % MODULES,
                 'ssl_session_sync_cluster main {',
                 'memcached %s;' % memcached.address,
                 'secret_file %s;' % site.secret,
                 'key_rotation %ds;' % ROTATION, 'poll_interval 1s;',
                 'lookup_timeout 1s;', '}',
                 'events { worker_connections 4096; }',
                 'http {', 'access_log off;']
        lines += ['%s_temp_path %s;' % (kind, kind) for kind in (
            'client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')]
        lines += ['ssl_certificate %s;' % site.certificate,
                  'ssl_certificate_key %s;' % site.key,
                  'ssl_protocols TLSv1.2 TLSv1.3;',
                  'ssl_session_cache shared:soak:4m;',
                  'ssl_session_timeout 2m;', 'ssl_session_sync main;']
        for tickets, port in self.ports.items():
            lines += ['server { listen 127.0.0.1:%d ssl backlog=1024;' % port,
                      'server_name %s; ssl_session_tickets %s;'
                      % (NAME, 'on' if tickets else 'off'), 'return 204; }']
        lines += ['server { listen 127.0.0.1:%d;' % self.status_port,
                  'location = /status { ssl_session_sync_status; } }', '}']
        return '\n'.join(lines) + '\n'

    def status(self):
        return json.loads(subprocess.run(
            ['curl', '-s', '--max-time', '20',
             'http://127.0.0.1:%d/status' % self.status_port],
            check=True, stdout=subprocess.PIPE).stdout)['clusters'][0]

    def settled(self):
        cluster = self.status()
        return cluster['state'] == 'ok' and cluster['keys']


class Soak:

    def __init__(self, hosts, wanted, in_flight):
        self.hosts = hosts
        self.wanted = wanted
        self.in_flight = in_flight
        self.began = time.monotonic()
        self.done = 0
        self.failed = 0
        self.offered = 0
        self.resumed = 0
        self.kinds = {}             # title: [offered, resumed]
        self.keys = set()
        self.turns = 0              # of all works
        self.warm = None            # private kilobytes by worker
        self.warm_at = 0
        self.growth = [0] * len(hosts)
        self.reasons = {}

    def wave(self, work):
        addresses = [host.address(work.tickets) for host in self.hosts]
        there = addresses[::-1] if work.away else addresses
        left = max(self.wanted - self.done, 8)
        if work.mode == 'full':
            sessions = uses = min(2 * WAVE, left)
        else:
            sessions = min(WAVE, max(left // (work.uses + 1), 1))
            uses = sessions * work.uses
        command = [client.PROGRAM, '--open', ','.join(addresses), '--redeem',
                   ','.join(there), '--name', NAME, '--mode', work.mode,
                   '--tls', work.tls, '--handshakes', str(uses),
                   '--sessions', str(sessions), '--in-flight',
                   str(self.in_flight), '--patience', '60', '--time', '600']
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                             check=False)
        if ran.returncode not in (0, 1):
            raise Unfit('the load client ended with status %d'
                        % ran.returncode)
        self._count(work, json.loads(ran.stdout))

    def _count(self, work, found):
        parts = [found] + ([found['opened']] if 'opened' in found else [])
        for part in parts:
            self.done += part['handshakes'] + part['failures']
            self.failed += part['failures']
            for reason, number in part['reasons'].items():
                self.reasons[reason] = self.reasons.get(reason, 0) + number
        if work.mode != 'full':
            counts = self.kinds.setdefault(
                'TLS %s %s' % (work.tls, work.title), [0, 0])
            for place, number in enumerate((found['handshakes'],
                                            found['resumed'])):
                counts[place] += number
            self.offered += found['handshakes']
            self.resumed += found['resumed']
        if not found['complete']:
            raise Unfit('%d handshakes took longer than 600 seconds'
                        % found['handshakes'])

    def look(self):
        """Counts keys; compares the memory with that after warming up."""
        self.keys |= {key['name'] for key in self.hosts[0].status()['keys']
                      if key['role'] in ('current', 'previous')}
        found = [memory.worker(host.worker) for host in self.hosts]
        for one, host in zip(found, self.hosts):
            if one is not None:
                one.private = memory.own(host.worker)
        if None in found:
            raise Unfit('a worker is gone, or this system does not tell '
                        'what memory it has')
        if (self.warm is None and self.turns
                and self.done * 2 >= self.wanted):
            self.warm = [one.private for one in found]
            self.warm_at = self.done
        if self.warm:
            self.growth = [max(most, one.private - warm) for most, one, warm
                           in zip(self.growth, found, self.warm)]
        return found

    def row(self, found):
        capacity = self.hosts[0].status()['ring_capacity']
        _, zone = memory.zone(self.hosts[0].worker, capacity)
        print('  %10s %7.0f %7d %7d %9d %9d %9d %9d %7s'
              % ('{:,}'.format(self.done), time.monotonic() - self.began,
                 self.failed, len(self.keys), found[0].rss, found[0].private,
                 found[1].rss, found[1].private, zone), flush=True)

    def run(self):
        print('  %10s %7s %7s %7s %19s %19s %7s\n  %10s %7s %7s %7s %9s %9s '
              '%9s %9s %7s'
              % ('', '', '', '', 'worker of host 1', 'worker of host 2',
                 'zone', 'handshakes', 'seconds', 'failed', 'keys', 'Rss kB',
                 'private', 'Rss kB', 'private', 'kB'))
        self.row(self.look())
        due = self.wanted / ROWS
        while self.done < self.wanted:
            for work in WORKS:
                self.wave(work)
                found = self.look()
                if self.done >= due or self.done >= self.wanted:
                    self.row(found)
                    while due <= self.done:
                        due += self.wanted / ROWS
                if self.done >= self.wanted:
                    break
            self.turns += 1

    def tell(self):
        print()
        for title, (offered, resumed) in self.kinds.items():
            print('  %-24s %10s offered  %10s resumed'
                  % (title, '{:,}'.format(offered), '{:,}'.format(resumed)))
        print('  private memory grew by %s kB after %s handshakes; '
              'bound: %d kB'
              % (' and '.join(str(most) for most in self.growth),
                 '{:,}'.format(self.warm_at), GROWTH))

    def result(self):
        """For docs/performance.md."""
        return {'time': int(time.time()), 'handshakes': self.done,
                'seconds': time.monotonic() - self.began,
                'failed': self.failed, 'offered': self.offered,
                'resumed': self.resumed, 'rotations': len(self.keys) - 1,
                'warm_at': self.warm_at, 'private_kb': self.warm,
                'growth_kb': self.growth}

    def complaints(self):
        found = []
        if self.warm is None:
            found.append('too few handshakes to tell')
        if self.failed:
            found.append('%d handshakes failed: %s'
                         % (self.failed, self.reasons))
        if self.resumed * 100 < self.offered * 99:
            found.append('%d of %d sessions resumed'
                         % (self.resumed, self.offered))
        for host, growth in zip(self.hosts, self.growth):
            if growth > GROWTH:
                found.append('the worker of %s grew by %d kB'
                             % (host.label, growth))
            with open(host.log, encoding='utf-8') as f:
                found += ['%s: %s' % (host.label, line.rstrip())
                          for line in f if '[alert]' in line
                          or '[crit]' in line or '[emerg]' in line]
        return found


def number(name, default):
    text = os.environ.get(name) or default
    if not text.isdigit() or int(text) == 0:
        raise Unfit('%s is not a number' % name)
    return int(text)


def run(site):
    wanted = number('HANDSHAKES', '1000000')
    in_flight = number('SOAK_IN_FLIGHT', '32')
    memcached = Memcached(site)
    hosts = [Host(site, 'host%d' % i, memcached) for i in (1, 2)]
    for host in hosts:
        until(host.settled, host.label + ' with a key')
    soak = Soak(hosts, wanted, in_flight)
    soak.run()
    soak.tell()
    found = soak.complaints()
    if not found:
        machine.save(RESULT, soak.result())
    return found


def interrupted(signum, _):
    raise SystemExit(128 + signum)


def main():
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    directory = tempfile.mkdtemp(prefix='sss-soak-')
    os.chmod(directory, 0o755)
    try:
        client.build()
        with Site(directory) as site:
            found = run(site)
    except Unfit as e:
        found = [str(e)]
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    for complaint in found:
        print('soak: %s' % complaint, file=sys.stderr)
    print('soak: %s' % ('FAILED' if found else 'ok'))
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
