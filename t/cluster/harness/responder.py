"""An OCSP responder that answers as a test wants, and counts queries."""

import base64
import http.server
import threading
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from . import authority


class Responder:
    """A context; answers for one authority, whose certificates it may revoke.
    """

    def __init__(self, address, issuer, pairs):
        self.issuer = issuer
        self.of = {}
        for pair in pairs:
            with open(pair.certificate, 'rb') as f:
                self.of[pair.serial] = x509.load_pem_x509_certificate(
                    f.read())
        self.revoked = set()
        self.asked = 0
        self.server = http.server.ThreadingHTTPServer(
            (address, 0), self._handler())
        self.url = 'http://%s:%d/' % (address, self.server.server_port)
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={'poll_interval': 0.05})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def _handler(responder):

        class Handler(http.server.BaseHTTPRequestHandler):

            def do_GET(self):
                body = responder.answer(base64.b64decode(
                    urllib.parse.unquote(self.path[1:])))
                self.send_response(200)
                self.send_header('Content-Type', 'application/ocsp-response')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                """Logs nothing."""

        return Handler

    def answer(self, request):
        self.asked += 1
        asked = ocsp.load_der_ocsp_request(request)
        revoked = asked.serial_number in self.revoked
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=self.of[asked.serial_number],
            issuer=self.issuer.certificate, algorithm=hashes.SHA1(),
            cert_status=(ocsp.OCSPCertStatus.REVOKED if revoked
                         else ocsp.OCSPCertStatus.GOOD),
            this_update=authority.days(-1), next_update=authority.days(1),
            revocation_time=authority.days(-1) if revoked else None,
            revocation_reason=None)
        answer = builder.responder_id(
            ocsp.OCSPResponderEncoding.NAME, self.issuer.certificate).sign(
                self.issuer.key, hashes.SHA256())
        return answer.public_bytes(serialization.Encoding.DER)
