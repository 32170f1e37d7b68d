"""In front of memcached: changes what hosts put into slots, or find there."""

from . import forwarder, recorder

SIZE = {True: 4, False: 3}      # which word of a line has the value's size


class Doorman(forwarder.Forwarder):
    """Everything passes, but for the values of some keys.

    "comes" and "goes" are functions of a key and of the value that a host
    sends or would get; they return what is passed instead, and "goes" may
    return None: nothing is there.
    """

    def __init__(self, server, address, keys):
        super().__init__(address, [(server.address, 11211)])
        self.keys = {key.encode() for key in keys}
        self.comes = self.goes = lambda key, value: value

    def _pump(self, source, sink, delayed):
        super()._pump(Changed(source, self, delayed), sink, delayed)

    def change(self, words, value, to_server):
        """What is passed instead of a line and its value: bytes."""
        if words[1] in self.keys:
            way = self.comes if to_server else self.goes
            value = way(words[1].decode(), value)
            if value is None:
                return b''
            words = list(words)
            words[SIZE[to_server]] = b'%d' % len(value)
        return b' '.join(words) + b'\r\n' + value + b'\r\n'


class Changed:
    """A socket to read from, whose bytes have gone through a doorman."""

    def __init__(self, source, doorman, to_server):
        self.source = source
        self.doorman = doorman
        self.to_server = to_server
        self.data = b''

    def recv(self, size):
        passed = b''
        while not passed:
            data = self.source.recv(size)
            if not data:
                return b''
            self.data += data
            passed = self._whole()
        return passed

    def _whole(self):
        """Lines, with their values, that are complete."""
        passed = []
        while True:
            end = self.data.find(b'\r\n')
            if end < 0:
                return b''.join(passed)
            words, begin = self.data[:end].split(), end + 2
            size = (recorder.size_of_value(words, self.to_server)
                    if words else None)
            if size is None:
                passed.append(self.data[:begin])
                self.data = self.data[begin:]
                continue
            if len(self.data) < begin + size + 2:
                return b''.join(passed)
            passed.append(self.doorman.change(
                words, self.data[begin:begin + size], self.to_server))
            self.data = self.data[begin + size + 2:]
