"""Between a host and memcached: slow, silent, or lying.

What it knows of the text protocol is where commands begin and end.
"""

import queue
import threading
import time

from . import forwarder, memcached

WITH_VALUE = (b'set', b'add', b'replace', b'cas')
PROBE = b'sss1:probe'


class HangUp(Exception):
    """Raised by a lie: the connection is closed."""


def is_lookup(words):
    """Of sessions: rings are read with "gets", for their versions."""
    return words[:1] == [b'get'] and words[1] != PROBE


class Proxy(forwarder.Forwarder):
    """A forwarder that knows commands.

    With a delay, commands reach the server so much later, however many there
    are; while held, not at all.

    A lie is called with the words of each command that is about to reach the
    server.  It returns what the client gets for an answer, perhaps nothing,
    or None to let the server answer.
    """

    def __init__(self, server, address):
        super().__init__(address, [(server.address, memcached.PORT)],
                         pair=server.pair)
        self.lie = None
        self.asked = set()          # names of sessions
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
        """Queues the commands that are complete; returns what is not."""
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
