"""Carries out the plan of faults on a staging cluster, and undoes each fault.
"""

import contextlib
import secrets
import threading
import time
from dataclasses import dataclass

from . import faults, middlebox, process, steady

# seconds after which the last faults need not heal any more
PATIENCE = 40

# A fault counts as healed when everything has resumed for so many seconds,
# because a probe does not meet every worker.
HOLD = 1.5

# what the resolver of a host answers for the name
UNKNOWN, SILENT = 'unknown', 'silent'


@dataclass
class Window:
    """What has happened with one fault.  Times are time()s."""

    fault: object
    began: float
    ended: float = None
    healed: float = None    # when sessions resumed again
    closed: float = None    # when they had done so for long enough
    missed: str = None      # the last thing that did not resume


@dataclass
class Down:
    """A host, or a worker of it, that was down."""

    host: str
    began: float
    ended: float
    why: str


class Havoc:

    def __init__(self, cluster, plan, say, watch=None):
        self.cluster = cluster
        self.faults = plan
        self.say = say
        self.watch = watch
        self.hosts = {host.name: host for host in cluster.hosts}
        self.servers = {server.name: server for server in cluster.memcached}
        self.locks = {name: threading.RLock() for name in self.hosts}
        self.windows = []
        self.downs = []
        self.troubles = []      # what failed in here
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.pause = threading.Event()      # never set
        self.clients = steady.Clients()
        self.round = 0
        self.naming = threading.Lock()
        # servers that are not among the addresses of the name
        self.moved = set()
        self.answers = {}       # {host: UNKNOWN, SILENT, or seconds}

    def run(self, began):
        """Runs all faults, each at its time; returns when all are healed."""
        healer = threading.Thread(target=self._heal, args=[began],
                                  daemon=True)
        healer.start()
        threads = []
        for fault in self.faults:
            time.sleep(max(0, began + fault.at - time.time()))
            thread = threading.Thread(target=self._one, args=[fault, began],
                                      daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        self.done.set()
        healer.join()

    def _one(self, fault, began):
        self.say('%7.1f  %s' % (time.time() - began, fault))
        window = Window(fault, time.time())
        with self.lock:
            for other in self.windows:
                if other.healed and not other.closed:
                    other.closed = window.began
            self.windows.append(window)
        word = fault.kind.replace(' ', '_')
        try:
            getattr(self, '_' + word)(fault)
        except Exception as error:      # reported with everything else
            self.troubles.append('%s: %s' % (fault, error))
        with self.lock:
            window.ended = time.time()

    # Healing: sessions of every kind, of every host, resume on another host,
    # and the balancer uses all hosts.

    def _heal(self, began):
        while True:
            with self.lock:
                open_ = [w for w in self.windows if w.closed is None]
                calm = all(w.ended for w in open_)
            if not open_ and self.done.is_set():
                return
            if open_ and calm:
                self._look(open_)
                if self.done.is_set() and time.time() > PATIENCE + max(
                        w.ended for w in open_):
                    return
            self.pause.wait(0.1)

    def _look(self, open_):
        now = time.time()
        missed = self.probe()
        late = missed and self._late(now)
        with self.lock:
            if any(w.closed is None and w not in open_
                   for w in self.windows):
                return          # the next fault has begun in the meantime
            open_ = [w for w in open_ if w.closed is None]
            for window in open_:
                if missed:
                    window.missed = missed
                if missed and not late:
                    window.healed = None
                elif missed:
                    pass        # shows nothing
                elif window.healed is None:
                    window.healed = now
            if not missed and open_ and now - max(
                    w.healed for w in open_) > HOLD:
                for window in open_:
                    window.closed = time.time()

    def _late(self, began):
        """Whether lookup_timeout has passed in a probe.  Then the machine is
        busy: without this exception no fault would ever count as healed.
        """
        self.watch.look()
        return any(self.watch.was_late(name, began, time.time())
                   for name in self.hosts)

    def probe(self):
        """Returns what does not resume; None if everything does."""
        hosts = self.cluster.hosts
        if not self.cluster.balancer.all_up():
            return 'the balancer misses a host'
        for host in hosts:
            wrong = self._knows(host)
            if wrong:
                return wrong
        self.round += 1
        step = 1 + self.round % (len(hosts) - 1)
        name = self.cluster.settings.names[0]
        held = []
        for kind in steady.KINDS:
            for host in hosts:
                first, session = self.clients.connect(kind, host.address,
                                                      name)
                if session is None:
                    return '%s: %s: %s' % (host.name, kind, first.error)
                held.append((kind, host, session))
        for kind, host, session in held:
            other = hosts[(hosts.index(host) + step) % len(hosts)]
            second, _ = self.clients.connect(kind, other.address, name,
                                             session)
            if not second.reused:
                return '%s of %s at %s: %s' % (
                    kind, host.name, other.name,
                    second.error or 'a full handshake')
        return None

    def _knows(self, host):
        """Returns which memcached servers a host does not use; None: it uses
        all.
        """
        try:
            seen = {server['address']: server['state']
                    for server in host.group()['servers']}
        except (OSError, RuntimeError, ValueError) as error:
            return '%s: no status: %s' % (host.name, error)
        wanted = {box.server: 'up'
                  for box in self.cluster.middleboxes.values()}
        return None if seen == wanted else '%s: memcached: %s' % (host.name,
                                                                  seen)

    # Faults of memcached servers.

    def _each(self, fault):
        return [(self.servers[name], self.cluster.middleboxes[name])
                for name in fault.targets]

    def _memcached_killed(self, fault):
        for server, box in self._each(fault):
            box.kill()
            server.kill()
        time.sleep(fault.seconds)
        for server, box in self._each(fault):
            server.start()
            box.start()

    def _memcached_frozen(self, fault):
        for server, _ in self._each(fault):
            server.freeze()
        time.sleep(fault.seconds)
        for server, _ in self._each(fault):
            server.thaw()

    def _memcached_flushed(self, fault):
        for server, _ in self._each(fault):
            server.flush()

    def _through(self, fault, command):
        for _, box in self._each(fault):
            box.tell(command)
        time.sleep(fault.seconds)
        for _, box in self._each(fault):
            box.tell('pass')

    def _memcached_delayed(self, fault):
        self._through(fault, 'delay %g' % (int(fault.value.split()[0])
                                           / 1000))

    def _memcached_garbled(self, fault):
        self._through(fault, 'garble %g' % (int(fault.value.split()[0])
                                            / 100))

    def _memcached_lossy(self, fault):
        for server, _ in self._each(fault):
            server.site.lose(int(fault.value.split()[0]), middlebox.PORT)
        time.sleep(fault.seconds)
        for server, _ in self._each(fault):
            server.site.heal()

    def _memcached_mute(self, fault):
        """The server accepts connections, and not even TLS begins."""
        self._through(fault, 'mute')

    def _changed(self, fault, change):
        """Restarts servers with other parameters, and later with the former
        ones.
        """
        before = {}
        for server, _ in self._each(fault):
            before[server] = server.pair, server.password
            server.kill()
            change(server)
            server.start()
        time.sleep(fault.seconds)
        for server, (pair, password) in before.items():
            server.kill()
            server.pair, server.password = pair, password
            server.start()

    def _memcached_untrusted(self, fault):
        expired = fault.value == 'expired'

        def change(server):
            server.pair = self.cluster.certificate(
                server, 'ca' if expired else 'other-ca', expired)

        self._changed(fault, change)

    def _memcached_guarded(self, fault):
        """The server gets another password than the hosts have."""
        def change(server):
            server.password += '-new'

        self._changed(fault, change)

    # Faults of the name that stands for some memcached servers.  While one of
    # its addresses does not answer the hosts resolve it again every 2 s.

    def _tell(self):
        named = [server for server in self.cluster.servers(faults.NAMED)]
        addresses = [server.address for server in named
                     if server.name not in self.moved]
        if self.moved:
            # nobody answers at this address
            addresses.append(self.cluster.balancer.address)
        for name, resolver in self.cluster.resolvers.items():
            how = self.answers.get(name, 0)
            if how == UNKNOWN:
                resolver.no_such_name()
            elif how == SILENT:
                resolver.silent()
            else:
                resolver.answer(addresses, how)

    def _memcached_moved(self, fault):
        """The server is gone, and the name has other addresses for some time.
        """
        with self.naming:
            self.moved.update(fault.targets)
            self._tell()
        for server, box in self._each(fault):
            box.kill()
            server.kill()
        time.sleep(fault.seconds)
        for server, box in self._each(fault):
            server.start()
            box.start()
        with self.naming:
            self.moved.difference_update(fault.targets)
            self._tell()
        time.sleep(faults.ASKED)

    def _hears(self, fault, how):
        name, = fault.targets
        with self.naming:
            self.answers[name] = how
            self._tell()
        time.sleep(fault.seconds)
        with self.naming:
            del self.answers[name]
            self._tell()

    def _name_unknown(self, fault):
        self._hears(fault, UNKNOWN)

    def _name_silent(self, fault):
        self._hears(fault, SILENT)

    def _name_slow(self, fault):
        self._hears(fault, float(fault.value.split()[0]))

    # Faults of hosts.

    def _down(self, host, began, why):
        with self.lock:
            self.downs.append(Down(host.name, began, time.time(), why))

    def _host_killed(self, fault):
        hosts = [self.hosts[name] for name in fault.targets]
        with contextlib.ExitStack() as held:
            for host in hosts:
                held.enter_context(self.locks[host.name])
            began = time.time()
            for host in hosts:
                host.kill()
            time.sleep(fault.seconds)
            for host in hosts:
                host.start()
            for host in hosts:
                self._down(host, began, 'host killed')

    _hosts_killed = _host_killed

    def _generation_raised(self, fault):
        """On one host only; hosts that start later have the old number."""
        host = self.hosts[fault.targets[0]]
        with self.locks[host.name]:
            group = host.config.groups[0]
            group.generation = 1 + host.group()['generation']['in_force']
            host.reload()

    def _host_reloaded(self, fault):
        host = self.hosts[fault.targets[0]]
        with self.locks[host.name]:
            host.reload()

    def _host_upgraded(self, fault):
        host = self.hosts[fault.targets[0]]
        with self.locks[host.name]:
            host.upgrade()

    def _host_cut_off(self, fault):
        """From all memcached servers; clients still reach it."""
        site = self.hosts[fault.targets[0]].site
        site.cut_from([server.address for server in self.cluster.memcached])
        time.sleep(fault.seconds)
        site.heal()

    def _host_isolated(self, fault):
        """From the balancer as well."""
        host = self.hosts[fault.targets[0]]
        began = time.time()
        host.site.cut_from([server.address
                            for server in self.cluster.memcached]
                           + [self.cluster.balancer.address])
        time.sleep(fault.seconds)
        host.site.heal()
        self._down(host, began, 'host isolated')

    def _clock_shifted(self, fault):
        host = self.hosts[fault.targets[0]]
        host.shift_clock(fault.value)
        time.sleep(fault.seconds)
        host.shift_clock('+0')

    def _worker_killed(self, fault):
        host = self.hosts[fault.targets[0]]
        with self.locks[host.name]:
            pid = host.workers()[0]
            host.expected.append('worker process %d exited on signal 9' % pid)
            began = time.time()
            process.kill(pid)
            process.wait_until(lambda: process.state(pid) in (None, 'Z', 'X'),
                               'a worker to die')
            self._down(host, began, 'worker killed')
            process.wait_until(
                lambda: pid not in host.workers()
                and len(host.workers()) == host.config.workers,
                'a new worker')

    def _secrets_rotated(self, fault):
        """Each of the three steps is done on all hosts before the next."""
        old = self.cluster.secret
        new = secrets.token_hex(32)
        for step in ([old, new], [new, old], [new]):
            for name in fault.targets:
                host = self.hosts[name]
                with self.locks[name]:
                    host.config.groups[0].secrets = step
                    if host.pid is not None:
                        host.reload()
        self.cluster.secret = new
