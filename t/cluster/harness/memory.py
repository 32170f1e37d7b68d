"""All that is in the memory of processes, and what may be a key in it."""

from . import process

SIZE = 32               # of every key that is looked for
PAGE = 4096
# 32 random bytes with fewer different ones, or with fewer that are no ASCII,
# are one in a million
DIFFERENT = 20
ASCII = bytes(range(128))
HIGH = 4
# more than nginx has in one piece; what maps more has not used it
LARGEST = 1 << 28


def _regions(pid):
    """Where there may be more than what is in a file."""
    with open('/proc/%d/maps' % pid, encoding='utf-8') as maps:
        for line in maps:
            words = line.split(maxsplit=5)
            begin, end = (int(n, 16) for n in words[0].split('-'))
            rights, inode = words[1], int(words[4])
            name = words[5].strip() if len(words) > 5 else ''
            if ('r' in rights and ('w' in rights or not inode)
                    and name not in ('[vvar]', '[vsyscall]', '[vdso]')
                    and end - begin < LARGEST):
                yield begin, end


def read(pid):
    """The used memory of a process: (address, bytes) for each region."""
    found = []
    with open('/proc/%d/mem' % pid, 'rb', buffering=0) as memory:
        for begin, end in _regions(pid):
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except OSError:         # pages of a device, or gone by now
                continue
            if data.strip(b'\0'):
                found.append((begin, data))
    return found


class Dump:
    """The memory of all processes of a host, at one moment.

    What processes share, or have alike, is there once.
    """

    def __init__(self, host):
        self.name = host.name
        family = host.family()
        process.freeze(*family)
        try:
            regions = [(pid, begin, data) for pid in family
                       for begin, data in read(pid)]
        finally:
            process.thaw(*family)
        self.runs = []          # of pages that are used
        known = set()
        for pid, begin, data in regions:
            for at, run in _runs(data):
                if run not in known:
                    known.add(run)
                    self.runs.append((pid, begin + at, run))

    def places(self, value):
        """Where these bytes are: sentences."""
        return ['%s: process %d, %x' % (self.name, pid, begin + at)
                for pid, begin, data in self.runs
                for at in _all(data, value)]

    def windows(self, step):
        """All that could be a key, wherever it is."""
        found = set()
        for _, _, data in self.runs:
            for at in range(0, len(data) - SIZE + 1, step):
                one = data[at:at + SIZE]
                if (len(one.translate(None, ASCII)) >= HIGH
                        and len(set(one)) >= DIFFERENT):
                    found.add(one)
        return found


def _runs(data):
    """The pages that are not empty; those in a row are one run."""
    begin = None
    for at in range(0, len(data), PAGE):
        if data[at:at + PAGE].strip(b'\0'):
            begin = at if begin is None else begin
        elif begin is not None:
            yield begin, data[begin:at]
            begin = None
    if begin is not None:
        yield begin, data[begin:]


def _all(data, value):
    at = data.find(value)
    while at >= 0:
        yield at
        at = data.find(value, at + 1)
