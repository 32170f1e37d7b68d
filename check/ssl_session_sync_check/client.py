"""TLS connections, and what came of them."""

import socket
import ssl
import time
from dataclasses import dataclass

from . import hello

SILENCE = 0.5       # seconds, after which who has a session waits no longer
MOST = 65536        # bytes of an answer that are read


@dataclass(frozen=True)
class Kind:
    """A kind of session that a client can ask for."""

    name: str
    title: str
    version: ssl.TLSVersion
    tickets: bool


KINDS = (
    Kind('ticket-1.2', 'TLS 1.2, tickets', ssl.TLSVersion.TLSv1_2, True),
    Kind('id-1.2', 'TLS 1.2, Session IDs', ssl.TLSVersion.TLSv1_2, False),
    Kind('tls-1.3', 'TLS 1.3', ssl.TLSVersion.TLSv1_3, True),
)


@dataclass
class Visit:
    """One connection."""

    error: str = None       # why it failed, if it did
    refused: bool = False   # it failed in the TLS handshake
    resumed: bool = False
    session: object = None  # of the kind that was asked for, or None
    ticket: bytes = b''
    lifetime: int = None    # of the ticket, in seconds, as the server says


class Client:
    """Sessions of one kind. Threads share it.

    A certificate is verified, for the name, if there is a file of
    authorities.
    """

    def __init__(self, kind, timeout, authorities=None):
        self.kind = kind
        self.timeout = timeout
        self.context = context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if authorities:
            context.load_verify_locations(authorities)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = kind.version
        if not kind.tickets:
            context.options |= ssl.OP_NO_TICKET

    def visit(self, address, name, session=None):
        """Connects, asks for a page, leaves; never raises OSError."""
        end = time.monotonic() + self.timeout
        try:
            with socket.create_connection((address.host, address.port),
                                          self.timeout) as plain:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                plain.settimeout(max(end - time.monotonic(), 0.001))
                with self.context.wrap_socket(plain, server_hostname=name,
                                              session=session) as tls:
                    self._talk(tls, name, end)
                    visit = self._seen(tls, name)
                    self._leave(tls)
                    return visit
        except ssl.SSLError as error:
            return Visit(error=reason(error), refused=not isinstance(
                error, ssl.SSLCertVerificationError))
        except OSError as error:
            return Visit(error=reason(error),
                         refused=isinstance(error, ConnectionResetError))

    def _talk(self, tls, name, end):
        """TLS 1.3 sends sessions after the handshake, before an answer.

        Whatever becomes of the talk, the handshake was one.
        """
        try:
            tls.sendall(b'HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close'
                        b'\r\nUser-Agent: ssl-session-sync-check\r\n\r\n'
                        % name.encode('idna'))
            self._read(tls, end)
        except OSError:
            pass

    def _read(self, tls, end):
        size = 0
        while size < MOST and time.monotonic() < end:
            tls.settimeout(min(SILENCE, max(end - time.monotonic(), 0.001)))
            try:
                data = tls.recv(4096)
            except socket.timeout:
                if size or self._has_session(tls.session):
                    return
                continue
            if not data:
                return
            size += len(data)

    @staticmethod
    def _leave(tls):
        """A server may forget the session of who goes without a goodbye."""
        try:
            tls.settimeout(SILENCE)
            tls.unwrap()
        except (OSError, ValueError):
            pass

    def _has_session(self, session):
        if session is None:
            return False
        if self.kind.tickets:
            return session.has_ticket
        return bool(session.id) and not session.has_ticket

    def _seen(self, tls, name):
        visit = Visit(resumed=tls.session_reused)
        session = tls.session
        if self._has_session(session):
            visit.session = session
            if session.has_ticket:
                visit.lifetime = session.ticket_lifetime_hint
                visit.ticket = hello.ticket(self.context, name, session)
        return visit


def reason(error):
    """Why, without the words that are for Python's programmers."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return 'the certificate is refused: ' + error.verify_message
    if isinstance(error, ssl.SSLEOFError):
        return 'TLS: the server closed the connection'
    if isinstance(error, ssl.SSLError) and error.reason:
        return 'TLS: ' + error.reason.lower().replace('_', ' ')
    if isinstance(error, socket.timeout):
        return 'timed out'
    return error.strerror or str(error)
