"""A TLS client in slow motion, and many quick ones at once."""

import json
import os
import select
import shlex
import socket
import ssl
import struct
import subprocess
import sys
import time

from . import clients, conf

BENCH = os.path.join(conf.REPOSITORY, 't', 'bench')


class Caller:
    """One connection, of which the host has received only the ClientHello."""

    def __init__(self, client, host, session, name='a.example'):
        self.client = client
        self.host = host
        self.name = name
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = client.context.wrap_bio(self.incoming, self.outgoing,
                                           server_hostname=name,
                                           session=session)
        self.began = time.monotonic()
        self.socket = socket.create_connection(
            (host.address, conf.PORT[conf.HTTP]), client.timeout)
        assert not self._step(self.tls.do_handshake)

    def _step(self, function):
        """Returns False when it is the host's turn."""
        try:
            done = function()
        except ssl.SSLWantReadError:
            done = False
        self.socket.sendall(self.outgoing.read())
        return done is not False

    def _until(self, function):
        while not self._step(function):
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError('the server closed')
            self.incoming.write(data)

    def quiet(self):
        """Whether the host has sent nothing, not even the end of the
        connection.
        """
        return not select.select([self.socket], [], [], 0)[0]

    def finish(self):
        """Completes the handshake and a request; like
        clients.Client.connect().
        """
        result = clients.Result(self.host, self.client.version)
        try:
            self._until(self.tls.do_handshake)
            result.seconds = time.monotonic() - self.began
            result.reused = self.tls.session_reused
            self.tls.write(b'GET / HTTP/1.0\r\nHost: %s\r\n\r\n'
                           % self.name.encode())
            answer = []
            self._until(lambda: answer.append(self.tls.read(65536)))
            result.fields = clients.fields(
                answer[0].decode().rstrip().rpartition('\n')[2])
        except OSError as error:
            result.error = '%s: %s' % (type(error).__name__, error)
        self.hang_up()
        return result

    def hang_up(self):
        self.socket.close()

    def reset(self):
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack('ii', 1, 0))
        self.socket.close()


class Crowd:
    """The load client of the bench: sessions of one host that are all used on
    another one at the same time.
    """

    def __init__(self, first, second, version, count, directory,
                 patience=170):
        sys.path.append(BENCH)
        import client                               # t/bench/client.py
        client.build()
        port = conf.PORT[conf.HTTP]
        self.output = os.path.join(directory, 'crowd')
        command = [client.PROGRAM,
                   '--open', '%s:%d' % (first.address, port),
                   '--redeem', '%s:%d' % (second.address, port),
                   '--name', 'a.example', '--mode', 'id',
                   '--tls', version[4:], '--handshakes', str(count),
                   '--in-flight', str(count), '--patience', str(patience),
                   '--time', str(patience)]
        with open(self.output, 'w', encoding='utf-8') as f:
            self.process = subprocess.Popen(command, cwd=directory,
                                            stdin=subprocess.DEVNULL,
                                            stdout=f)
        self.what = shlex.join(command)

    def result(self):
        assert self.process.wait(200) in (0, 1), self.what
        with open(self.output, encoding='utf-8') as f:
            return json.load(f)
