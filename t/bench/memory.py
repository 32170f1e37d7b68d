"""What a worker and the zone take."""

import re
from dataclasses import dataclass


@dataclass
class Memory:
    """Kilobytes of a worker."""

    rss: int
    pss: int
    private: int


def worker(pid):
    """None where the system does not tell."""
    try:
        with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as f:
            text = f.read()
    except OSError:
        return None

    def kilobytes(name):
        return int(re.search(r'^%s:\s+(\d+)' % name, text, re.M)[1])

    return Memory(kilobytes('Rss'), kilobytes('Pss'),
                  kilobytes('Private_Dirty') + kilobytes('Private_Clean'))


def zone(pid, size):
    """Kilobytes of the shared mapping of that size that are in use."""
    try:
        with open('/proc/%d/smaps' % pid, encoding='ascii') as f:
            text = f.read()
    except OSError:
        return None

    for part in re.split(r'^(?=[0-9a-f]+-[0-9a-f]+ )', text, flags=re.M):
        line = re.match(r'([0-9a-f]+)-([0-9a-f]+) rw-s ', part)
        if line and int(line[2], 16) - int(line[1], 16) == size:
            return int(re.search(r'^Rss:\s+(\d+)', part, re.M)[1])
    return None
