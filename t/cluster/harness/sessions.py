"""A TLS client whose sessions are bytes, which can be changed and reused.

Python's own sessions are opaque, and belong to one context.
"""

import ctypes
import ctypes.util
import socket
import struct
import time

from . import clients, conf, process

VERSION = {'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304}
OP_NO_TICKET = 1 << 14
CTRL_SET_HOST_NAME = 55
CTRL_SET_GROUPS_LIST = 92
FILETYPE_PEM = 1
HANDSHAKE, SERVER_HELLO = 22, 2
# the first bytes of the random value that marks a HelloRetryRequest
RETRY = bytes.fromhex('cf21ad74')
CTRL_MIN_VERSION, CTRL_MAX_VERSION = 123, 124

_ssl = ctypes.CDLL(ctypes.util.find_library('ssl'))
_crypto = ctypes.CDLL(ctypes.util.find_library('crypto'))


def _declare(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype = result
    function.argtypes = arguments
    return function


_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_long

WATCH = ctypes.CFUNCTYPE(None, _I, _I, _I, _P, ctypes.c_size_t, _P, _P)
SECOND = ctypes.CFUNCTYPE(_I, _P, _P, ctypes.POINTER(_P),
                          ctypes.POINTER(ctypes.c_size_t),
                          ctypes.POINTER(_P))

TLS_client_method = _declare(_ssl, 'TLS_client_method', _P)
SSL_CTX_new = _declare(_ssl, 'SSL_CTX_new', _P, _P)
SSL_CTX_free = _declare(_ssl, 'SSL_CTX_free', None, _P)
SSL_CTX_ctrl = _declare(_ssl, 'SSL_CTX_ctrl', _L, _P, _I, _L, _P)
SSL_CTX_set_options = _declare(_ssl, 'SSL_CTX_set_options',
                               ctypes.c_uint64, _P, ctypes.c_uint64)
SSL_new = _declare(_ssl, 'SSL_new', _P, _P)
SSL_free = _declare(_ssl, 'SSL_free', None, _P)
SSL_ctrl = _declare(_ssl, 'SSL_ctrl', _L, _P, _I, _L, ctypes.c_char_p)
SSL_set_fd = _declare(_ssl, 'SSL_set_fd', _I, _P, _I)
SSL_set_session = _declare(_ssl, 'SSL_set_session', _I, _P, _P)
SSL_connect = _declare(_ssl, 'SSL_connect', _I, _P)
SSL_read = _declare(_ssl, 'SSL_read', _I, _P, _P, _I)
SSL_write = _declare(_ssl, 'SSL_write', _I, _P, ctypes.c_char_p, _I)
SSL_shutdown = _declare(_ssl, 'SSL_shutdown', _I, _P)
SSL_session_reused = _declare(_ssl, 'SSL_session_reused', _I, _P)
SSL_get1_session = _declare(_ssl, 'SSL_get1_session', _P, _P)
SSL_SESSION_free = _declare(_ssl, 'SSL_SESSION_free', None, _P)
SSL_SESSION_get_id = _declare(_ssl, 'SSL_SESSION_get_id', _P, _P,
                              ctypes.POINTER(ctypes.c_uint))
SSL_SESSION_get0_ticket = _declare(_ssl, 'SSL_SESSION_get0_ticket', None, _P,
                                   ctypes.POINTER(_P),
                                   ctypes.POINTER(ctypes.c_size_t))
i2d_SSL_SESSION = _declare(_ssl, 'i2d_SSL_SESSION', _I, _P,
                           ctypes.POINTER(_P))
d2i_SSL_SESSION = _declare(_ssl, 'd2i_SSL_SESSION', _P, _P,
                           ctypes.POINTER(ctypes.c_char_p), _L)
SSL_set_msg_callback = _declare(_ssl, 'SSL_set_msg_callback', None, _P, WATCH)
SSL_CTX_set_psk_use_session_callback = _declare(
    _ssl, 'SSL_CTX_set_psk_use_session_callback', None, _P, SECOND)
SSL_CTX_set_cipher_list = _declare(_ssl, 'SSL_CTX_set_cipher_list', _I, _P,
                                   ctypes.c_char_p)
SSL_CTX_use_certificate_chain_file = _declare(
    _ssl, 'SSL_CTX_use_certificate_chain_file', _I, _P, ctypes.c_char_p)
SSL_CTX_use_PrivateKey_file = _declare(
    _ssl, 'SSL_CTX_use_PrivateKey_file', _I, _P, ctypes.c_char_p, _I)
SSL_SESSION_get_ticket_lifetime_hint = _declare(
    _ssl, 'SSL_SESSION_get_ticket_lifetime_hint', ctypes.c_ulong, _P)
SSL_SESSION_has_ticket = _declare(_ssl, 'SSL_SESSION_has_ticket', _I, _P)
ERR_get_error = _declare(_crypto, 'ERR_get_error', ctypes.c_ulong)
ERR_clear_error = _declare(_crypto, 'ERR_clear_error', None)
ERR_error_string_n = _declare(_crypto, 'ERR_error_string_n', None,
                              ctypes.c_ulong, ctypes.c_char_p,
                              ctypes.c_size_t)


class Session:
    """A session, the ID by which the server knows it, and its ticket's
    lifetime.

    If the session is in a ticket, its identity is the ticket.
    """

    def __init__(self, data, identity, seconds=0):
        self.data = data
        self.identity = identity
        self.seconds = seconds

    def under(self, identity):
        """The same session with another ID."""
        assert len(identity) == len(self.identity) == 32
        assert self.data.count(self.identity) == 1
        return Session(self.data.replace(self.identity, identity), identity)


class Client:
    """A client for one version of TLS; takes tickets only if it is told to.

    Threads may share it.  Ciphers are those of TLS 1.2.  There is a key share
    only for the first of the groups.
    """

    def __init__(self, version, timeout=30.0, tickets=False,
                 certificate=None, ciphers=None, groups=None):
        self.version = version
        self.timeout = timeout
        self.context = SSL_CTX_new(TLS_client_method())
        for limit in CTRL_MIN_VERSION, CTRL_MAX_VERSION:
            SSL_CTX_ctrl(self.context, limit, VERSION[version], None)
        if not tickets:
            SSL_CTX_set_options(self.context, OP_NO_TICKET)
        if certificate:
            file, key = (name.encode() for name in certificate[:2])
            assert SSL_CTX_use_certificate_chain_file(self.context, file) == 1
            assert SSL_CTX_use_PrivateKey_file(self.context, key,
                                               FILETYPE_PEM) == 1
        if ciphers:
            assert SSL_CTX_set_cipher_list(self.context,
                                           ciphers.encode()) == 1
        if groups:
            data = ctypes.create_string_buffer(groups.encode())
            assert SSL_CTX_ctrl(self.context, CTRL_SET_GROUPS_LIST, 0,
                                ctypes.cast(data, _P)) == 1

    def __del__(self):
        SSL_CTX_free(self.context)

    def connect(self, host, session=None, kind=conf.HTTP, port=None,
                name='a.example', then=None):
        """Like clients.Client.connect(), with sessions of this module.

        If "renamed" is given, the second ClientHello after a HelloRetryRequest
        has that name, as an attacker's might: the name must not change there.
        """
        result = clients.Result(host, self.version)
        began = time.monotonic()
        ssl = SSL_new(self.context)
        try:
            with socket.create_connection(
                    (host.address, port or conf.PORT[kind]),
                    self.timeout) as plain:
                plain.settimeout(None)
                seconds = struct.pack('ll', int(self.timeout), 0)
                for option in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:
                    plain.setsockopt(socket.SOL_SOCKET, option, seconds)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                SSL_set_fd(ssl, plain.fileno())
                if name is not None:
                    SSL_ctrl(ssl, CTRL_SET_HOST_NAME, 0, name.encode())
                rename = renaming(ssl, then, result)
                if then is not None:
                    SSL_set_msg_callback(ssl, rename)
                if session is not None:
                    offer(ssl, session)
                if SSL_connect(ssl) != 1:
                    raise ConnectionError(reason())
                result.seconds = time.monotonic() - began
                self._talk(ssl, kind, then or name, result)
                result.reused = bool(SSL_session_reused(ssl))
                result.session = taken(ssl, self.version)
                self._leave(ssl)
        except OSError as error:
            result.error = '%s: %s' % (type(error).__name__, error)
        finally:
            SSL_free(ssl)
        return result

    def full(self, host, **where):
        """A full handshake that must succeed; returns its result."""
        result = self.connect(host, **where)
        assert result.error is None and not result.reused, result
        return result

    @staticmethod
    def _leave(ssl):
        """Sends close_notify, without which the session would be removed."""
        SSL_shutdown(ssl)
        # the server may have closed the connection
        ERR_clear_error()

    @staticmethod
    def _talk(ssl, kind, name, result):
        if kind == conf.HTTP:
            request = b'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' % (
                name or 'a.example').encode()
            SSL_write(ssl, request, len(request))
        answer = b''
        buffer = ctypes.create_string_buffer(4096)
        while True:
            n = SSL_read(ssl, buffer, len(buffer))
            if n <= 0:
                break
            answer += buffer.raw[:n]
            # a mail server sends a line first
            if kind == conf.MAIL and answer.endswith(b'\n'):
                break
        if not answer.endswith(b'\n'):
            raise ConnectionError('the server closed without an answer')
        if kind == conf.HTTP:
            result.fields['code'] = answer.split()[1].decode()
        result.fields.update(clients.fields(
            answer.decode().rstrip().rpartition('\n')[2]))


def reason():
    text = ctypes.create_string_buffer(256)
    ERR_error_string_n(ERR_get_error(), text, len(text))
    return text.value.decode()


def renaming(ssl, name, result):
    """A callback that changes the name when the server sends
    HelloRetryRequest.
    """
    def watch(write, _version, kind, data, size, _ssl, _arg):
        if write or kind != HANDSHAKE or size < 40:
            return
        data = ctypes.string_at(data, 10)
        if data[0] == SERVER_HELLO and data[6:] == RETRY:
            SSL_ctrl(ssl, CTRL_SET_HOST_NAME, 0, name.encode())
            result.renamed = True

    return WATCH(watch)


def native_of(session):
    """OpenSSL's own object, which the caller frees."""
    data = ctypes.c_char_p(session.data)
    native = d2i_SSL_SESSION(None, ctypes.byref(data), len(session.data))
    assert native, reason()
    return native


def offer(ssl, session):
    native = native_of(session)
    SSL_set_session(ssl, native)
    SSL_SESSION_free(native)


def taken(ssl, version):
    """The session of a connection; None if the server gave none."""
    native = SSL_get1_session(ssl)
    if not native:
        return None
    try:
        identity, size = _P(), ctypes.c_size_t()
        if version == 'TLSv1.3' or SSL_SESSION_has_ticket(native):
            SSL_SESSION_get0_ticket(native, ctypes.byref(identity),
                                    ctypes.byref(size))
        else:
            length = ctypes.c_uint()
            identity.value = SSL_SESSION_get_id(native,
                                                ctypes.byref(length))
            size.value = length.value
        if not size.value:
            return None
        data = ctypes.create_string_buffer(i2d_SSL_SESSION(native, None))
        end = ctypes.cast(data, _P)
        i2d_SSL_SESSION(native, ctypes.byref(end))
        return Session(data.raw, ctypes.string_at(identity, size.value),
                       SSL_SESSION_get_ticket_lifetime_hint(native))
    finally:
        SSL_SESSION_free(native)


class Chain:
    """A client that always offers the last session that it was given.

    It waits for a host for at most so many seconds.
    """

    def __init__(self, version, patience=None):
        self.client = Client(version)
        self.patience = patience
        self.session = None

    def full(self, host, **where):
        self.session = self.client.full(host, **where).session
        return self.session

    def offer(self, host, **where):
        result = self.client.connect(host, session=self.session, **where)
        assert result.error is None, result
        if self.patience is not None:
            assert result.seconds < self.patience, result.seconds
        self.session = result.session or self.session
        return result

    def remote(self, first, second):
        """Waits until a session of one host resumes on another."""
        def resumed():
            self.full(first)
            return self.offer(second).fields['sync'] == 'id-remote'

        process.wait_until(resumed, 'a session of %s on %s'
                           % (first.name, second.name))


def redeem(client, first, second, there=None, **where):
    """Waits until a session of one host resumes on another; that connection.

    A session may not be stored yet when it is first offered.
    """
    def resumed():
        session = client.full(first, **where).session
        result = client.connect(second, session=session,
                                **(where if there is None else there))
        assert result.error is None
        return result if result.reused else None

    return process.wait_until(resumed, 'a session of %s on %s'
                              % (first.name, second.name))


def without_tickets(hosts):
    for host in hosts:
        for server in host.config.servers:
            server.extra += ' ssl_session_tickets off;'
