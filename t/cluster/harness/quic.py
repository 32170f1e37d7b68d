"""An HTTP/3 client: aioquic's, which is neither OpenSSL nor of ngtcp2."""

import asyncio
import ssl

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated

from . import clients

SECONDS = 20


class Page(QuicConnectionProtocol):
    """One request and its answer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.body = b''
        self.whole = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated) and not self.whole.done():
            self.whole.set_exception(ConnectionError(event.reason_phrase))
        for part in self.http.handle_event(event):
            if isinstance(part, DataReceived):
                self.body += part.data
            if (isinstance(part, (DataReceived, HeadersReceived))
                    and part.stream_ended and not self.whole.done()):
                self.whole.set_result(None)

    async def get(self, name):
        self.http.send_headers(
            self._quic.get_next_available_stream_id(),
            [(b':method', b'GET'), (b':scheme', b'https'),
             (b':authority', name.encode()), (b':path', b'/')],
            end_stream=True)
        self.transmit()
        await self.whole


async def _connect(result, port, name, ticket, early):
    arrived = asyncio.Event()

    def save(new):
        result.session = new
        arrived.set()

    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=H3_ALPN, server_name=name,
        verify_mode=ssl.CERT_NONE, session_ticket=ticket)
    async with connect(result.host.address, port, configuration=configuration,
                       create_protocol=Page, session_ticket_handler=save,
                       wait_connected=not early) as page:
        await page.get(name)
        await arrived.wait()
        result.reused = page._quic.tls.session_resumed
        result.early = page._quic.tls.early_data_accepted
        result.fields = clients.fields(page.body.decode())


def get(host, port, name, ticket=None, early=False):
    """A handshake and a page; waits for a ticket, too.  Never raises.

    With "early" the request goes in early data, if the ticket allows it.
    """
    result = clients.Result(host, 'TLSv1.3')
    try:
        asyncio.run(asyncio.wait_for(_connect(result, port, name, ticket,
                                              early), SECONDS))
    except (OSError, asyncio.TimeoutError) as error:
        result.error = '%s: %s' % (type(error).__name__, error)
    return result
