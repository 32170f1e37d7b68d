"""Instructions per handshake, counted by callgrind.

They repeat to a few parts in ten thousand, which no timing does.  They are
those of user space, on the processor that valgrind emulates, which lacks the
newest instructions of the real one; so they are shown beside the CPU time.

The cluster should poll rarely: under valgrind a handshake takes so long that
each one would seem to include a part of a poll.  For the same reason lookups
get a long timeout.
"""

import glob
import os
import re
import shutil
import subprocess
from dataclasses import dataclass

import client
import ids
from hosts import (MEMCACHED_FILES, Host, Memcached, Unfit, settle,
                   until)
from ratios import wanted

WRAP = ['valgrind', '--tool=callgrind', '-q', '--separate-threads=yes']


@dataclass
class Work:
    """What is counted, and the target of its ratio."""

    title: str
    mode: str
    tls: str
    target: float
    elsewhere: bool = False     # sessions come from another host
    in_flight: int = 1


WORKS = [Work('%s, TLS %s' % (title, tls), mode, tls, *more)
         for title, mode, *more in (
             ('full handshake', 'full', 1.01),
             ('ticket resumption', 'ticket', 1.01, True),
             ('full handshake, session stored', 'full-id', 1.05),
             ('ID, same host', 'id', 1.02),
             ('ID, other host, 1 in flight', 'id', 1.25, True),
             ('ID, other host, 8 in flight', 'id', 1.10, True, 8),
             ('forged ID, beside plain nginx', 'forged', 1.05))
         for tls in ('1.2', '1.3')]


def available():
    return all(shutil.which(name) for name in ('valgrind',
                                               'callgrind_control'))


def begin(pid):
    """Makes a program count from now on that was started without counting."""
    subprocess.run('callgrind_control --instr=on %d > /dev/null 2>&1' % pid,
                   shell=True, check=True, timeout=60)


class Counted:
    """A process under callgrind, and the instructions of its threads."""

    def __init__(self, directory, pid):
        self.pattern = os.path.join(directory, 'callgrind.*')
        self.pid = pid
        self.command = 'callgrind_control --dump %d > /dev/null 2>&1' % pid

    def dumps(self):
        return set(glob.glob(self.pattern))

    def since_dump(self):
        """Instructions of the first thread and of the others since the last
        call.
        """
        before = self.dumps()
        subprocess.run(self.command, shell=True, check=True, timeout=60)

        def totals():
            found = {}
            for path in self.dumps() - before:
                with open(path, encoding='ascii', errors='replace') as f:
                    text = f.read()
                total = re.search(r'^totals: (\d+)', text, re.M)
                if not total:
                    return None
                thread = re.search(r'^thread: (\d+)', text, re.M)[1]
                found[thread] = found.get(thread, 0) + int(total[1])
            return found

        found = until(totals, 'a dump of callgrind')
        return found.pop('1', 0), sum(found.values())


def wrap(site, label, late=False):
    """The command that runs a program under callgrind; "late": it begins to
    count when it is told to.
    """
    return [*WRAP, *(['--instr-atstart=no'] if late else []),
            '--callgrind-out-file=%s' % os.path.join(
                site.directory, label, 'callgrind.%p')]


def count(site, label, works, handshakes, cluster=None, memcached=None,
          late=False):
    """{title: (worker's first thread, its other threads, memcached if given)}.

    "late": nothing is counted while the worker connects to memcached, which
    makes a handshake several times as fast.
    """
    host = Host(site, label, cluster, wrap(site, label, late), single=True,
                cache='16m')
    partner = Host(site, label + '-partner', cluster, cache='16m')
    watched = [Counted(host.directory, host.worker)]
    if memcached:
        watched.append(Counted(memcached.directory, memcached.process.pid))
    if cluster:
        settle(host, partner)
    if late:
        begin(host.worker)
    found = {}

    for work in works:
        # plain nginx has no sessions of another host
        elsewhere = work.elsewhere and (cluster or work.mode == 'ticket')
        by_id = work.mode not in ('full', 'ticket')
        opened, redeemed = (
            ids.address(each, work.tls) if by_id else each.address
            for each in (partner if elsewhere else host, host))
        resumes = work.mode in ('ticket', 'id')

        # one handshake for all that is done the first time only
        for n in (20, handshakes):
            result = client.run(
                opened, redeemed, work.mode, work.tls, n,
                core=site.other_core, in_flight=work.in_flight, patience=60,
                time=300, between=' && '.join(w.command for w in watched))
            if result['failures'] or result['handshakes'] != n or \
                    result['resumed'] != (n if resumes else 0):
                raise Unfit('%s under callgrind: %s' % (work.title, result))
            spent = [w.since_dump() for w in watched]
        found[work.title] = [
            spent[0][0] / handshakes, spent[0][1] / handshakes,
            sum(spent[1]) / handshakes if memcached and by_id else 0]

    site.stop([host.process, partner.process])
    return found


def measure(site, handshakes):
    """[(work, plain's, [the module's: worker, other threads, memcached])]."""
    works = [work for work in WORKS if wanted('Instructions, ' + work.title)]
    if not works:
        return []
    plain = count(site, 'callgrind-plain', works, handshakes)

    # memcached raises its limit of files; valgrind allows 12 less than its own
    label = 'callgrind-memcached'
    memcached = Memcached(
        site, label, ['prlimit', '--nofile=%d' % (MEMCACHED_FILES + 12),
                      *wrap(site, label)])
    cluster = site.cluster(memcached, poll='60s', namespace='callgrind',
                           lookup='10s')
    module = count(site, 'callgrind-module', works, handshakes, cluster,
                   memcached)
    site.stop([memcached.process])
    return [(work, plain[work.title][0], module[work.title])
            for work in works]
