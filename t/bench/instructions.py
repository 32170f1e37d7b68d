"""Instructions per handshake, counted by callgrind.

They repeat to a few parts in ten thousand, which no timing does.  They are
those of user space on the processor that valgrind plays, which lacks the
newest instructions of the real one; so they are told beside the CPU time.

The cluster should poll rarely: valgrind makes a handshake last so long that
every one of them would seem to pay for a part of a poll.
"""

import glob
import os
import re
import shutil
import subprocess

import client
from hosts import Host, Unfit, until
from tickets import WORKS

WRAP = ['valgrind', '--tool=callgrind', '-q']


def available():
    return all(shutil.which(name) for name in ('valgrind',
                                               'callgrind_control'))


def dump(host):
    """Instructions since the last dump."""
    pattern = os.path.join(host.directory, 'callgrind.*')
    before = set(glob.glob(pattern))
    subprocess.run(['callgrind_control', '--dump', str(host.worker)],
                   check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60)

    def total():
        for path in set(glob.glob(pattern)) - before:
            with open(path, encoding='ascii', errors='replace') as f:
                found = re.search(r'^totals: (\d+)', f.read(), re.M)
            if found:
                return int(found[1])
        return None

    return until(total, 'a dump of callgrind')


def count(site, partner, label, cluster, handshakes):
    """{work: instructions per handshake}; sessions come from partner."""
    wrap = [*WRAP, '--callgrind-out-file=%s' % os.path.join(
        site.directory, label, 'callgrind.%p')]
    host = Host(site, label, cluster, wrap, single=True)
    found = {}

    for work in WORKS:
        # Once each for what is done for the first time.
        for n in (20, handshakes):
            dump(host)
            opened_on = host if work.mode == 'full' else partner
            result = client.run(opened_on.address, host.address, work.mode,
                                work.tls, n, core=site.other_core,
                                in_flight=1, patience=60, time=120)
            if result['failures'] or result['handshakes'] != n or (
                    work.mode != 'full' and result['resumed'] != n):
                raise Unfit('%s under callgrind: %s' % (work.title, result))
        found[work.title] = dump(host) / handshakes

    site.stop([host.process])
    return found


def measure(site, plain, module, cluster, handshakes):
    """[(work, plain's, the module's)]."""
    a = count(site, plain, 'callgrind-plain', None, handshakes)
    b = count(site, module, 'callgrind-module', cluster, handshakes)
    return [(work, a[work.title], b[work.title]) for work in WORKS]
