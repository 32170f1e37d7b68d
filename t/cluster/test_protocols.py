"""Handshakes that are held, with every protocol, end as on plain nginx."""

import os
import socket
import ssl
import struct
import subprocess

import pytest

from harness import clients, conf, filters, process, proxy

ASK = b'GET / HTTP/1.0\r\nHost: a.example\r\n\r\n'
PROXY_LINE = b'PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n'
SETTINGS = bytes.fromhex('000000 04 00 00000000')
OFF = 'ssl_session_tickets off; '
OLD = {'TLSv1': ssl.TLSVersion.TLSv1, 'TLSv1.1': ssl.TLSVersion.TLSv1_1}

(PLAIN, PROXIED, HTTP2, EARLY, RETRY, KTLS, OLDEST, REJECT, HASTY, IMAP, POP3,
 SMTP, FRONT, EARLY_TICKETS, PROXIED_STREAM, PROXIED_MAIL) = range(8501, 8517)


def servers(cluster):
    large = ('location = /large { root %s; sendfile on; }'
             % cluster.directory)
    listed = [
        conf.Server(port=PLAIN, extra=OFF),
        conf.Server(port=PROXIED, listen='proxy_protocol', extra=OFF),
        conf.Server(conf.STREAM, port=PROXIED_STREAM,
                    listen='proxy_protocol', extra=OFF),
        conf.Server(port=HTTP2, listen='http2', extra=OFF),
        conf.Server(port=EARLY, extra=OFF + 'ssl_early_data on;'),
        conf.Server(port=EARLY_TICKETS, extra='ssl_early_data on;'),
        conf.Server(port=RETRY, extra=OFF + 'ssl_ecdh_curve secp384r1;'),
        conf.Server(port=KTLS, extra=OFF + large
                    + ('ssl_conf_command Options KTLS;' if new(cluster)
                       else '')),
        conf.Server(port=OLDEST, extra=OFF + 'ssl_protocols TLSv1 TLSv1.1;'
                    'ssl_ciphers DEFAULT@SECLEVEL=0;'),
        conf.Server(port=REJECT, name='nobody', extra=OFF
                    + ('ssl_reject_handshake on;' if new(cluster) else '')),
        conf.Server(port=REJECT, extra=OFF),
        conf.Server(port=HASTY, extra=OFF + 'client_header_timeout 1s;'),
        conf.Server(conf.STREAM, port=FRONT, tls='', sync=None,
                    serve='ssl_preread on; proxy_pass %%s:%d;' % HTTP2)]
    for port, protocol in (IMAP, 'imap'), (POP3, 'pop3'), (SMTP, 'smtp'):
        listed.append(conf.Server(
            conf.MAIL, port=port, tls='', extra=OFF + 'starttls on;',
            serve='protocol %s;' % protocol))
    if mail_takes_proxy_protocol(cluster):
        listed.append(conf.Server(conf.MAIL, port=PROXIED_MAIL,
                                  listen='proxy_protocol', extra=OFF))
    return listed


def new(cluster):
    """Whether nginx has ssl_conf_command and ssl_reject_handshake."""
    return cluster.build.version() >= (1, 19, 4)


def mail_takes_proxy_protocol(cluster):
    return cluster.build.version() >= (1, 19, 8)


@pytest.fixture(scope='module')
def cluster(lab, make_module_cluster):
    """The second host reaches memcached through a proxy.

    The third is plain nginx with the same configuration.
    """
    cluster = make_module_cluster(hosts=3, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  lookup_timeout='50s')
    with open(os.path.join(cluster.directory, 'large'), 'wb') as f:
        f.write(os.urandom(1 << 20))
    for host in cluster.hosts:
        host.config.servers = servers(cluster)
        for server in host.config.servers:
            if server.port == FRONT:
                server.serve %= host.address
        # reasons for which clients are refused here
        host.expected = ['SSL routines:']
    cluster.hosts[2].config.synced = False
    cluster.hosts[2].config.session_cache = 'shared:sessions:1m'
    with proxy.Proxy(cluster.memcached[0], lab.network.address) as way:
        cluster.hosts[1].config.groups[0].memcached = [way.server]
        cluster.start()
        cluster.wait_agreed(cluster.hosts[:2])
        cluster.way = way
        yield cluster
        way.release()
        for host in cluster.hosts:
            host.stop()


@pytest.fixture
def hosts(cluster):
    """Two hosts of one cluster, with a delay before memcached."""
    cluster.way.delay = 0.02
    yield cluster.hosts[:2]
    cluster.way.delay = 0
    cluster.way.release()


def context(version, *protocols):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.options |= ssl.OP_NO_TICKET
    if version in OLD:
        made.set_ciphers('DEFAULT@SECLEVEL=0')
    made.minimum_version = made.maximum_version = {
        **OLD, 'TLSv1.2': ssl.TLSVersion.TLSv1_2,
        'TLSv1.3': ssl.TLSVersion.TLSv1_3}[version]
    if protocols:
        made.set_alpn_protocols(protocols)
    return made


class Talk:
    """A client that controls every byte that it sends."""

    def __init__(self, host, port, made, session=None, name='a.example',
                 before=None):
        self.plain = socket.create_connection((host.address, port), 40)
        self.plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if before:
            before(self.plain)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = made.wrap_bio(self.incoming, self.outgoing,
                                 server_hostname=name, session=session)
        self.pieces = None      # size of the pieces, if not all at once

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.plain.close()

    def step(self, action, *args):
        """Calls a function until it is done; sends only before it must read.
        """
        while True:
            try:
                return action(*args)
            except ssl.SSLWantReadError:
                self.flush()
                data = self.plain.recv(65536)
                if not data:
                    self.incoming.write_eof()
                self.incoming.write(data)

    def flush(self):
        data = self.outgoing.read()
        size = self.pieces or len(data) or 1
        for at in range(0, len(data), size):
            self.plain.sendall(data[at:at + size])

    def ask(self, words=ASK):
        """Sends the request in the same segment as the last flight."""
        self.step(self.tls.do_handshake)
        self.tls.write(words)
        answer = b''
        while data := self.read():
            answer += data
        self.session = self.tls.session
        return answer

    def read(self):
        try:
            return self.step(self.tls.read, 65536)
        except ssl.SSLZeroReturnError:
            return b''

    def close(self):
        """Sends close_notify, without which a session would not be resumed."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.pieces = None
        try:
            self.flush()
        except OSError:
            # nginx has closed the connection already
            pass
        self.plain.close()


def http(*args, pieces=None, **where):
    with Talk(*args, **where) as talk:
        talk.pieces = pieces
        answer = talk.ask()
        assert b' 200 ' in answer, answer
        talk.close()
    return talk, clients.fields(answer.decode())


def resume(hosts, port, version, talk=http, **where):
    """Resumes a session of the first host on the second, where it is held."""
    made = context(version)
    asked = hosts[1].group()['sessions']['lookups']

    def resumed():
        # the session may not be stored yet
        first = talk(hosts[0], port, made, **where)[0]
        second = talk(hosts[1], port, made, first.session, **where)
        return second if second[0].tls.session_reused else None

    found = process.wait_until(resumed, 'a session on port %d' % port)
    process.wait_until(
        lambda: hosts[1].group()['sessions']['lookups'] > asked, 'a lookup')
    if found[1]:
        assert found[1]['sync'] == 'id-remote'
    return found


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
@pytest.mark.parametrize('version', [*OLD, *clients.VERSIONS])
def test_every_version(hosts, version):
    resume(hosts, OLDEST if version in OLD else PLAIN, version)


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_proxy_protocol(hosts, version):
    resume(hosts, PROXIED, version,
           before=lambda plain: plain.sendall(PROXY_LINE))
    # and in the same segment as the ClientHello
    resume(hosts, PROXIED, version, before=behind)


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_proxy_protocol_of_stream(hosts, version):
    def talk(*args):
        with Talk(*args, before=behind) as talk:
            talk.step(talk.tls.do_handshake)
            answer = b''
            while data := talk.read():
                answer += data
            talk.session = talk.tls.session
            talk.close()
        return talk, clients.fields(answer.decode())

    resume(hosts, PROXIED_STREAM, version, talk)


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_proxy_protocol_of_mail(cluster, hosts, version):
    if not mail_takes_proxy_protocol(cluster):
        pytest.skip('mail of this nginx has no PROXY protocol')

    def talk(*args):
        with Talk(*args, before=behind) as talk:
            talk.step(talk.tls.do_handshake)
            assert talk.read().startswith(b'* OK')
            assert b'BYE' in talk.ask(b'b LOGOUT\r\n')
            talk.close()
        return talk, None

    resume(hosts, PROXIED_MAIL, version, talk)


def behind(plain):
    """Makes the kernel hold bytes back until there are more."""
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    plain.sendall(PROXY_LINE)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)


def http2(host, port, made, session=None):
    with Talk(host, port, made, session) as talk:
        talk.step(talk.tls.do_handshake)
        assert talk.tls.selected_alpn_protocol() == 'h2'
        talk.tls.write(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + SETTINGS)
        frame = talk.step(talk.tls.read, 9)
        assert frame[3] == SETTINGS[3]
        talk.session = talk.tls.session
        talk.close()
    return talk, None


@pytest.mark.parametrize('port', [HTTP2, FRONT])
@pytest.mark.parametrize('version', clients.VERSIONS)
def test_http2(hosts, version, port):
    """HTTP/2, also behind a stream server that reads the server name itself.
    """
    def talk(host, port, made, session=None):
        made.set_alpn_protocols(['h2'])
        return http2(host, port, made, session)

    resume(hosts, port, version, talk)


STARTTLS = {IMAP: (b'a STARTTLS\r\n', b'a OK', b'b LOGOUT\r\n'),
            POP3: (b'STLS\r\n', b'+OK', b'QUIT\r\n'),
            SMTP: (b'STARTTLS\r\n', b'220 ', b'QUIT\r\n')}


@pytest.mark.parametrize('port', STARTTLS)
@pytest.mark.parametrize('version', clients.VERSIONS)
def test_starttls(hosts, version, port):
    ask, agreed, end = STARTTLS[port]

    def begin(plain):
        assert plain.recv(4096)
        if port == SMTP:
            plain.sendall(b'EHLO me\r\n')
            assert b'STARTTLS' in plain.recv(4096)
        plain.sendall(ask)
        assert plain.recv(4096).startswith(agreed)

    def mail(*args):
        with Talk(*args, before=begin) as talk:
            assert talk.ask(end)
            talk.close()
        return talk, None

    resume(hosts, port, version, mail)


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_byte_by_byte(hosts, version):
    resume(hosts, PLAIN, version, pieces=1)


def test_hello_retry(hosts):
    """The server wants a group for which the client has sent no key share."""
    resume(hosts, RETRY, 'TLSv1.3')


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_rejected_name(cluster, hosts, version):
    if not new(cluster):
        pytest.skip('this nginx rejects no handshake')
    resume(hosts, REJECT, version)
    said = []
    made = context(version)
    # plain nginx would select the server by the name in a TLS 1.2 session
    known = http(hosts[0], REJECT, made)[0].session
    for host, known in (hosts[1], known), (cluster.hosts[2], None):
        with Talk(host, REJECT, made, known, name='nobody.example') as talk:
            with pytest.raises(ssl.SSLError) as error:
                talk.ask()
            said.append(error.value.reason)
    assert said[0] == said[1] and 'UNRECOGNIZED_NAME' in said[0]


@pytest.fixture
def download(cluster):
    """A connection that requests a large file, for which nginx may use kernel
    TLS.
    """
    if not new(cluster):
        pytest.skip('this nginx cannot be told to use it')
    with open(os.path.join(cluster.directory, 'large'), 'rb') as f:
        large = f.read()

    def talk(*args):
        with Talk(*args) as talk:
            answer = talk.ask(ASK.replace(b' / ', b' /large '))
            assert answer.endswith(large)
            talk.close()
        return talk, None

    return talk


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_kernel_tls(hosts, download, version):
    """If the kernel has no TLS, the option does no harm."""
    resume(hosts, KTLS, version, download)


def kernel_tls(host):
    """For how many connections the kernel has encrypted records."""
    worker, = host.workers()
    try:
        with open('/proc/%d/net/tls_stat' % worker, encoding='ascii') as f:
            counters = dict(line.split() for line in f)
    except FileNotFoundError:
        return 0
    return int(counters['TlsTxSw']) + int(counters['TlsTxDevice'])


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_kernel_tls_is_used(cluster, hosts, download, version):
    """Where plain nginx uses kernel TLS, so does a handshake that was held."""
    plain = cluster.hosts[2]
    before = kernel_tls(plain)
    download(plain, KTLS, context(version))
    if kernel_tls(plain) == before:
        pytest.skip('plain nginx gets no TLS from the kernel here')
    used = [kernel_tls(host) for host in hosts]

    def talk(host, *args):
        done = download(host, *args)
        now = kernel_tls(host)
        assert now > used[hosts.index(host)]
        used[hosts.index(host)] = now
        return done

    resume(hosts, KTLS, version, talk)


@pytest.mark.parametrize('port', [EARLY, EARLY_TICKETS])
def test_early_data(cluster, hosts, port):
    early = os.path.join(cluster.directory, 'early')
    with open(early, 'wb') as f:
        f.write(ASK)

    # on a busy machine early data may be refused: then the client asks again
    # after the handshake
    def accepted():
        issued = s_client(cluster, hosts[0], port, '-sess_out', 'session.pem',
                          say=ASK, wait=True)
        assert 'New, TLSv1.3' in issued, issued
        text = s_client(cluster, hosts[1], port, '-sess_in', 'session.pem',
                        '-early_data', early, say=ASK, wait=True)
        assert ' 200 OK' in text, text
        return 'Early data was accepted' in text

    process.wait_until(accepted, 'early data')


def s_client(cluster, host, port, *options, say=b'', wait=False):
    done = subprocess.run(
        ['openssl', 's_client', '-connect', '%s:%d' % (host.address, port),
         '-servername', 'a.example', *options]
        + (['-ign_eof'] if wait else []),
        input=say, cwd=cluster.directory, timeout=60, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode(errors='replace')


def test_renegotiation(cluster, hosts):
    """Renegotiation in a resumed session is refused as by plain nginx."""
    said = []
    for host in hosts[1], cluster.hosts[2]:
        def resumed(host=host):
            s_client(cluster, hosts[0] if host in hosts else host, PLAIN,
                     '-tls1_2', '-sess_out', 'session.pem', say=ASK,
                     wait=True)
            text = s_client(cluster, host, PLAIN, '-tls1_2', '-sess_in',
                            'session.pem', say=b'R\n')
            return text if 'Reused, TLSv1.2' in text else None

        text = process.wait_until(resumed, 'a resumption')
        said.append([line.split(':')[3:6] for line in text.splitlines()
                     if ':error:' in line])
        assert 'RENEGOTIATING' in text
    assert said[0] == said[1] and said[0], said


def waiting(host):
    return host.group()['engines']['waiting']


def hold(cluster, version, port):
    """A connection that waits on the second host."""
    made = context(version)
    first, second = cluster.hosts[:2]
    resume((first, second), port, version)
    stored = first.group()['sessions']['stored']
    session = http(first, port, made)[0].session
    process.wait_until(lambda: first.group()['sessions']['stored'] > stored,
                       'a store')
    cluster.way.hold()
    talk = Talk(second, port, made, session)
    with pytest.raises(ssl.SSLWantReadError):
        talk.tls.do_handshake()
    talk.flush()
    process.wait_until(lambda: waiting(second) == 1, 'a handshake held')
    return talk


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_filter_is_taken_out(cluster, hosts, version):
    """The filter is removed when the ClientHello is complete, before the
    handshake ends.

    There is one spare filter, which goes from connection to connection.  It is
    in use while a connection is held, and free again before that connection
    has been answered.
    """
    host = hosts[1]
    with hold(cluster, version, PLAIN) as talk:
        assert filters.spare(host) == 0
        cluster.way.release()
        assert talk.plain.recv(1)
        free = filters.spare(host)
        assert free
        # also if the handshake is one that was not held
        with Talk(host, PLAIN, context(version)) as other:
            with pytest.raises(ssl.SSLWantReadError):
                other.tls.do_handshake()
            hello = other.outgoing.read()
            other.plain.sendall(hello[:-1])
            process.wait_until(lambda: filters.spare(host) == 0,
                               'the filter of the other one')
            other.plain.sendall(hello[-1:])
            assert other.plain.recv(1)
            assert filters.spare(host) == free


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_half_closed_while_held(cluster, hosts, version):
    """A client that has closed its sending side is answered all the same."""
    with hold(cluster, version, PLAIN) as talk:
        talk.plain.shutdown(socket.SHUT_WR)
        cluster.way.release()
        answer = b''
        while data := talk.plain.recv(65536):
            answer += data
        assert answer[0] == 22 and answer[5] == 2
    process.wait_until(lambda: waiting(hosts[1]) == 0, 'the end')


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_reset_while_held(cluster, hosts, version):
    with hold(cluster, version, PLAIN) as talk:
        talk.plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack('ii', 1, 0))
    cluster.way.release()
    process.wait_until(lambda: waiting(hosts[1]) == 0, 'the end')
    resume(hosts, PLAIN, version)


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_client_header_timeout_while_held(cluster, hosts, version):
    """client_header_timeout is shorter than lookup_timeout, and ends the wait.
    """
    with hold(cluster, version, HASTY) as talk:
        assert talk.plain.recv(65536) == b''
        # a connection that is closed does not wait any more
        process.wait_until(lambda: waiting(hosts[1]) == 0, 'the end')
    cluster.way.release()
    resume(hosts, HASTY, version)
