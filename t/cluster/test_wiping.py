"""Keys that were dropped are gone from the memory of every process and from
the zone.

Everything that is derived from a key is searched for as well, since it is as
useful as the key.
"""

import contextlib
import hashlib
import struct

import pytest

from harness import hpke, memory, opener, process, recorder, sessions
from harness import stranger

STEP = 4                # alignment of keys in memory, bytes
POLLS = 20              # polls in which half a rotation has certainly passed
# two, and one that was under way when they were counted
GENERATION_POLLS = 3
ROUNDS = 64             # rounds of SHA-256
BITS = 0xffffffff


def _fraction(number, root):
    """The first 32 bits of the fraction of a root of a number."""
    low, high = 0, number << 32
    while high - low > 1:
        middle = (low + high) // 2
        if middle ** root <= number << 32 * root:
            low = middle
        else:
            high = middle
    return low & BITS


PRIMES = [n for n in range(2, 312)
          if all(n % d for d in range(2, int(n ** 0.5) + 1))]
INITIAL = [_fraction(prime, 2) for prime in PRIMES[:8]]
CONSTANTS = [_fraction(prime, 3) for prime in PRIMES[:ROUNDS]]


def _turn(word, bits):
    return (word >> bits | word << 32 - bits) & BITS


def compress(block):
    """The state of SHA-256 after one block, in the byte order of the
    processor.
    """
    w = list(struct.unpack('>16I', block))
    for i in range(16, ROUNDS):
        s0 = _turn(w[i - 15], 7) ^ _turn(w[i - 15], 18) ^ w[i - 15] >> 3
        s1 = _turn(w[i - 2], 17) ^ _turn(w[i - 2], 19) ^ w[i - 2] >> 10
        w.append((w[i - 16] + s0 + w[i - 7] + s1) & BITS)
    a, b, c, d, e, f, g, h = INITIAL
    for i in range(ROUNDS):
        s1 = _turn(e, 6) ^ _turn(e, 11) ^ _turn(e, 25)
        t1 = h + s1 + (e & f ^ ~e & g) + CONSTANTS[i] + w[i]
        s0 = _turn(a, 2) ^ _turn(a, 13) ^ _turn(a, 22)
        t2 = s0 + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = ((t1 + t2) & BITS, a, b, c, (d + t1) & BITS,
                                  e, f, g)
    return struct.pack('=8I', *((x + y) & BITS for x, y in
                                zip((a, b, c, d, e, f, g, h), INITIAL)))


def mac_states(key):
    """The two states of SHA-256 that follow from a key of HMAC."""
    block = key.ljust(64, b'\0')
    return [compress(bytes(byte ^ pad for byte in block))
            for pad in (0x36, 0x5c)]


class Traces:
    """Byte strings to be searched for, and the key that each betrays."""

    def __init__(self):
        self.what = {}

    def _key(self, key, what):
        # key schedules of AES begin or end with half of the key
        for half in (key[:16], key[16:]):
            self.what[half] = what
        for state in mac_states(key):
            self.what[state] = what + ', as a state of HMAC'

    def stek(self, stek):
        both = stek.aes + stek.hmac
        name = stek.name[:4].hex()
        self._key(stek.aes, 'AES key of STEK ' + name)
        self._key(stek.hmac, 'HMAC key of STEK ' + name)
        self._key(hpke.hkdf(both, opener.PREFIX + b'id 2', 32),
                  'ID key of STEK ' + name)
        self._key(hpke.hkdf(both, opener.PREFIX + b'session 1', 32),
                  'seal key of STEK ' + name)

    def group(self, what, state):
        self._key(state.key, 'key of epoch %d' % state.epoch)
        self._key(hpke.hkdf(state.key + what.secret,
                            opener.PREFIX + b'ring 1', 32),
                  'ring key of epoch %d' % state.epoch)

    def left(self, host):
        """Returns a sentence for each one that is still there."""
        dump = memory.Dump(host)
        return [what + ': ' + place for value, what in self.what.items()
                for place in dump.places(value)]


def polls(host):
    return host.group()['servers'][0]['polls']


def wait_gone(host, left, bound):
    """Waits, for so many polls at most, until left() finds nothing."""
    before = polls(host)

    def gone():
        now = polls(host)
        told = left()
        assert not told or now <= before + bound, '\n'.join(
            ['after %d polls:' % (now - before)] + told)
        return not told

    process.wait_until(gone, 'keys to leave the memory of ' + host.name)


class Fleet:

    def __init__(self, cluster, recorders):
        self.cluster = cluster
        self.hosts = list(cluster.hosts)
        self.recorders = recorders
        self.opener = opener.Opener(bytes.fromhex(cluster.secret), 'main')
        self.states = []

    def begin(self):
        self.cluster.wait_agreed()
        self.states = [stranger.join(self.opener, self.cluster.memcached[0])]

    def use(self):
        """Uses every key with tickets and IDs, in every worker."""
        for version in ('TLSv1.2', 'TLSv1.3'):
            for tickets in (True, False):
                client = sessions.Client(version, tickets=tickets)
                for host in self.hosts:
                    for _ in range(4):
                        made = client.connect(host)
                        assert made.error is None, made
                        client.connect(host, session=made.session)

    def label(self):
        return self.opener.label(
            self.cluster.memcached[0].get(self.opener.ring) or b'')

    def steks(self):
        values = [value.data for value in self.recorders.values()]
        return self.opener.steks(values, self.states)

    def keys(self):
        """The traces of all keys so far."""
        traces = Traces()
        for stek in self.steks().values():
            traces.stek(stek)
        state = self.states[0]
        label = self.label()
        assert label.group == state.group
        for epoch in range(state.epoch, label.epoch + 1):
            traces.group(self.opener, state.at(epoch))
        return traces

    def publics(self):
        """The public keys in requests and answers.

        Of X-Wing keys without the part of ML-KEM.
        """
        x25519, xwing = set(), set()
        for value in self.recorders.values():
            request = self.opener.request(value.data)
            answer = self.opener.answer(value.data)
            if request is not None:
                x25519.add(request.x25519)
                if request.xwing:
                    xwing.add(request.xwing[-32:])
            if answer is not None:
                x25519.add(answer.enc[-32:])
        return x25519, xwing

    def private_keys(self, hosts):
        """Returns a sentence for each private key of a join that is in memory.
        """
        publics = self.publics()
        return ['private key of a join, to %s: %s'
                % (hpke.public_of(one)[:4].hex(), place) for host in hosts
                for dump in [memory.Dump(host)]
                for one in dump.windows(STEP)
                if is_private(one, publics) for place in dump.places(one)]


def is_private(one, publics):
    """Whether 32 bytes are an X25519 private key, or a seed of X-Wing."""
    if hpke.public_of(one) in publics[0]:
        return True
    return bool(publics[1]) and hpke.public_of(
        hashlib.shake_256(one).digest(96)[64:]) in publics[1]


@pytest.fixture(name='make_fleet')
def fixture_make_fleet(make_cluster, lab):
    with contextlib.ExitStack() as stack:
        def make(rotation):
            cluster = make_cluster(hosts=2, memcached_servers=1,
                                   rotation=rotation, session_timeout='1s',
                                   start=False, tls=False)
            if cluster.build.preload:
                pytest.skip('AddressSanitizer keeps what was freed')
            fleet = Fleet(cluster, stack.enter_context(
                recorder.Recorders(cluster, lab.network.address)))
            cluster.start()
            fleet.begin()
            return fleet

        yield make


def test_states_of_sha256():
    """Hashes a text with its padding, one block, and compares the digest."""
    block = b'abc\x80' + bytes(52) + (24).to_bytes(8, 'big')
    words = struct.unpack('=8I', compress(block))
    assert (struct.pack('>8I', *words)
            == hashlib.sha256(b'abc').digest())


def test_rings_and_epochs(make_fleet):
    """Keys that expired and epochs that ended are gone, without any
    connection.
    """
    fleet = make_fleet('5s')
    missing = {(host, what) for host in fleet.hosts for what in (
        'AES key', 'HMAC key', 'key of epoch', 'ID key', 'seal key')}

    def found():
        """The keys, when each kind has been found on each host once."""
        fleet.use()
        keys = fleet.keys()
        for host in fleet.hosts:
            there = '\n'.join(keys.left(host))
            missing.difference_update([one for one in missing
                                       if one[0] is host and one[1] in there])
        return None if missing else keys

    old = process.wait_until(found, 'keys in memory')
    expired = max(stek.expires for stek in fleet.steks().values())
    epoch = fleet.label().epoch
    # by the clock of the hosts
    process.wait_until(lambda: fleet.hosts[0].status()['time'] > expired
                       and fleet.label().epoch >= epoch + 2,
                       'keys to expire and epochs to pass')
    for host in fleet.hosts:
        wait_gone(host, lambda host=host: old.left(host), POLLS)


def test_join(make_fleet):
    """The private keys of a request, while it waits and afterwards."""
    fleet = make_fleet('40s')
    members = [pid for host in fleet.hosts for pid in host.family()]
    before = fleet.publics()[0]
    # makes it wait for twice as long before it gives up
    late = fleet.cluster.add_host(poll='10s')
    fleet.recorders.use(late)
    process.freeze(*members)
    try:
        late.start()
        process.wait_until(lambda: fleet.publics()[0] - before,
                           'a host to ask')
        # each is in one place: OpenSSL has kept no copy
        places = fleet.private_keys([late])
        found = {told.split(':')[0] for told in places}
        assert found and len(found) == len(places), '\n'.join(places)
    finally:
        process.thaw(*members)
    process.wait_until(lambda: late.keys() & fleet.hosts[0].keys(),
                       'the host to be let in')
    for host in fleet.cluster.hosts:
        wait_gone(host, lambda host=host: fleet.private_keys([host]), 1)


def test_generation(make_fleet):
    """All earlier keys are gone, on the host that raises the generation and on
    the other one.
    """
    fleet = make_fleet('2s')
    fleet.use()
    old = fleet.keys()
    first = fleet.hosts[0]
    first.config.groups[0].generation = 2
    first.reload()
    process.wait_until(lambda: fleet.label().generation == 2,
                       'the new generation')
    process.wait_until(lambda: len(first.family()) == 1 + len(first.workers()),
                       'workers of before to end')
    for host in fleet.hosts:
        wait_gone(host, lambda host=host: old.left(host), GENERATION_POLLS)
