"""A proxy between a host and memcached: slow, silent, or lying.

Of the text protocol it only knows where commands begin and end.
"""

import queue
import threading
import time

from . import forwarder, memcached

WITH_VALUE = (b'set', b'add', b'replace', b'cas')
PROBE = b'sss1:probe'


class HangUp(Exception):
    """Raised by a lie that closes the connection."""


def is_lookup(words):
    """Whether a command looks sessions up: rings are read with "gets"."""
    return words[:1] == [b'get'] and words[1] != PROBE


class Proxy(forwarder.Forwarder):
    """A forwarder that knows commands.

    With a delay, each command reaches the server so much later.  While
    commands are held they do not reach it at all.

    A lie is called with the words of each command before the server gets it.
    It returns the answer for the client, which may be empty, or None if the
    server is to answer.
    """

    def __init__(self, server, address):
        super().__init__(address, [(server.address, memcached.PORT)],
                         pair=server.pair)
        self.lie = None
        self.asked = set()          # names of the sessions that were looked up
        self._open = threading.Event()
        self._open.set()

    def __exit__(self, *exc):
        self.release()
        super().__exit__(*exc)

    def hold(self):
        self._open.clear()

    def release(self):
        self._open.set()

    def _pump(self, source, sink, delayed):
        if not delayed:
            super()._pump(source, sink, False)
            return
        commands = queue.Queue()
        self._thread(self._hand_over, commands, source, sink)
        rest = b''
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                rest = self._split(rest + data, commands)
        except OSError:
            pass
        commands.put(None)

    def _split(self, data, commands):
        """Queues the complete commands; returns the bytes that are left."""
        due = time.monotonic() + self.delay
        while True:
            line, end, _ = data.partition(b'\r\n')
            size = len(line) + 2
            words = line.split()
            if end and words and words[0] in WITH_VALUE:
                size += int(words[4]) + 2
            if not end or len(data) < size:
                return data
            commands.put((due, words, data[:size]))
            data = data[size:]

    def _hand_over(self, commands, source, sink):
        try:
            while True:
                command = commands.get()
                if command is None:
                    break
                due, words, data = command
                time.sleep(max(0.0, due - time.monotonic()))
                self._open.wait()
                answer = self._answer(words)
                if answer is None:
                    sink.sendall(data)
                else:
                    source.sendall(answer)
        except (OSError, HangUp):
            pass
        self._shut(source)
        self._shut(sink)

    def _answer(self, words):
        if is_lookup(words):
            self.asked.update(words[1:])
        lie = self.lie
        return None if lie is None else lie(words)
