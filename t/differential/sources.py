"""Where ClientHellos come from: clients at work, and their sessions."""

import os
import random
import socket
import ssl
import subprocess
import threading
import time

import hello
import mutations
from harness import conf

NAME = 'a.example'
LATE = 12       # seconds; OpenSSL takes early data for 10
ASK = b'GET / HTTP/1.0\r\nHost: a.example\r\n\r\n'


class Capture:
    """A context: a listener that keeps what a client says first.

    With a server, the first client gets through to it.
    """

    def __init__(self, address, server=None):
        self.server = server
        self.found = []
        self.listener = socket.create_server((address, 0))
        self.address, self.port = self.listener.getsockname()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                client.settimeout(10)
                if self.server and not self.found:
                    self.found.append(None)
                    self._relay(client)
                else:
                    self.found.append(self._first(client))

    @staticmethod
    def _first(client):
        """A whole ClientHello, and what is sent along with it."""
        data = b''
        while (len(data) < 5 or len(data) < 5 + hello.number(data, 3, 2)):
            data += client.recv(65536) or b'x' * 70000
        client.settimeout(0.05)
        try:
            data += client.recv(65536)
        except TimeoutError:
            pass
        return data

    def _relay(self, client):
        with socket.create_connection(self.server, 10) as server:
            def back():
                try:
                    while data := server.recv(65536):
                        client.sendall(data)
                    client.shutdown(socket.SHUT_WR)
                except OSError:
                    # a client need not wait for the end
                    pass

            thread = threading.Thread(target=back, daemon=True)
            thread.start()
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            thread.join()


def run(argv, directory, ask=b''):
    subprocess.run(argv, input=ask, cwd=directory, timeout=30, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def s_client(address, port, *options):
    return ['openssl', 's_client', '-connect', '%s:%d' % (address, port),
            '-servername', NAME, '-ign_eof', *options]


def gnutls_cli(address, port, priority, *options):
    return ['gnutls-cli', '--insecure', '--sni-hostname', NAME, '--port',
            str(port), '--priority', priority, *options, address]


def curl(address, port, *options):
    return ['curl', '--silent', '--insecure', '--max-time', '10',
            '--resolve', '%s:%d:%s' % (NAME, port, address), *options,
            'https://%s:%d/' % (NAME, port)]


def clients():
    """The commands of clients that offer no session, by name."""
    normal = 'NORMAL'
    return {
        'openssl': lambda a, p: s_client(a, p),
        'openssl-1.2': lambda a, p: s_client(a, p, '-tls1_2'),
        'openssl-1.3': lambda a, p: s_client(a, p, '-tls1_3'),
        'openssl-no-ticket': lambda a, p: s_client(
            a, p, '-tls1_2', '-no_ticket', '-status'),
        'openssl-p256': lambda a, p: s_client(
            a, p, '-groups', 'P-256:P-384:X25519', '-alpn', 'h2,http/1.1'),
        'openssl-p384': lambda a, p: s_client(a, p, '-groups', 'P-384'),
        'openssl-no-name': lambda a, p: [
            o for o in s_client(a, p, '-noservername')
            if o not in ('-servername', NAME)],
        'gnutls': lambda a, p: gnutls_cli(a, p, normal),
        'gnutls-1.2': lambda a, p: gnutls_cli(
            a, p, normal + ':-VERS-ALL:+VERS-TLS1.2'),
        'gnutls-1.3': lambda a, p: gnutls_cli(
            a, p, normal + ':-VERS-ALL:+VERS-TLS1.3'),
        'curl': lambda a, p: curl(a, p, '--http1.1'),
        'curl-1.2': lambda a, p: curl(a, p, '--tls-max', '1.2'),
        'curl-h2': lambda a, p: curl(a, p, '--http2'),
    }


def context(version=None, tickets=True):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if version:
        made.minimum_version = made.maximum_version = version
    if not tickets:
        made.options |= ssl.OP_NO_TICKET
    return made


CONTEXTS = {'12': context(ssl.TLSVersion.TLSv1_2),
            '13': context(ssl.TLSVersion.TLSv1_3),
            'id': context(ssl.TLSVersion.TLSv1_2, tickets=False)}


WAIT = object()


class Memory:
    """A client of python's without a socket."""

    def __init__(self, kind, session=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = CONTEXTS[kind].wrap_bio(
            self.incoming, self.outgoing, server_hostname=NAME,
            session=session)
        self.sent = b''
        self.through = 0        # bytes that a server has got
        self.step(self.tls.do_handshake)

    def step(self, action, *args):
        """Returns WAIT if the client has to read first."""
        result = b''
        try:
            result = action(*args)
        except ssl.SSLWantReadError:
            result = WAIT
        except ssl.SSLZeroReturnError:
            pass
        self.sent += self.outgoing.read()
        return result

    def exchange(self, plain):
        """Sends what there is to send, and reads."""
        plain.sendall(self.sent[self.through:])
        self.through = len(self.sent)
        data = plain.recv(65536)
        if not data:
            raise ConnectionError('the server closes on ' + str(plain))
        self.incoming.write(data)


def templates(address, directory):
    """A first flight of each client, caught on its way to nobody."""
    found = {}
    with Capture(address) as trap:
        for name, command in clients().items():
            run(command(trap.address, trap.port), directory)
            found[name] = trap.found.pop(0)
            trap.found.clear()
    for kind in CONTEXTS:
        found['python-' + kind] = Memory(kind).sent
    return found


class Sources:
    """The hellos that one host is asked with."""

    def __init__(self, host, listeners, found, directory, address):
        self.host = host
        self.listeners = listeners
        self.templates = found
        self.directory = directory
        self.address = address
        self.kept = {}

    def endpoint(self, listener):
        return self.host.address, self.listeners[listener].port

    def connect(self, listener):
        plain = socket.create_connection(self.endpoint(listener), 20)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if 'proxy_protocol' in self.listeners[listener].listen:
            plain.sendall(mutations.PROXY)
        return plain

    def mint(self, listener, version, session=None):
        """A connection from its beginning to its end; its client."""
        client = Memory(version, session)
        kind = self.listeners[listener].kind
        with self.connect(listener) as plain:
            while client.step(client.tls.do_handshake) is WAIT:
                client.exchange(plain)
            if kind == conf.HTTP:
                client.step(client.tls.write, ASK)
            while (data := client.step(client.tls.read, 4096)) != b'':
                if data is WAIT:
                    client.exchange(plain)
                elif kind == conf.MAIL:
                    client.step(client.tls.write, b'a LOGOUT\r\n')
            # an end without a word would cost the session
            client.step(client.tls.unwrap)
            plain.sendall(client.sent[client.through:])
        return client

    def stream(self, listener, name):
        """A hello for one use: of a template, or of a new session."""
        kind, _, rest = name.partition('/')
        if not rest:
            return self.templates[name]
        if kind == 'id12':
            return self._with_id(rest, self.mint(listener, 'id')
                                 .tls.session.id)
        if kind == 'psk13':
            return Memory('13', self.mint(listener, '13').tls.session).sent
        if kind == 'early13':
            # too old an offer is refused
            return self._openssl(listener, kind)
        if kind == 'replay':
            return self._replay(listener, rest)
        if (listener, name) not in self.kept:
            self.kept[listener, name] = self._keep(listener, kind, rest)
        return self.kept[listener, name]

    def _with_id(self, template, session_id):
        stream = self.templates[template]
        one = hello.Hello.parse(hello.first(stream)[0])
        one.session_id = session_id
        return hello.record(one.build(), version=stream[1:3])

    def _replay(self, listener, rest):
        """What a client said that is through with a session."""
        version, what = rest.split('-')
        session = self.mint(listener, version).tls.session
        client = self.mint(listener, version, session)
        if what == 'all':
            return client.sent
        size = 5 + hello.number(client.sent, 3, 2)
        return client.sent[:size]

    def _keep(self, listener, kind, rest):
        """Tickets serve many times; so does what is never looked up."""
        if kind == 'stale':
            return self.stream(listener, rest.replace('-', '/', 1))
        if kind == 'late13':
            # early data of a ticket that is too old for it, not to resume
            stream = self.stream(listener, 'early13/' + rest)
            time.sleep(LATE)
            return stream
        if rest == 'python':
            version = kind[-2:]
            return Memory(version, self.mint(listener, version)
                          .tls.session).sent
        if rest == 'gnutls':
            return self._gnutls(listener, kind)
        return self._openssl(listener, kind)

    def _gnutls(self, listener, kind):
        priority = 'NORMAL:-VERS-ALL:+VERS-TLS1.' + kind[-1]
        with Capture(self.address, self.endpoint(listener)) as trap:
            run(gnutls_cli(trap.address, trap.port, priority, '--resume',
                           '--waitresumption'), self.directory, ASK)
            return trap.found[1]

    def _openssl(self, listener, kind):
        """Also with early data."""
        version = '-tls1_' + kind[-1]
        file = os.path.join(self.directory,
                            '%s-%s.pem' % (self.host.name, kind))
        run(s_client(*self.endpoint(listener), version, '-sess_out', file),
            self.directory, ASK)
        options = [version, '-sess_in', file]
        if kind == 'early13':
            early = os.path.join(self.directory, 'early')
            with open(early, 'wb') as f:
                f.write(ASK)
            options += ['-early_data', early]
        with Capture(self.address) as trap:
            run(s_client(trap.address, trap.port, *options), self.directory)
            return trap.found[0]


def stranger(rng, stream):
    """The same with a session that no server knows.

    What decides is found in the bytes, so that it need not be a hello that
    can be parsed.
    """
    data, _ = hello.first(stream)
    one = hello.Hello.parse(data)
    psk = one.get(hello.PSK)
    known = [psk and psk[4:36], one.get(hello.TICKET), one.session_id]
    for body in known:
        if body:
            size = min(len(body), 32)
            stream = stream.replace(body[:size], rng.randbytes(size))
    return stream


def generator(seed, number):
    return random.Random('%s/%d' % (seed, number))
