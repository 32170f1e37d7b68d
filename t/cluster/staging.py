"""make staging, make staging-down: the staging cluster, to look at.

    make staging            starts it and tells where everything is; when it
                            runs already, tells it again
    make staging-down       ends it; nothing of it is left

    NAME=x                  one of several, side by side
    STAGING=file            instead of t/cluster/staging.conf, which says how
                            many hosts, memcached servers and clients there
                            are, and how keys rotate

As root every machine is a network namespace with an address of its own;
where namespaces are not allowed, an address of 127.0.0.0/8.  A process in
the background holds it all.  What belongs to it is in build/staging (or
build/staging-NAME): "in", which runs a command on a machine, "log", should
anything have gone wrong, and "about", which is what was told.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading

from harness import balancer, conf, lab as labs, memcached, process, staging

START = 90
END = 60


class State:
    """The directory by which the commands find the background process."""

    def __init__(self, name):
        self.directory = os.path.join(conf.REPOSITORY, 'build',
                                      'staging-' + name if name
                                      else 'staging')

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        try:
            with open(self.path(name), encoding='utf-8') as f:
                return f.read()
        except FileNotFoundError:
            return None

    def write(self, name, text, mode=0o644):
        temporary = self.path(name + '.new')
        with open(temporary, 'w', encoding='utf-8') as f:
            f.write(text)
        os.chmod(temporary, mode)
        os.rename(temporary, self.path(name))

    def pid(self):
        """The pid of the process that holds the cluster; None if there is
        none.
        """
        text = self.read('pid')
        if not text:
            return None
        pid = int(text)
        # another process may have got the pid since
        if process.state(pid) in (None, 'Z', 'X') \
                or self.directory not in process.title(pid):
            return None
        return pid

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def up(state):
    if state.pid() and state.read('about'):
        print('It runs already.')
        print(state.read('about'), end='')
        return 0
    if state.pid():
        print('It is being started or ended by somebody else.')
        return 1
    state.remove()
    os.makedirs(state.directory)
    with open(state.path('log'), 'wb') as log:
        child = subprocess.Popen(
            [sys.executable, '-B', os.path.abspath(__file__), 'hold',
             state.directory], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True, cwd=conf.REPOSITORY)
    state.write('pid', '%d\n' % child.pid)
    try:
        process.wait_until(
            lambda: state.read('about') or child.poll() is not None,
            'the staging cluster to be up', START)
    except BaseException:
        child.terminate()
        child.wait()
        raise
    if child.poll() is not None:
        print(state.read('log'), end='')
        print('The staging cluster did not start.')
        state.remove()
        return 1
    print(state.read('about'), end='')
    return 0


def down(state):
    pid = state.pid()
    if pid is None:
        print('The staging cluster does not run.')
        state.remove()
        return 0
    os.kill(pid, signal.SIGTERM)
    process.wait_until(lambda: not process.alive(pid),
                       'the staging cluster to end', END)
    bad = state.read('bad') or ''
    state.remove()
    print(bad + 'The staging cluster is gone.')
    return 1 if bad else 0


def hold(directory):
    """Runs the cluster, in the background process."""
    state = State('')
    state.directory = directory
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    bad = []
    with labs.Lab() as lab:
        settings = staging.Settings(os.environ.get('STAGING'))
        with staging.Staging(lab, settings) as cluster:
            state.write('in', script(cluster), 0o755)
            state.write('about', about(state, cluster))
            stop.wait()
            bad += ['%s: %s' % (host.name, line) for host in cluster.hosts
                    for line in host.bad_lines()]
        bad += ['left behind: ' + what for what in lab.leftovers()]
    if bad:
        state.write('bad', '\n'.join(bad) + '\n')


def script(cluster):
    """The script that runs a command on a machine."""
    lines = ['#!/bin/sh', '# in MACHINE [COMMAND...]', 'machine=$1', 'shift',
             '[ $# -gt 0 ] || set -- "${SHELL:-/bin/sh}"',
             'case "$machine" in']
    for machine in cluster.machines():
        lines.append('%s) exec %s "$@" ;;' % (
            machine.name, ' '.join(machine.site.command([]))
            or 'env'))
    names = ' '.join(machine.name for machine in cluster.machines())
    return '\n'.join([*lines, 'esac', 'echo "machines: %s" >&2' % names,
                      'exit 1']) + '\n'


def about(state, cluster):
    """The text that says where everything is, and how to look at it."""
    settings, lb = cluster.settings, cluster.balancer
    tickets, ids = (staging.LISTENERS[kind] for kind in (staging.TICKETS,
                                                         staging.IDS))
    inside = shlex.quote(os.path.relpath(state.path('in'), os.getcwd()))
    why = cluster.lab.why_no_namespaces
    lines = [
        'Every machine is a network namespace.' if why is None else
        'Network namespaces are not allowed here (%s): every machine is an '
        'address of this one.' % why,
        '', 'machines, see %s' % settings.file]
    lines += ['  %-4s %-16s nginx: TLS on %d, without tickets on %d; '
              'http://%s:%d/status' % (h.name, h.address, tickets, ids,
                                       h.address, conf.STATUS_PORT)
              for h in cluster.hosts]
    lines += ['  %-4s %-16s memcached: %d'
              % (m.name, m.address, memcached.PORT)
              for m in cluster.memcached]
    lines += ['  %-4s %-16s HAProxy: %d and %d, to the same ports of the '
              'hosts; http://%s:%d/' % (lb.name, lb.address, tickets, ids,
                                        lb.address,
                                        balancer.STATISTICS_PORT)]
    lines += ['  %-4s %-16s for clients' % (c.name, c.address)
              for c in cluster.clients]
    one, host = cluster.clients[0].name, cluster.hosts[0]
    name = settings.names[0]
    lines += [
        '', 'server names      ' + ' '.join(settings.names),
        'files             %s' % cluster.directory,
        '                  of each host: nginx.conf error.log access.log '
        'main.secret',
        '                  of the balancer: haproxy.cfg haproxy.log',
        'keys rotate       every %s, looked at every %s'
        % (settings.rotation, settings.poll),
        '', 'a command on a machine, or a shell:',
        '  %s %s hostname -I' % (inside, host.name),
        '  %s %s' % (inside, one),
        'a session, and a ticket that resumes on whatever host is next:',
        '  %s %s sh -c "echo | openssl s_client -connect %s:%d -servername '
        '%s -tls1_2 -sess_out /tmp/s.pem" | grep -E "^(New|Reused)"'
        % (inside, one, lb.address, tickets, name),
        '  %s %s sh -c "echo | openssl s_client -connect %s:%d -servername '
        '%s -tls1_2 -sess_in /tmp/s.pem" | grep -E "^(New|Reused)"'
        % (inside, one, lb.address, tickets, name),
        'what a host says of a connection:',
        '  %s %s curl -sk --resolve %s:%d:%s https://%s:%d/'
        % (inside, one, name, tickets, lb.address, name, tickets),
        'keys, servers and counters of a host:',
        '  %s %s curl -s http://%s:%d/status'
        % (inside, one, host.address, conf.STATUS_PORT),
        'the balancer\'s view of the hosts:',
        '  %s %s curl -s "http://%s:%d/;csv"'
        % (inside, one, lb.address, balancer.STATISTICS_PORT),
        'a frozen memcached server, until -CONT:',
        '  kill -STOP %d' % cluster.memcached[0].process.pid]
    if why is None:
        lines += [
            'a host that does not reach a memcached server, until "del":',
            '  %s %s ip route add blackhole %s'
            % (inside, host.name, cluster.memcached[0].address)]
    lines += [
        '', 'It runs until "make staging-down".']
    return '\n'.join(lines) + '\n'


def main():
    command = sys.argv[1]
    if command == 'hold':
        hold(sys.argv[2])
        return 0
    state = State(os.environ.get('NAME', ''))
    return {'up': up, 'down': down}[command](state)


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (AssertionError, RuntimeError, ValueError) as problem:
        sys.exit('make staging: %s' % problem)
