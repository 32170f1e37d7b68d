"""TLS clients: python's, openssl's, curl's and GnuTLS's."""

import os
import re
import socket
import ssl
import subprocess
import time

from . import conf, process

VERSIONS = ('TLSv1.2', 'TLSv1.3')

# curl asks for no tickets in TLS 1.2
CURL_VERSIONS = ('TLSv1.3',)


class Result:
    """One connection: what the client has seen, and what the server has said.
    """

    def __init__(self, host, version):
        self.host = host
        self.version = version
        self.error = None           # why it failed, if it did
        self.reused = None          # by the client
        self.session = None         # which another connection can resume
        self.seconds = None
        self.renamed = False  # set by a client that changes its server name
        self.fields = {}            # name=value, from the server's answer

    def __repr__(self):
        if self.error:
            return '<%s %s failed: %s>' % (self.host.name, self.version,
                                           self.error)
        return '<%s %s %s %r>' % (self.host.name, self.version,
                                  'resumed' if self.reused else 'full',
                                  self.fields)


class Client:
    """Python's TLS client for one version of TLS.

    A session of one Client cannot be used by another.
    """

    def __init__(self, version, certificate=None, keylog=None, timeout=30.0):
        self.version = version
        self.timeout = timeout
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        tls = {'TLSv1.2': ssl.TLSVersion.TLSv1_2,
               'TLSv1.3': ssl.TLSVersion.TLSv1_3}[version]
        self.context.minimum_version = tls
        self.context.maximum_version = tls
        if keylog:
            self.context.keylog_filename = keylog
        if certificate:
            self.context.load_cert_chain(*certificate)

    def connect(self, host, session=None, kind=conf.HTTP, port=None,
                name='a.example'):
        """Makes a handshake and reads the server's answer; never raises."""
        result = Result(host, self.version)
        began = time.monotonic()
        try:
            with socket.create_connection(
                    (host.address, port or conf.PORT[kind]),
                    self.timeout) as plain:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self.context.wrap_socket(
                        plain, server_hostname=name, session=session) as tls:
                    result.seconds = time.monotonic() - began
                    self._talk(tls, kind, name, result)
                    result.reused = tls.session_reused
                    # in TLS 1.3 tickets come after the handshake
                    result.session = tls.session
                    self._leave(tls, kind)
        except OSError as error:
            result.error = '%s: %s' % (type(error).__name__, error)
        return result

    @staticmethod
    def _leave(tls, kind):
        """Closes without close_notify."""

    @staticmethod
    def _talk(tls, kind, name, result):
        if kind == conf.HTTP:
            tls.sendall(b'GET / HTTP/1.0\r\nHost: %s\r\n\r\n'
                        % (name or 'a.example').encode())
        with tls.makefile('rb') as f:
            line = f.readline()
            if kind == conf.HTTP:
                result.fields['code'] = line.split()[1].decode()
                while line.strip():
                    line = f.readline()
                line = f.readline()
        if not line.endswith(b'\n'):
            raise ConnectionError('the server closed without an answer')
        result.fields.update(fields(line.decode()))

    def full(self, host, **where):
        """A full handshake that must succeed; returns its result."""
        result = self.connect(host, **where)
        assert result.error is None and not result.reused, result
        return result


def fields(line):
    return dict(word.split('=', 1) for word in line.split() if '=' in word)


def openssl(host, version, directory, read=None, write=None,
            name='a.example', kind=conf.HTTP, port=None):
    """One connection of "openssl s_client"; sessions are PEM files."""
    argv = ['openssl', 's_client', '-connect',
            '%s:%d' % (host.address, port or conf.PORT[kind]),
            '-servername', name, '-' + version.lower().replace('v', '')
            .replace('.', '_'), '-ign_eof']
    if read:
        argv += ['-sess_in', os.path.join(directory, read)]
    if write:
        argv += ['-sess_out', os.path.join(directory, write)]
    ask = 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' % name
    done = subprocess.run(argv, cwd=directory, timeout=20, check=False,
                          input=ask.encode() if kind == conf.HTTP else b'',
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode(errors='replace')
    result = Result(host, version)
    if re.search(r'^Reused, TLS', text, re.M):
        result.reused = True
    elif re.search(r'^New, TLS', text, re.M):
        result.reused = False
    else:
        result.error = text
    for line in text.splitlines():
        if line.startswith('reused='):
            result.fields = fields(line)
    return result


def session_text(file):
    """What openssl says of a session file."""
    return process.run(['openssl', 'sess_id', '-in', file, '-noout',
                        '-text'])


def session_secret(file):
    """The master secret (TLS 1.2) or the pre-shared key (TLS 1.3)."""
    text = session_text(file)
    found = re.search(r'(?:Master-Key|Resumption PSK): ([0-9A-F]{64,})', text)
    return bytes.fromhex(found.group(1))


def ticket(file):
    """The ticket of a session file; its first 16 bytes name the key."""
    data = b''
    for line in session_text(file).splitlines():
        found = re.match(r'    [0-9a-f]{4} - ((?:[0-9a-f]{2}[ -]){1,16})',
                         line)
        if found:
            data += bytes.fromhex(found.group(1).replace('-', ' '))
    return data


def curl(hosts, version, directory, name='a.example'):
    """One curl process connects to each of the hosts in turn; returns results.

    curl keeps sessions by name and port: each transfer has the same name at
    another address.
    """
    argv = ['curl']
    port = conf.PORT[conf.HTTP]
    for host in hosts:
        if host is not hosts[0]:
            argv.append('--next')
        argv += ['--silent', '--show-error', '--insecure', '--max-time',
                 '20', '--tlsv' + version[4:], '--tls-max', version[4:],
                 '--http1.1', '--resolve',
                 '%s:%d:%s' % (name, port, host.address),
                 'https://%s:%d/' % (name, port)]
    done = subprocess.run(argv, cwd=directory, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False)
    results = []
    lines = done.stdout.splitlines()
    for number, host in enumerate(hosts):
        result = Result(host, version)
        line = lines[number] if number < len(lines) else ''
        if line.startswith('reused='):
            result.fields = fields(line)
            result.reused = result.fields['reused'] == 'r'
        else:
            result.error = done.stdout or 'curl said nothing'
        results.append(result)
    return results


def gnutls(forwarder, first, second, version, directory, name='a.example'):
    """GnuTLS gets a ticket on one host and offers it to another.

    gnutls-cli connects to the same address again, so a forwarder has to send
    its second connection to the other host.
    """
    priority = 'NORMAL:-VERS-ALL:+VERS-' + version.replace('v', '')
    port = conf.PORT[conf.HTTP]
    forwarder.targets = [(first.address, port), (second.address, port)]
    argv = ['gnutls-cli', '--insecure', '--resume', '--waitresumption',
            '--priority', priority, '--sni-hostname', name, '--port',
            str(forwarder.port), forwarder.address]
    done = subprocess.run(argv, cwd=directory, timeout=60, check=False,
                          input='GET / HTTP/1.0\r\nHost: %s\r\n\r\n' % name,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    result = Result(second, version)
    for line in done.stdout.splitlines():
        if line.startswith('reused='):
            result.fields = fields(line)
    # only the second connection requests a page
    if result.fields:
        result.reused = 'This is a resumed session' in done.stdout
    else:
        result.error = done.stdout
    return result
