"""A memcached server, and what can be done to it."""

import functools
import os
import socket
import subprocess
import urllib.parse

from . import faketime, process, tlsocket

PORT = 11211


@functools.lru_cache(None)
def has_tls():
    """Whether this machine's memcached was built with TLS."""
    told = subprocess.run(['memcached', '-h'], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return '--enable-ssl' in told.stdout


class Connection:
    """A client of the text protocol, with the commands that tests need."""

    def __init__(self, address, port=PORT, timeout=5.0, password=None,
                 tls=None):
        self.socket = socket.create_connection((address, port), timeout)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket)
        self.file = self.socket.makefile('rwb')
        if password is not None:
            self.set('auth', password.replace(':', ' ', 1).encode())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()
        self.socket.close()

    def ask(self, line, data=None):
        self.file.write(line.encode() + b'\r\n')
        if data is not None:
            self.file.write(data + b'\r\n')
        self.file.flush()
        return self.line()

    def line(self):
        line = self.file.readline()
        if not line.endswith(b'\n'):
            raise ConnectionError('memcached closed the connection')
        return line.rstrip(b'\r\n').decode()

    def get(self, key):
        answer = self.ask('get ' + key)
        if answer == 'END':
            return None
        value = self.file.read(int(answer.split()[3]) + 2)[:-2]
        if self.line() != 'END':
            raise ConnectionError('memcached sent no end')
        return value

    def set(self, key, value, lifetime=0):
        answer = self.ask('set %s 0 %d %d' % (key, lifetime, len(value)),
                          value)
        if answer != 'STORED':
            raise ConnectionError('memcached says ' + answer)

    def statistic(self, name):
        value = None
        line = self.ask('stats')
        while line != 'END':
            if line.split()[1] == name:
                value = int(line.split()[2])
            line = self.line()
        return value

    def lifetime(self, key):
        """Seconds until a key expires."""
        answer = self.ask('mg %s t' % key)
        # 1.6.9 says OK
        if not answer.startswith(('HD t', 'OK t')):
            raise ConnectionError('memcached says ' + answer)
        return int(answer[4:])

    def dump(self):
        """The keys, without those that are in use at the moment."""
        found = set()
        line = self.ask('lru_crawler metadump all')
        while line != 'END':
            if line.startswith(('BUSY', 'ERROR')):
                raise ConnectionError('memcached says ' + line)
            # 1.6.4x begins with OK
            if line != 'OK':
                fields = dict(word.split('=', 1) for word in line.split())
                found.add(urllib.parse.unquote(fields['key']))
            line = self.line()
        return found


class Memcached:

    def __init__(self, lab, name, directory):
        self.name = name
        self.directory = directory
        self.process = None
        self.frozen = False
        self.memory = ['-m', '16']
        # the user:password that clients need; with several lines any of them
        self.password = None
        self.pair = None            # files of certificate and key, for TLS
        self.port = PORT
        # authority of the client certificates that it requires
        self.client_ca = None
        # client certificate of the tests' own connections
        self.client_pair = None
        self.arguments = None       # arguments that replace all others
        self.environment = {}       # in addition to that of the tests
        self.site = lab.network.site()
        self.address = self.site.address

    @property
    def server(self):
        """The server's address for the directive "memcached"."""
        return '%s:%d' % (self.address, self.port)

    def _options(self):
        options = list(self.memory)
        if self.password is not None:
            file = os.path.join(self.directory, 'passwords')
            with open(file, 'w', encoding='ascii') as f:
                f.write(self.password + '\n')
            options += ['-Y', file]
        if self.pair is not None:
            options += ['-Z', '-o', 'ssl_chain_cert=%s,ssl_key=%s' % self.pair]
        if self.client_ca is not None:
            options += ['-o', 'ssl_verify_mode=2,ssl_ca_cert='
                        + self.client_ca]
        return options

    def _tls(self):
        if self.pair is None:
            return None
        return tlsocket.client_context(self.client_pair)

    def start(self):
        arguments = self.arguments or [
            '-l', self.address, '-p', str(PORT), '-U', '0', '-t', '1',
            *self._options(), '-u', 'root']
        self.process = subprocess.Popen(
            self.site.command(['memcached', *arguments]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.directory,
            env={**os.environ, **self.environment})
        process.wait_until(self._answers, 'memcached at ' + self.address)

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError('memcached at %s ended' % self.address)
        try:
            with self.connect() as c:
                return c.ask('version').startswith('VERSION')
        except OSError:
            return False

    def kill(self):
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process = None
        self.frozen = False

    def set_clock(self, offset):
        """The clock from the next start on, as harness/faketime.py has it;
        None: the machine's.
        """
        self.environment = {} if offset is None else faketime.environment(
            os.path.join(self.directory, 'clock-' + self.name), offset,
            timers=True)

    def restart(self):
        """Restarts the server, which is empty then."""
        self.kill()
        self.start()

    def freeze(self):
        process.freeze(self.process.pid)
        self.frozen = True

    def thaw(self):
        process.thaw(self.process.pid)
        self.frozen = False

    def connect(self):
        return Connection(self.address, self.port,
                          password=self.password
                          and self.password.splitlines()[0],
                          tls=self._tls())

    def flush(self):
        with self.connect() as c:
            if c.ask('flush_all') != 'OK':
                raise ConnectionError('flush_all refused')

    def get(self, key):
        with self.connect() as c:
            return c.get(key)

    def set(self, key, value, lifetime=0):
        with self.connect() as c:
            c.set(key, value, lifetime)

    def keys(self):
        """All keys, from as many dumps as that needs."""
        found = set()

        def complete():
            with self.connect() as c:
                found.update(c.dump())
            with self.connect() as c:
                return len(found) >= c.statistic('curr_items')

        process.wait_until(complete, 'all keys of ' + self.name)
        return found

    def items(self):
        """Every key with its value."""
        keys = self.keys()
        with self.connect() as c:
            found = {key: c.get(key) for key in keys}
        return {key: value for key, value in found.items()
                if value is not None}

    def close(self):
        self.kill()
        self.site.close()
