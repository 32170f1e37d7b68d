"""All that is in the memory of processes, and what may be a key in it."""

from . import process

SIZE = 32               # of every key that is looked for
PAGE = 4096
# 32 random bytes with fewer different ones are not seen in a lifetime
DIFFERENT = 20
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
    """The memory of all processes of a host, at one moment."""

    def __init__(self, host):
        self.name = host.name
        family = host.family()
        process.freeze(*family)
        try:
            self.regions = [(pid, begin, data) for pid in family
                            for begin, data in read(pid)]
        finally:
            process.thaw(*family)

    def places(self, value):
        """Where these bytes are: sentences."""
        return ['%s: process %d, %x' % (self.name, pid, begin + at)
                for pid, begin, data in self.regions
                for at in _all(data, value)]

    def near(self, value, reach):
        """Windows around each place of these bytes, at every byte."""
        found = set()
        for _, _, data in self.regions:
            for at in _all(data, value):
                for begin in range(max(0, at - reach), at + reach):
                    found.add(data[begin:begin + SIZE])
        return {one for one in found if random_like(one)}

    def windows(self, step):
        """All that could be a key, wherever it is."""
        found = set()
        pages = set()
        for _, _, data in self.regions:
            for begin in range(0, len(data), PAGE):
                # a key may go on behind its page
                page = data[begin:begin + PAGE + SIZE]
                # what processes share is read once
                if page in pages or not page.strip(b'\0'):
                    continue
                pages.add(page)
                for at in range(0, len(page) - SIZE + 1, step):
                    one = page[at:at + SIZE]
                    if len(set(one)) >= DIFFERENT:
                        found.add(one)
        return found


def random_like(one):
    return len(one) == SIZE and len(set(one)) >= DIFFERENT


def _all(data, value):
    at = data.find(value)
    while at >= 0:
        yield at
        at = data.find(value, at + 1)
