"""No secret leaves a process: every place is searched for every one.

The STEKs are known from the rings in memcached, opened with the secret; the
master secrets from the clients: their key log and their session files.
"""

import os
import signal

import pytest

from harness import clients, conf, load, process, record


class Needles:
    """Byte strings to look for by their halves, raw and in hex."""

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
        """Every hit as a sentence."""
        return ['%s is in %s' % (what, where)
                for value, what in self.found.items() if value in data]


class Run:
    """A cluster with some history, and all that was secret in it."""

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
    cluster = make_module_cluster(hosts=2, rotation='2s')
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
    # a worker that takes over, and one that leaves, have secrets, too
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
    """Also what is no longer, or not yet, a value."""
    hits = []
    for server in run.cluster.memcached:
        dump = core(server.process.pid, run.cluster.directory)
        assert record.ring_name(run.cluster.secret,
                                'main').encode() in dump
        hits += run.search('memory of ' + server.name, dump)
    assert not hits, '\n'.join(hits)


def test_files(run):
    """Logs, and everything else that a host wrote but its secret file."""
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


def core(pid, directory, everything=False):
    """A core dump, as the kernel would write it or with all memory."""
    command = ['gdb', '-nx', '-batch', '-p', str(pid)]
    if everything:
        command += ['-ex', 'set use-coredump-filter off',
                    '-ex', 'set dump-excluded-mappings on']
    file = os.path.join(directory, 'core.%d' % pid)
    process.run(command + ['-ex', 'generate-core-file ' + file], timeout=60)
    try:
        with open(file, 'rb') as f:
            # most of it is memory that nobody has used
            return f.read().replace(bytes(4096), b'')
    finally:
        os.remove(file)


def processes(run):
    return [(host, pid) for host in run.cluster.hosts
            for pid in [host.pid, *host.workers()]]


def test_core_dumps(run):
    """Of every master and worker: no STEK and no cluster secret."""
    hits = []
    for host, pid in processes(run):
        dump = core(pid, run.cluster.directory)
        # it is a dump of this process
        assert b'ssl_session_sync' in dump
        hits += run.keys.search('core dump of %d on %s' % (pid, host.name),
                                dump)
    assert not hits, '\n'.join(hits)


def test_core_dumps_under_load(run):
    """While keys are in use: dumps at moments nobody chose."""
    hits = []
    host = run.cluster.hosts[0]
    with load.Load([host], lifetime=100, must_resume=False) as steady:
        for _ in range(2):
            before = steady.resumed
            process.wait_until(lambda before=before:
                               steady.resumed > before + 20, 'some load')
            for pid in host.workers():
                dump = core(pid, run.cluster.directory)
                hits += run.keys.search('core dump of %d' % pid, dump)
    assert not hits, '\n'.join(hits)


def test_the_search_finds_what_is_there(run):
    """In a dump with the memory that is left out the current STEK is."""
    run.gather()
    now = Needles()
    for key in record.ring_of(run.cluster.memcached[0],
                              run.cluster.secret):
        now.add('AES key', key.aes)
    pid = run.cluster.hosts[0].workers()[0]
    assert now.search('', core(pid, run.cluster.directory, everything=True))


