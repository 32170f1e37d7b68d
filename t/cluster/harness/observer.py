"""Watches the hosts of a run: the memory of workers, the keys that encrypt,
and lookups that got no answer in time.
"""

import os
import threading
import time

PAGE = os.sysconf('SC_PAGE_SIZE')
LATE = ('timeouts', 'failures', 'dropped', 'breaker_opened')
LATE_FOR = 1.5  # seconds
SETTLED = 5     # seconds after which the first size of a worker is taken


def resident(pid):
    """Bytes; None if there is no such process."""
    try:
        with open('/proc/%d/statm' % pid, encoding='ascii') as f:
            return int(f.read().split()[1]) * PAGE
    except (FileNotFoundError, ProcessLookupError):
        return None


class Worker:

    def __init__(self, host, now, size):
        self.host = host
        self.seen = self.last = now
        self.first = self.size = size

    @property
    def age(self):
        return self.last - self.seen


class Observer:
    """A context in which this looks at all hosts once a second."""

    def __init__(self, hosts):
        self.hosts = hosts
        self.workers = {}       # by pid
        self.keys = {host.name: [] for host in hosts}
        self.late = {host.name: [] for host in hosts}   # (time, counters)
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.look()
        self.begin = self.sizes()
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        self.thread.join()

    def _run(self):
        while not self.stop.wait(1):
            self.look()

    def sizes(self):
        """{host: resident bytes of each of its workers}"""
        return {host.name: [resident(pid) or 0 for pid in host.workers()]
                if host.pid else [] for host in self.hosts}

    def look(self):
        with self.lock:
            self._look()

    def _look(self):
        for host in self.hosts:
            master = host.pid
            if master is None:
                continue
            now = time.time()
            for pid in host.workers(master):
                size = resident(pid)
                if size is None:
                    continue
                worker = self.workers.setdefault(
                    pid, Worker(host.name, now, size))
                worker.last, worker.size = now, size
                if worker.age < SETTLED:
                    worker.first = size
            try:
                group = host.group()
            except (OSError, RuntimeError, ValueError):
                continue        # it is down, or going down
            self.late[host.name].append((now, [group['sessions'][name]
                                               for name in LATE]))
            keys = self.keys[host.name]
            for key in group['keys']:
                if key['role'] == 'current' and key['name'] not in keys[-1:]:
                    keys.append(key['name'])

    def was_late(self, name, began, ended):
        """Whether a host's lookups timed out in this period or shortly before:
        a host does not use a server for a while then.  Workers report their
        counters a little later.
        """
        began, ended = began - LATE_FOR, ended + LATE_FOR
        seen = self.late[name]
        before = [c for when, c in seen if when < began][-1:]
        during = [c for when, c in seen if began <= when <= ended]
        after = [c for when, c in seen if when > ended][:1]
        counts = before + during + after
        return any(c != counts[0] for c in counts)

    def rotations(self):
        """{host: how often another key began to encrypt}"""
        return {name: max(0, len(keys) - 1)
                for name, keys in self.keys.items()}
