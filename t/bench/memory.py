"""The memory of a worker and of the zone."""

import re
from dataclasses import dataclass

KEY = 120                   # bytes of a key in the zone, see sss_ring.h


@dataclass
class Memory:
    """The memory of a worker, in kilobytes."""

    rss: int
    pss: int
    private: int


def worker(pid):
    """The memory of a worker; None if the system does not report it."""
    try:
        with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as f:
            text = f.read()
    except OSError:
        return None

    def kilobytes(name):
        return int(re.search(r'^%s:\s+(\d+)' % name, text, re.M)[1])

    return Memory(kilobytes('Rss'), kilobytes('Pss'),
                  kilobytes('Private_Dirty') + kilobytes('Private_Clean'))


def peak(pid):
    """The most kilobytes that were resident since the program began."""
    with open('/proc/%d/status' % pid, encoding='ascii') as f:
        return int(re.search(r'^VmHWM:\s+(\d+)', f.read(), re.M)[1])


def zone(pid, capacity):
    """The size of the zone for so many keys, and what is in use, in kilobytes.

    It is the smallest shared mapping that has room for two rings.
    """
    try:
        with open('/proc/%d/smaps' % pid, encoding='ascii') as f:
            text = f.read()
    except OSError:
        return None, None

    found = []
    for part in re.split(r'^(?=[0-9a-f]+-[0-9a-f]+ )', text, flags=re.M):
        line = re.match(r'([0-9a-f]+)-([0-9a-f]+) rw-s ', part)
        if line:
            found.append((int(line[2], 16) - int(line[1], 16),
                          int(re.search(r'^Rss:\s+(\d+)', part, re.M)[1])))
    size, used = min((pair for pair in found
                      if pair[0] >= 2 * capacity * KEY), default=(0, None))
    return size // 1024, used


def own(pid):
    """Kilobytes that only this worker has.

    Pages of a shared mapping count as private while only one process has
    touched them.
    """
    try:
        with open('/proc/%d/smaps' % pid, encoding='ascii') as f:
            text = f.read()
    except OSError:
        return None

    return sum(int(number)
               for part in re.split(r'^(?=[0-9a-f]+-[0-9a-f]+ )', text,
                                    flags=re.M)
               if re.match(r'[0-9a-f]+-[0-9a-f]+ ...p ', part)
               for number in re.findall(
                   r'^Private_(?:Clean|Dirty):\s+(\d+)', part, re.M))
