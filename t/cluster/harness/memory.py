"""The memory of processes, and what could be a key in it."""

from . import process

SIZE = 32               # bytes of each key that is searched for
PAGE = 4096
# of 32 random bytes, one in a million has fewer different values, or fewer
# that are not ASCII
DIFFERENT = 20
ASCII = bytes(range(128))
HIGH = 4
# more than nginx has in one mapping; a larger one is mostly unused
LARGEST = 1 << 28


def _regions(pid):
    """The mappings that may differ from what is in a file."""
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
    """The memory of a process that is in use: (address, bytes) for each
    mapping.
    """
    found = []
    with open('/proc/%d/mem' % pid, 'rb', buffering=0) as memory:
        for begin, end in _regions(pid):
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            # pages of a device, or a mapping that is gone by now
            except OSError:
                continue
            if data.strip(b'\0'):
                found.append((begin, data))
    return found


class Dump:
    """The memory of all processes of a host, at one moment.

    Pages that processes share, or that are the same in several, are there
    once.
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
        self.runs = []          # runs of used pages
        known = set()
        for pid, begin, data in regions:
            for at, run in _runs(data):
                if run not in known:
                    known.add(run)
                    self.runs.append((pid, begin + at, run))

    def places(self, value):
        """Returns a sentence for each place where these bytes are."""
        return ['%s: process %d, %x' % (self.name, pid, begin + at)
                for pid, begin, data in self.runs
                for at in _all(data, value)]

    def windows(self, step):
        """All positions at which there could be a key."""
        found = set()
        for _, _, data in self.runs:
            for at in range(0, len(data) - SIZE + 1, step):
                one = data[at:at + SIZE]
                if (len(one.translate(None, ASCII)) >= HIGH
                        and len(set(one)) >= DIFFERENT):
                    found.add(one)
        return found


def _runs(data):
    """The pages that are not empty; adjacent ones are one run."""
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
