"""A point of the scale model: what claims of early data ask of memcached."""

from dataclasses import dataclass

import client
import early
import formulas
from counted import Counted
from hosts import Host, Memcached, Unfit

NAMES = ('cmd_get', 'cmd_set', 'bytes_read', 'bytes_written')


class Memory:
    """What logs of claims take of a memcached."""

    def __init__(self, server):
        # bytes of a list of items are not among those memcached has written
        counted = Counted(server.address)
        slabs = counted.numbers('slabs')
        self.pages = slabs['total_malloced']
        self.classes = sorted(size for name, size in slabs.items()
                              if name.endswith(':chunk_size'))
        self.logs = {name: (value, item) for kind, value, item, name
                     in counted.items() if kind == 'log'}
        counted.close()

    def chunk(self, size):
        """Bytes of the smallest chunk in use for an item of this size."""
        return next(n for n in self.classes if n >= size)


@dataclass
class Claims:
    """Flights that were claimed one after the other."""

    n: int
    counted: dict               # {name: number}, counted by memcached
    before: Memory
    after: Memory

    def looks(self):
        """Looks at the badge, which are requests like a claim."""
        return (self.counted['cmd_get'] - 3 * self.n) / 3

    def laid(self):
        """Logs that hosts have laid meanwhile, or tried to."""
        return max(0, self.counted['cmd_set'] - self.n - self.looks())

    def read(self):
        """Bytes that memcached reads for a claim."""
        return (self.counted['bytes_read'] - self.laid() * formulas.lay()
                - self.looks() * formulas.claim()) / self.n

    def written(self):
        """Bytes that it writes for a claim, without the log."""
        return (self.counted['bytes_written'] - self.answered()
                - self.looks() * formulas.looked()) / self.n

    def grown(self):
        """(before, after) of each log that has grown, each (bytes of the
        value, bytes of the item).
        """
        size = formulas.log_bytes(0)
        empty = (size, formulas.item_bytes(size))
        found = [(self.before.logs.get(name, empty), log)
                 for name, log in self.after.logs.items()]
        return [(before, after) for before, after in found if before != after]

    def answered(self):
        """Bytes of logs in all answers."""
        return sum(size for before, after in self.grown()
                   for size in range(before[0] + formulas.RECORD,
                                     after[0] + 1, formulas.RECORD))

    def longest(self):
        return max(self.after.logs.values())

    def memory(self):
        """Bytes of memory for a claim, by the chunks in which the logs are."""
        return sum(self.after.chunk(after[1]) - self.after.chunk(before[1])
                   for before, after in self.grown()) / self.n

    def complaints(self):
        found = []

        def check(what, measured, least, most):
            if not least <= measured <= most:
                found.append('claims: %s: %g, not %g to %g' % (
                    what, measured, least, most))

        # a message under way at the beginning and end
        slack = 2 + 1000 / self.n
        check('claims in logs', sum(
            after[0] - before[0] for before, after in self.grown())
              / formulas.RECORD, self.n, self.n)
        check('bytes read', self.read(), formulas.claim() - slack,
              formulas.claim() + slack)
        check('bytes written, without the log', self.written(),
              formulas.claimed() - slack, formulas.claimed() + slack)
        for value, item in self.after.logs.values():
            size = formulas.item_bytes(value)
            check('bytes of a log of %d' % value, item, size, size)
        return found


def measure(site, n):
    client.build()
    server = Memcached(site, 'claims-m')
    # no polls while this is measured
    cluster = site.cluster(server, rotation='7d', poll='1h',
                           namespace='claims', secrecy='off')
    hosts = [Host(site, 'claims-h%d' % i, cluster, more=early.MORE)
             for i in range(2)]
    early.wait(*hosts)
    before = Memory(server)
    counted = Counted(server.address)
    begin = counted.numbers()
    done = client.run(hosts[0].address, hosts[1].address, 'early', '1.3', n,
                      core=site.other_core, in_flight=8, time=600)
    end = counted.numbers()
    counted.close()
    after = Memory(server)
    site.stop([host.process for host in hosts] + [server.process])
    if done['failures'] or done['resumed'] != n:
        raise Unfit('claims: %d of %d accepted, %d failed: %s' % (
            done['resumed'], n, done['failures'], done['reasons']))
    return Claims(n, {name: end[name] - begin[name] for name in NAMES},
                  before, after)
