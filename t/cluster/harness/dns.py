"""A DNS server for one name, whose answers a test may change.

Run as a program in the network of a host: dns.py FILE.  The file has one
address on each line, in the order of the answer.  Without the file the name
does not exist.  With a line "silent" there is no answer, and with "delay
SECONDS" it comes later.
"""

import contextlib
import ipaddress
import os
import socket
import subprocess
import sys
import threading

NAME = 'fleet.test'             # the name in memcached's certificates
PORT = 53
TYPES = {1: 4, 28: 6}           # A and AAAA, and the version of IP


class Dns:
    """The DNS server of one host, which has a resolv.conf of its own."""

    def __init__(self, host):
        self.host = host
        self.file = host.path('addresses')
        self.resolv = host.path('resolv.conf')
        with open(self.resolv, 'w', encoding='ascii') as f:
            f.write('nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
        self.process = subprocess.Popen(
            host.site.command([sys.executable, '-B', __file__, self.file]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b'ready\n':
            raise RuntimeError('the DNS server does not start')
        command = host.command
        host.command = lambda *options: self._with(command(*options))

    def _with(self, command):
        """The command, run with the mount of a resolv.conf."""
        return ['unshare', '--mount', 'sh', '-c',
                'mount --bind "$0" /etc/resolv.conf && exec "$@"',
                self.resolv, *command]

    def answer(self, addresses, delay=0):
        self._say(['delay %g' % delay] * bool(delay) + list(addresses))

    def silent(self):
        self._say(['silent'])

    def no_such_name(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.file)

    def _say(self, lines):
        with open(self.file + '.new', 'w', encoding='ascii') as f:
            f.write(''.join(line + '\n' for line in lines))
        os.replace(self.file + '.new', self.file)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def look_up(file):
    """The words and addresses in the file; None: the name does not exist."""
    try:
        with open(file, encoding='ascii') as f:
            lines = f.read().splitlines()
    except FileNotFoundError:
        return '', None
    words = lines.pop(0) if lines and lines[0][0].islower() else ''
    return words, [ipaddress.ip_address(line) for line in lines]


def reply(query, found):
    """The bytes of the answer to a query."""
    end = 12
    while query[end]:
        end += query[end] + 1
    question = query[12:end + 5]
    kind = int.from_bytes(question[-4:-2], 'big')
    code = 3 if found is None else 0
    records = [b'\xc0\x0c' + question[-4:] + b'\0\0\0\0'
               + len(a.packed).to_bytes(2, 'big') + a.packed
               for a in found or () if a.version == TYPES.get(kind)]
    return (query[:2] + bytes([0x81, 0x80 | code]) + b'\0\1'
            + len(records).to_bytes(2, 'big') + b'\0\0\0\0'
            + question + b''.join(records))


def main(file):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', PORT))
        print('ready', flush=True)
        while True:
            query, client = s.recvfrom(4096)
            words, found = look_up(file)
            if len(query) <= 16 or words == 'silent':
                continue
            answer = reply(query, found)
            delay = float(words.split()[1]) if words else 0
            later = threading.Timer(delay, s.sendto, [answer, client])
            later.daemon = True
            later.start()


if __name__ == '__main__':
    main(sys.argv[1])
