"""A middlebox in front of memcached: slow, or garbling bytes.

A process of its own, in the namespace of the server.  As a script:

    middlebox.py ADDRESS PORT TARGET-PORT

It takes commands on its standard input, answers each with "ok", and ends
with it:

    pass            as if it was not there
    mute            connections are closed; new ones are taken, and nothing
                    comes over them
    delay SECONDS   answers come so much later
    garble SHARE    so many of the pieces that pass, in either direction,
                    have a byte changed, one cut off or one put in
"""

import asyncio
import os
import random
import subprocess
import sys

PORT = 11311


class Middlebox:
    """The middlebox's process, for the tests."""

    def __init__(self, site, target_port, directory):
        self.site = site
        self.target_port = target_port
        self.directory = directory
        self.process = None

    @property
    def server(self):
        return '%s:%d' % (self.site.address, PORT)

    def start(self):
        # elsewhere python would not find its modules
        self.process = subprocess.Popen(
            self.site.command([sys.executable, '-B',
                               os.path.abspath(__file__), self.site.address,
                               str(PORT), str(self.target_port)]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            cwd=self.directory)
        self._answer()

    def _answer(self):
        if self.process.stdout.readline() != b'ok\n':
            raise RuntimeError('the middlebox at %s ended' % self.server)

    def tell(self, command):
        self.process.stdin.write(command.encode() + b'\n')
        self.process.stdin.flush()
        self._answer()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None


class Way:
    """What is being done to the bytes."""

    def __init__(self):
        self.delay = 0.0
        self.garble = 0.0
        self.loud = asyncio.Event()
        self.loud.set()
        self.writers = set()

    def command(self, line):
        word, *arguments = line.split()
        self.delay = self.garble = 0.0
        self.loud.set()
        if word == 'delay':
            self.delay = float(arguments[0])
        elif word == 'garble':
            self.garble = float(arguments[0])
        elif word == 'mute':
            self.loud.clear()
            for writer in self.writers:
                writer.transport.abort()
        elif word != 'pass':
            raise ValueError(line)

    def change(self, data):
        if random.random() >= self.garble:
            return data
        data = bytearray(data)
        i = random.randrange(len(data))
        what = random.randrange(4)
        if what == 0:
            del data[i]
        elif what == 1:
            data.insert(i, random.randrange(256))
        else:
            data[i] = random.randrange(256)
        return bytes(data)


async def pump(way, reader, writer, answers):
    """In order, and each piece as late as was asked when it came."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def send():
        while True:
            when, data = await queue.get()
            await asyncio.sleep(max(0, when - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()

    sender = asyncio.ensure_future(send())
    last = 0.0
    try:
        while True:
            data = await reader.read(65536)
            if data:
                data = way.change(data) or b'?'
            last = max(last, loop.time() + (way.delay if answers else 0))
            queue.put_nowait((last, data))
            if not data:
                break
        await sender
    finally:
        sender.cancel()


async def serve(address, port, target):
    way = Way()

    async def connection(reader, writer):
        way.writers.add(writer)
        try:
            await way.loud.wait()
            await forward(reader, writer)
        finally:
            way.writers.discard(writer)

    async def forward(reader, writer):
        try:
            there = await asyncio.open_connection(address, target)
        except OSError:
            writer.transport.abort()
            return
        pumps = [asyncio.ensure_future(pump(way, reader, there[1], False)),
                 asyncio.ensure_future(pump(way, there[0], writer, True))]
        # when either side closes, both are closed
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for one in pumps:
            one.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        writer.transport.abort()
        there[1].transport.abort()

    server = await asyncio.start_server(connection, address, port)
    print('ok', flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while True:
        line = await commands.readline()
        if not line:
            break
        way.command(line.decode())
        print('ok', flush=True)
    server.close()
    # connections end with the process
    os._exit(0)


if __name__ == '__main__':
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
