"""No secret leaves a process: every place is searched for each secret.

The STEKs are read from the rings in memcached with the secret; the master
secrets come from the clients, from their key log and session files.
"""

import os
import signal
import struct

import pytest

from harness import clients, conf, load, process, record


PT_LOAD, PT_NOTE = 1, 4      # types of segments in an ELF file


class Needles:
    """Byte strings, of which each half is searched for, raw and in hex."""

    def __init__(self):
        self.found = {}

    def add(self, what, value):
        assert len(value) >= 16
        middle = len(value) // 2
        for half in (value[:middle], value[middle:]):
            self.found[half] = what
            self.found[half.hex().encode()] = what + ' in hex'
            self.found[half.hex().upper().encode()] = what + ' in HEX'

    def search(self, where, data):
        """Returns a sentence for each place where one was found."""
        return ['%s is in %s' % (what, where)
                for value, what in self.found.items() if value in data]


class Run:
    """A cluster that has been used for a while, and all of its secrets."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.steks = {}
        self.clients = Needles()
        self.keys = Needles()

    def gather(self):
        for server in self.cluster.memcached:
            for key in record.ring_of(server, self.cluster.secret):
                self.steks[key.name] = key

    def connect(self):
        directory = self.cluster.directory
        hosts = self.cluster.hosts
        keylog = os.path.join(directory, 'keylog')
        for version in clients.VERSIONS:
            client = clients.Client(version, keylog=keylog)
            for kind in conf.KINDS:
                for host in hosts:
                    session = client.full(host, kind=kind).session
                    for other in hosts:
                        result = client.connect(other, session=session,
                                                kind=kind)
                        assert result.error is None and result.reused
            for host in hosts:
                name = '%s-%s.pem' % (host.name, version)
                clients.openssl(host, version, directory, write=name)
                file = os.path.join(directory, name)
                self.clients.add('secret of a session of ' + host.name,
                                 clients.session_secret(file))
        with open(keylog, encoding='ascii') as f:
            for line in f:
                if not line.startswith('#'):
                    label, _, secret = line.split()
                    self.clients.add(label, bytes.fromhex(secret))

    def finish(self):
        secret = bytes.fromhex(self.cluster.secret)
        self.keys.add('the cluster secret', secret)
        for key in self.steks.values():
            self.keys.add('AES key of ' + key.short_name, key.aes)
            self.keys.add('HMAC key of ' + key.short_name, key.hmac)
        assert len(self.steks) >= 3
        assert len(self.clients.found) >= 100

    def search(self, where, data):
        return self.keys.search(where, data) + self.clients.search(where,
                                                                   data)


@pytest.fixture(scope='module')
def run(make_module_cluster):
    cluster = make_module_cluster(forward_secrecy='off',
                                  hosts=2, rotation='2s')
    cluster.wait_agreed()
    run = Run(cluster)
    run.values = []
    for _ in range(2):
        run.gather()
        run.connect()
        for server in cluster.memcached:
            run.values += [(server.name + ' ' + key, value)
                           for key, value in server.items().items()]
        cluster.wait_rotations(1)
    # a worker that takes over, and one that leaves, have secrets as well
    host = cluster.hosts[0]
    host.expected.append('exited on signal 9')
    process.kill(host.group()['speaker'], signal.SIGKILL)
    cluster.hosts[1].reload()
    cluster.wait_rotations(1)
    run.gather()
    run.finish()
    return run


def test_memcached_values(run):
    hits = []
    for where, value in run.values:
        hits += run.search(where, value)
    assert len(run.values) >= 8
    assert not hits, '\n'.join(hits)


def test_memory_of_memcached(run):
    """Also memory that no longer has, or does not yet have, a value in it."""
    hits = []
    for server in run.cluster.memcached:
        dump = core(server.process.pid, run.cluster.directory).memory
        assert record.ring_name(run.cluster.secret,
                                'main').encode() in dump
        hits += run.search('memory of ' + server.name, dump)
    assert not hits, '\n'.join(hits)


def test_files(run):
    """Logs, and all other files that a host has written, except its secret."""
    hits, read = [], 0
    for host in run.cluster.hosts:
        for name in os.listdir(host.directory):
            file = host.path(name)
            if name.endswith('.secret') or not os.path.isfile(file):
                continue
            with open(file, 'rb') as f:
                data = f.read()
            read += len(data)
            hits += run.search(file, data)
    assert read > 1000
    assert not hits, '\n'.join(hits)


def test_status(run):
    hits = []
    for host in run.cluster.hosts:
        for path in ('/status', '/status?format=prometheus'):
            text = host.get(path)
            hits += run.search(path, text.encode())
            for key in run.steks.values():
                if key.name[:5].hex() in text:
                    hits.append('more of a name than 8 digits in ' + path)
    assert not hits, '\n'.join(hits)


class Core:
    """A core dump: the memory, and the registers of the threads."""

    def __init__(self, data):
        self.memory = b''
        self.registers = b''
        table, = struct.unpack_from('<Q', data, 32)
        count, = struct.unpack_from('<H', data, 56)
        # with many segments the number is elsewhere in the header
        assert data[:4] == b'\x7fELF' and 0 < count < 0xffff
        for number in range(count):
            kind, _, offset, _, _, size = struct.unpack_from(
                '<IIQQQQ', data, table + number * 56)
            part = data[offset:offset + size]
            if kind == PT_NOTE:
                self.registers += part
            elif kind == PT_LOAD:
                # most of it is memory that was never used
                self.memory += part.replace(bytes(4096), b'')


def core(pid, directory):
    """Dumps a process in the same way as the kernel would do it."""
    file = os.path.join(directory, 'core.%d' % pid)
    process.run(['gdb', '-nx', '-batch', '-iex', 'set auto-solib-add off',
                 '-p', str(pid), '-ex', 'generate-core-file ' + file],
                timeout=60)
    try:
        with open(file, 'rb') as f:
            return Core(f.read())
    finally:
        os.remove(file)


@pytest.fixture(scope='module')
def dumpable(run):
    if run.cluster.build.preload:
        pytest.skip('AddressSanitizer maps terabytes and keeps what was '
                    'freed: its core dumps are not those of users')


@pytest.fixture(scope='module')
def dumps(run, dumpable):
    """Dumps every master and worker."""
    return [('%s of %s' % (what, host.name), pid,
             core(pid, run.cluster.directory))
            for host in run.cluster.hosts
            for what, pid in [('the master', host.pid)]
            + [('a worker', pid) for pid in host.workers()]]


def test_core_dumps_memory(run, dumps):
    """No STEK and no cluster secret is in the memory of a core dump."""
    hits = []
    for who, _, dump in dumps:
        # shows that it is a dump of a process that has used secrets
        assert b'ssl_session_sync' in dump.memory
        hits += run.keys.search('core dump of ' + who, dump.memory)
    assert not hits, '\n'.join(hits)


def test_core_dumps_registers(run, dumps):
    """No key stays in the registers of idle threads, which a dump has, too.

    While keys are being copied they are in registers, and a dump may be made
    at such a moment.  What idle threads keep is in the next dumps as well.
    """
    hits = []
    for who, pid, dump in dumps:
        assert len(dump.registers) > 1000
        for _ in range(10):
            found = run.keys.search('registers of ' + who, dump.registers)
            if not found:
                break
            dump = core(pid, run.cluster.directory)
        hits += found
    assert not hits, '\n'.join(hits)


def test_core_dumps_under_load(run, dumpable):
    """The same while keys are in use, at random moments."""
    hits = []
    host = run.cluster.hosts[0]
    with load.Load([host], lifetime=100) as steady:
        for pid in host.workers() * 2:
            before = steady.resumed
            process.wait_until(lambda before=before:
                               steady.resumed > before + 20, 'some load')
            dump = core(pid, run.cluster.directory)
            hits += run.keys.search('core dump of %d' % pid, dump.memory)
    assert not hits, '\n'.join(hits)


def left_out(pid):
    """The memory that is left out of core dumps; its size must be plausible.
    """
    found = b''
    with open('/proc/%d/smaps' % pid, encoding='utf-8') as maps, \
            open('/proc/%d/mem' % pid, 'rb') as memory:
        for line in maps:
            words = line.split()
            if not words[0].endswith(':'):
                begin, end = (int(n, 16) for n in words[0].split('-'))
                rights = words[1]
            elif (words[0] == 'VmFlags:' and 'dd' in words and 'r' in rights
                  and end - begin < 1 << 26 and 'io' not in words):
                memory.seek(begin)
                found += memory.read(end - begin)
    return found


def test_the_search_finds_what_is_there(run):
    """The search finds the STEKs in the memory that is left out of dumps."""
    steks = Needles()
    for key in record.ring_of(run.cluster.memcached[0],
                              run.cluster.secret):
        steks.add('AES key', key.aes)
    worker = run.cluster.hosts[0].workers()[0]
    assert steks.search('memory', left_out(worker))
