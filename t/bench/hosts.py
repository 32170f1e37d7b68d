"""The servers of the bench: nginx with and without the module, memcached.

All of them listen on loopback, have one directory, and end with the bench,
even if it is killed.
"""

import contextlib
import ctypes
import http.client
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

NGINX = os.environ.get('SSS_NGINX') or 'nginx'
MODULES = os.path.abspath(os.environ.get('SSS_MODULES') or os.path.join(
    REPOSITORY, 'build', 'modules'))
NAME = 'a.example'
PATIENCE = 60
MEMCACHED_FILES = 1012

PR_SET_PDEATHSIG = 1

CORES = sorted(os.sched_getaffinity(0))
GIVEN = set()       # ports


class Unfit(Exception):
    """Raised if something that must run does not."""


def until(condition, what, patience=PATIENCE, process=None):
    """Waits until a condition is true, and returns its result."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if process is not None and process.poll() is not None:
            raise Unfit('%s: it ended with status %d'
                        % (what, process.returncode))
        if time.monotonic() > end:
            raise Unfit('%s: not within %d seconds' % (what, patience))
        time.sleep(0.02)


def free_port():
    """A port that the kernel does not assign by itself."""
    while True:
        port = random.randrange(10000, 32000)
        if port in GIVEN:
            continue
        with contextlib.closing(socket.socket()) as s:
            with contextlib.suppress(OSError):
                s.bind(('127.0.0.1', port))
                GIVEN.add(port)
                return port


def listening(port):
    with contextlib.closing(socket.socket()) as s:
        return s.connect_ex(('127.0.0.1', port)) == 0


def cores():
    """The core of the servers and the core of everything else; None if there
    is only one.
    """
    return (CORES[0], CORES[1]) if len(CORES) > 1 else (None, None)


class Process:
    """A child process that ends when the bench does."""

    def __init__(self, command, log, core=None, env=None):
        self.log = log
        prctl = ctypes.CDLL(None, use_errno=True).prctl

        def prepare():
            prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if core is not None:
                os.sched_setaffinity(
                    0, {core} if isinstance(core, int) else core)

        with open(log, 'ab') as output:
            try:
                self.child = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output,
                    stderr=output, preexec_fn=prepare, env=env)
            except OSError as e:
                raise Unfit('cannot start %s: %s' % (command[0], e)) from e

        self.pid = self.child.pid

    def said(self):
        with open(self.log, encoding='utf-8', errors='replace') as f:
            return f.read()[-2000:]

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.child.poll() is not None:
                return
            self.child.send_signal(number)
            self.child.send_signal(signal.SIGCONT)
            try:
                self.child.wait(10)
                return
            except subprocess.TimeoutExpired:
                pass


def children(pid):
    path = '/proc/%d/task/%d/children' % (pid, pid)
    with contextlib.suppress(OSError), open(path, encoding='ascii') as f:
        return [int(child) for child in f.read().split()]
    return []


class Memcached:
    """A memcached server on the core of the servers, for which it works."""

    def __init__(self, site, label='memcached', wrap=(), core=None):
        self.port = free_port()
        self.address = '127.0.0.1:%d' % self.port
        self.directory = os.path.join(site.directory, label)
        os.makedirs(self.directory, exist_ok=True)
        self.process = site.start(
            [*wrap, 'memcached', '-u', 'root', '-l', '127.0.0.1', '-t', '1',
             '-c', str(MEMCACHED_FILES), '-m', '512',
             '-p', str(self.port), *self._options()],
            label, site.server_core if core is None else core)
        until(lambda: listening(self.port), 'memcached', process=(
            self.process.child))

    def _options(self):
        return []


class Host:
    """An nginx with TLS servers, with tickets and without."""

    def __init__(self, site, label, cluster=None, wrap=(), core=None,
                 single=False, cache=None, workers=1, timeout='1h',
                 more=''):
        self.label = label
        self.more = more            # lines of http
        self.workers = workers
        self.timeout = timeout
        self.port = free_port()
        self.status_port = free_port()
        self.address = '127.0.0.1:%d' % self.port
        self.ticketless = '127.0.0.1:%d' % free_port()
        self.cache = cache
        self.cluster = cluster
        self.directory = os.path.join(site.directory, label)
        os.mkdir(self.directory)
        path = os.path.join(self.directory, 'nginx.conf')

        with open(path, 'w', encoding='ascii') as f:
            f.write(self._configuration(site, single))

        self.process = site.start(
            [*wrap, NGINX, '-p', self.directory + '/', '-c', path,
             '-e', os.path.join(self.directory, 'error.log')],
            label, site.server_core if core is None else core)
        self.processes = [self.process]
        self._wait(single)

    def _wait(self, single):
        child = self.process.child
        try:
            until(lambda: listening(self.port), self.label, process=child)
        except Unfit as e:
            raise Unfit('%s\n%s' % (e, self.process.said())) from e

        self.worker = self.process.pid
        if not single:
            until(lambda: len(children(self.process.pid)) == self.workers,
                  self.label + "'s workers", process=child)
            self.worker = children(self.process.pid)[0]

    def _configuration(self, site, single):
        lines = ['daemon off;', 'worker_processes %d;' % self.workers,
                 'pid nginx.pid;',
                 'error_log error.log warn;']
        if os.getuid() == 0:
            lines.append('user root;')
        if single:
            lines.append('master_process off;')
        if self.cluster:
            lines += ['load_module %s/ngx_ssl_session_sync_module.so;'
                      % MODULES, self.cluster]
        lines += ['events { worker_connections 4096; }', 'http {',
                  'access_log off;']
        lines += ['%s_temp_path %s;' % (kind, kind) for kind in (
            'client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')]
        lines += ['ssl_certificate %s;' % site.certificate,
                  'ssl_certificate_key %s;' % site.key,
                  'ssl_protocols TLSv1.2 TLSv1.3;',
                  'ssl_session_timeout %s;' % self.timeout]
        if site.curves:
            lines.append('ssl_ecdh_curve %s;' % site.curves)
        if self.cluster:
            lines.append('ssl_session_sync main;')
        else:
            lines.append('ssl_session_ticket_key %s;' % site.ticket_key)
        if self.cache:
            lines.append('ssl_session_cache shared:TLS:%s;' % self.cache)
        lines.append(self.more)
        lines += self._servers()
        if self.cluster:
            lines += ['server { listen 127.0.0.1:%d; location = /status {'
                      % self.status_port, 'ssl_session_sync_status; } }']
        return '\n'.join(lines + ['}', ''])

    def _servers(self):
        return ['server { listen %s ssl; server_name %s; %s return 204; }'
                % (address, NAME, more) for address, more in (
                    (self.address, ''),
                    (self.ticketless, 'ssl_session_tickets off;'))]

    def status(self):
        connection = http.client.HTTPConnection(
            '127.0.0.1', self.status_port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request('GET', '/status')
            return json.load(connection.getresponse())

    def counted(self):
        """{pid: name} of the processes that make handshakes."""
        pids = children(self.process.pid) or [self.worker]
        return {pid: 'worker' for pid in pids}

    def asks(self):
        """Whether handshakes ask memcached, that is, no breaker is open."""
        return all(cluster['engines']['breakers_open'] == 0
                   for cluster in self.status()['clusters'])

    def settled(self):
        """Whether memcached was reached and there is a current key."""
        cluster = self.status()['clusters'][0]
        return cluster['state'] == 'ok' and any(
            key['role'] == 'current' for key in cluster['keys'])

    def keys(self):
        """The names of the keys."""
        return {key['name'] for key in self.status()['clusters'][0]['keys']}


def settle(*hosts):
    """Waits until hosts of one cluster have the same keys: of those that start
    at the same time, each may make some.
    """
    def agreed():
        keys = [host.keys() for host in hosts]
        return all(names == keys[0] for names in keys)

    for host in hosts:
        until(host.settled, host.label + ' with a key')
    until(agreed, 'the same keys on %s' % ', '.join(
        host.label for host in hosts), 2 * PATIENCE)


class Site:
    """The directory of a run, what its hosts have in common, and its cleanup.
    """

    curves = None       # for ssl_ecdh_curve, if not nginx's own

    def __init__(self, directory):
        self.directory = directory
        self.processes = []
        self.server_core, self.other_core = cores()
        self.certificate = os.path.join(directory, 'certificate.pem')
        self.key = os.path.join(directory, 'key.pem')
        self.pem = os.path.join(directory, 'both.pem')
        self.ticket_key = os.path.join(directory, 'ticket.key')
        self.secret = os.path.join(directory, 'secret')
        self._make_files()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(self.processes[:])

    def _make_files(self):
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
             'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30',
             '-subj', '/CN=' + NAME, '-keyout', self.key,
             '-out', self.certificate],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(self.certificate, 'rb') as a, open(self.key, 'rb') as b:
            self.write(self.pem, a.read() + b.read())
        self.write(self.ticket_key, secrets.token_bytes(80))
        self.write(self.secret, secrets.token_hex(32).encode() + b'\n')

    @staticmethod
    def write(path, data):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, 'wb') as f:
            f.write(data)

    def start(self, command, label, core=None, env=None):
        process = Process(command, os.path.join(
            self.directory, label + '.log'), core, env)
        self.processes.append(process)
        return process

    def stop(self, processes):
        for process in reversed(processes):
            process.stop()
            self.processes.remove(process)

    def cluster(self, *memcached, rotation='1h', poll='2s', namespace='main',
                lookup='2s', secrecy='on'):
        """The block ssl_session_sync_cluster of a host.

        On a busy machine a healthy memcached may need longer than 50 ms.
        Where every session must resume, it gets more time.
        """
        return '\n'.join(
            ['ssl_session_sync_cluster main {',
             *('memcached %s;' % server.address for server in memcached),
             'secret_file %s;' % self.secret, 'namespace %s;' % namespace,
             'key_rotation %s;' % rotation, 'poll_interval %s;' % poll,
             'lookup_timeout %s;' % lookup,
             'forward_secrecy %s;' % secrecy, '}'])
