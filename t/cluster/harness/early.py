"""Early data: flights that are recorded, and sent again byte for byte.

What became of a flight is told by an upstream, which counts requests.
"""

import ctypes
import http.server
import itertools
import socket
import struct
import threading
import time

from . import clients, conf, process, sessions

WINDOW = 11                 # seconds in which OpenSSL accepts a flight
LIFE = 26                   # before that a log of claims may have forgotten
SECONDS = 30.0

# Refused is right at any time, and a busy machine is late now and then: what
# has to be accepted may be so at a later try, with a fresh flight.
TRIES = 8

# whether early data was accepted
NOT_SENT, REJECTED, ACCEPTED = 0, 1, 2

_P, _I = ctypes.c_void_p, ctypes.c_int
_SIZE = ctypes.POINTER(ctypes.c_size_t)

BIO_s_mem = sessions._declare(sessions._crypto, 'BIO_s_mem', _P)
BIO_new = sessions._declare(sessions._crypto, 'BIO_new', _P, _P)
BIO_read = sessions._declare(sessions._crypto, 'BIO_read', _I, _P, _P, _I)
SSL_set_bio = sessions._declare(sessions._ssl, 'SSL_set_bio', None, _P, _P,
                                _P)
SSL_set_connect_state = sessions._declare(
    sessions._ssl, 'SSL_set_connect_state', None, _P)
SSL_write_early_data = sessions._declare(
    sessions._ssl, 'SSL_write_early_data', _I, _P, ctypes.c_char_p,
    ctypes.c_size_t, _SIZE)
SSL_get_session = sessions._declare(sessions._ssl, 'SSL_get_session', _P, _P)
SSL_SESSION_set1_hostname = sessions._declare(
    sessions._ssl, 'SSL_SESSION_set1_hostname', _I, _P, ctypes.c_char_p)
SSL_get_early_data_status = sessions._declare(
    sessions._ssl, 'SSL_get_early_data_status', _I, _P)


class Upstream:
    """An HTTP server that knows how often it was asked for what."""

    def __init__(self, address):
        self.lock = threading.Lock()
        self.asked = {}     # path: {connection of a client: Early-Data}
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):

            def do_GET(self):
                with upstream.lock:
                    upstream.asked.setdefault(self.path, {})[
                        self.headers.get('Connection-Of')] = (
                            self.headers.get('Early-Data'))
                self.send_response(200)
                self.send_header('Content-Length', '3')
                self.end_headers()
                self.wfile.write(b'ok\n')

            def log_message(self, format, *args):
                """Says nothing."""

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1024

        self.server = Server((address, 0), Handler)
        self.name = '%s:%d' % self.server.server_address
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={'poll_interval': 0.05})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def count(self, path):
        """For how many connections of clients it was asked for this."""
        with self.lock:
            return len(self.asked.get(path, {}))

    def early(self, path):
        with self.lock:
            return list(self.asked.get(path, {}).values())

    def connections(self, path):
        with self.lock:
            return sorted(self.asked.get(path, {}))


def extra(upstream, rule=None):
    """What a server needs that takes early data and asks the upstream."""
    return ' '.join([
        'ssl_early_data on;',
        'ssl_session_sync_early_data %s;' % rule if rule else '',
        'location /up/ {',
        'proxy_pass http://%s;' % upstream.name,
        'proxy_ignore_client_abort on;',
        'proxy_next_upstream off;',
        'proxy_set_header Connection-Of',
        '"$server_addr $pid $connection $msec";',
        'add_header Told $ssl_session_sync_early_data;',
        'proxy_set_header Early-Data $ssl_early_data; }'])


def prepare(cluster, upstream, lookup_timeout='1s'):
    """Every host takes early data and hands requests to the upstream."""
    for host in cluster.hosts:
        host.config.groups[0].lookup_timeout = lookup_timeout
        host.config.servers = [
            conf.Server(tell='early=$ssl_session_sync_early_data',
                        extra=extra(upstream))]


class Client(sessions.Client):
    """A client whose first request goes in early data."""

    def __init__(self, **parameters):
        super().__init__('TLSv1.3', tickets=True, **parameters)

    def flight(self, session, path, name='a.example'):
        """The bytes of a first flight that nobody has got yet.

        The session may be of another name, with which a client of OpenSSL
        would send no early data by itself.
        """
        ssl = sessions.SSL_new(self.context)
        try:
            out = BIO_new(BIO_s_mem())
            SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out)
            SSL_set_connect_state(ssl)
            sessions.SSL_ctrl(ssl, sessions.CTRL_SET_HOST_NAME, 0,
                              name.encode())
            sessions.offer(ssl, session)
            SSL_SESSION_set1_hostname(SSL_get_session(ssl), name.encode())
            self._early(ssl, request(path, name))
            buffer = ctypes.create_string_buffer(65536)
            size = BIO_read(out, buffer, len(buffer))
            assert size > 0
            return buffer.raw[:size]
        finally:
            sessions.SSL_free(ssl)

    @staticmethod
    def _early(ssl, data):
        written = ctypes.c_size_t()
        if SSL_write_early_data(ssl, data, len(data),
                                ctypes.byref(written)) != 1:
            raise ConnectionError(sessions.reason())
        assert written.value == len(data)

    def ask(self, host, session, path, name='a.example', port=None):
        """One connection that goes on to its end, accepted or not."""
        result = clients.Result(host, self.version)
        result.early = NOT_SENT
        ssl = sessions.SSL_new(self.context)
        began = time.monotonic()
        try:
            with socket.create_connection(
                    (host.address, port or conf.PORT[conf.HTTP]),
                    self.timeout) as plain:
                plain.settimeout(None)
                seconds = struct.pack('ll', int(self.timeout), 0)
                for option in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:
                    plain.setsockopt(socket.SOL_SOCKET, option, seconds)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sessions.SSL_set_fd(ssl, plain.fileno())
                sessions.SSL_ctrl(ssl, sessions.CTRL_SET_HOST_NAME, 0,
                                  name.encode())
                sessions.offer(ssl, session)
                self._early(ssl, request(path, name))
                if sessions.SSL_connect(ssl) != 1:
                    raise ConnectionError(sessions.reason())
                result.early = SSL_get_early_data_status(ssl)
                result.reused = bool(sessions.SSL_session_reused(ssl))
                if result.early != ACCEPTED:
                    data = request(path, name)
                    sessions.SSL_write(ssl, data, len(data))
                self._answer(ssl, result)
                result.seconds = time.monotonic() - began
                result.session = sessions.taken(ssl, self.version)
                self._leave(ssl)
        except OSError as error:
            result.error = '%s: %s' % (type(error).__name__, error)
        finally:
            sessions.SSL_free(ssl)
        return result

    @staticmethod
    def _answer(ssl, result):
        answer = b''
        buffer = ctypes.create_string_buffer(4096)
        while True:
            n = sessions.SSL_read(ssl, buffer, len(buffer))
            if n <= 0:
                break
            answer += buffer.raw[:n]
        if not answer.startswith(b'HTTP/1.1 200 '):
            raise ConnectionError('the answer is %r' % answer)
        for line in answer.decode().splitlines():
            if line.startswith('Told: '):
                result.fields['early'] = line[6:]


def request(path, name='a.example'):
    return b'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' % (path.encode(),
                                                     name.encode())


def send(host, flight, port=None):
    """A recorded flight, from the network; returns when the host is done."""
    with socket.create_connection(
            (host.address, port or conf.PORT[conf.HTTP]), SECONDS) as plain:
        try:
            plain.sendall(flight)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65536):
                pass
        except ConnectionResetError:
            pass


def storm(hosts, flight, count, threads=8):
    """Sends a flight so often, to all hosts at once."""
    left = iter(range(count))
    lock = threading.Lock()
    errors = []

    def work():
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            try:
                send(hosts[number % len(hosts)], flight)
            except OSError as error:
                errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]


def of_curl():
    """Whether this machine's curl can send early data."""
    return '--tls-earlydata' in process.run(['curl', '--help', 'all'])


def counts(host):
    return host.group()['early_data']


def accepted(client, host, port=None, path='/up/ready'):
    """Whether a host accepts a flight that nobody has seen."""
    session = client.full(host, port=port).session
    result = client.ask(host, session, path, port=port)
    assert result.error is None, result
    return result.early == ACCEPTED


def wait_ready(client, hosts, port=None):
    """Until every host accepts early data: logs have to be old enough."""
    for host in hosts:
        process.wait_until(
            lambda host=host: accepted(client, host, port),
            'early data on ' + host.name, LIFE + process.PATIENCE)


# seconds after a flight was made at which it is sent again
AGAIN = (1, 5, 9, 11, 30)

# what may become of early data
OUTCOMES = ('accepted', 'replay', 'unsure', 'off')

# Of the same upstream no two tapes may ask for the same, one after the other
# neither: it would look as if a flight of both had been accepted twice.
_names = itertools.count()


class Tape:
    """Flights that are sent again and again, and what came of each."""

    def __init__(self, cluster, upstream):
        self.name = next(_names)
        self.cluster = cluster
        self.upstream = upstream
        self.client = Client()
        self.flights = []           # (path, bytes, when it was made)
        self.due = []               # (when, number of the flight)

    def record(self, count, host=None):
        """New flights, which nobody has got yet; their numbers."""
        made = []
        for _ in range(count):
            number = len(self.flights)
            path = '/up/tape%d/%d' % (self.name, number)
            session = self.client.full(host or self.cluster.hosts[0]).session
            now = time.monotonic()
            self.flights.append((path, self.client.flight(session, path),
                                 now))
            self.due += [(now + seconds, number) for seconds in AGAIN]
            made.append(number)
        return made

    def play(self, numbers, count=16, hosts=None):
        for number in numbers:
            storm(hosts or self.cluster.hosts, self.flights[number][1], count)

    def once(self, numbers):
        """To one host each, as a client would have sent it."""
        for number in numbers:
            host = self.cluster.hosts[number % len(self.cluster.hosts)]
            send(host, self.flights[number][1])

    def accepted(self, count, host=None):
        """So many flights that were accepted; their numbers."""
        done = []
        for _ in range(count):
            for _ in range(TRIES):
                number = self.record(1, host)[0]
                self.once([number])
                if self.upstream.count(self.flights[number][0]):
                    done.append(number)
                    break
        self.check()
        assert len(done) == count, self.counts()
        return done

    def finish(self, count=16):
        """Sends all of them when their times come."""
        for when, number in sorted(self.due):
            process.wait_until(lambda when=when: time.monotonic() >= when,
                               'a time to come')
            self.play([number], count)
        self.due = []

    def counts(self):
        return [self.upstream.count(path) for path, _, _ in self.flights]

    def check(self):
        """Nothing was done twice; returns how many were done at all."""
        twice = {path: self.upstream.connections(path)
                 for path, _, _ in self.flights
                 if self.upstream.count(path) > 1}
        assert not twice, twice
        return sum(self.counts())
