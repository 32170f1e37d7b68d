"""What memcached itself reports about its requests and its memory."""

import contextlib
import glob
import re
import socket


class Counted:
    """memcached's statistics, over a connection of this program."""

    def __init__(self, address):
        host, _, port = address.rpartition(':')
        self.socket = socket.create_connection((host, int(port)), 10)
        self.sent = self.got = 0

    def close(self):
        self.socket.close()

    def ask(self, command, end=b'END\r\n'):
        self.socket.sendall(command.encode() + b'\r\n')
        self.sent += len(command) + 2
        return self.read(end)

    def read(self, end):
        answer = b''
        while not answer.endswith(end):
            more = self.socket.recv(65536)
            if not more:
                raise OSError('memcached closed the connection')
            answer += more
        self.got += len(answer)
        return answer

    def numbers(self, what=''):
        """The statistics without the requests of this program, and their size.
        """
        got = self.got
        answer = self.ask(('stats ' + what).strip())
        found = {'size': len(answer)}
        for line in answer.decode('latin-1').split('\r\n'):
            word, _, rest = line.partition(' ')
            if word == 'STAT':
                name, _, value = rest.partition(' ')
                with contextlib.suppress(ValueError):
                    found[name] = float(value)
        if not what:
            found['bytes_read'] -= self.sent
            found['bytes_written'] -= got
        return found

    def chunks(self):
        """Bytes of the slab chunks in use."""
        found = self.numbers('slabs')
        return sum(found[name] * found[name.split(':')[0] + ':chunk_size']
                   for name in found if name.endswith(':used_chunks'))

    def items(self):
        """[(kind, bytes of the value, bytes of the item, name)]"""
        found = []
        for line in self.ask('lru_crawler metadump all').decode().split('\n'):
            match = re.match(r'key=(\S+) .*size=(\d+)', line)
            if match:
                name = match[1].replace('%3A', ':')
                answer = self.ask('get ' + name)
                head, _, value = answer.partition(b'\r\n')
                if head.startswith(b'VALUE'):
                    length = int(head.split()[3])
                    found.append((kind(value), length, int(match[2]), name))
        return found


def kind(value):
    if value.startswith(b'SSSP'):
        return 'presence'
    if value.startswith(b'SSSL'):
        return 'ring'
    if value.startswith(b'SSSJ') or value == b'-':
        return 'door'
    if value.startswith(b'SSL1'):
        return 'log'
    if value.startswith(b'SSB1'):
        return 'badge'
    return {2: 'session'}.get(value[5], 'strange')


def cpu(process):
    """Seconds of CPU time of a process."""
    total = 0
    for path in glob.glob('/proc/%d/task/*/schedstat' % process.pid):
        with contextlib.suppress(OSError), open(path, encoding='ascii') as f:
            total += int(f.read().split()[0])
    return total / 1e9


def resident(process):
    with open('/proc/%d/status' % process.pid, encoding='ascii') as f:
        return 1024 * int(re.search(r'VmRSS:\s+(\d+)', f.read())[1])


def connection(server, n=800):
    """Bytes that memcached needs for a connection over which it was asked."""
    counted = Counted(server.address)
    before = resident(server.process)
    others = [Counted(server.address) for _ in range(n)]
    for other in others:
        other.ask('get sss1:none')
    took = resident(server.process) - before
    for other in [*others, counted]:
        other.close()
    return took / n


def busy(server, names, connections=64, rounds=200):
    """Seconds of CPU time of memcached for a poll, when there are many at
    once.
    """
    request = ('gets %s\r\n' % ' '.join(names)).encode()
    asking = [Counted(server.address) for _ in range(connections)]
    ran = cpu(server.process)
    for _ in range(rounds):
        for one in asking:
            one.socket.sendall(request)
        for one in asking:
            one.read(b'END\r\n')
    ran = cpu(server.process) - ran
    for one in asking:
        one.close()
    return ran / (connections * rounds)
