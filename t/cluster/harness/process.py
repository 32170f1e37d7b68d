"""Processes: waits for conditions, finds and ends processes."""

import os
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36

# seconds; only a wait that fails takes so long
PATIENCE = 60.0

# Seconds between two looks at a condition: most are soon true, and those that
# take long are not worth much of the processor's time.
SOONEST, LATEST, SLOWER = 0.01, 0.1, 1.25


def wait_until(condition, what, timeout=PATIENCE):
    """Waits until condition() is true, and returns its result; fails in the
    end.
    """
    end = time.monotonic() + timeout
    pause = SOONEST
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('waited %g s in vain: %s' % (timeout, what))
        time.sleep(pause)
        pause = min(pause * SLOWER, LATEST)


def run(argv, **kwargs):
    """Runs a command that must succeed; returns its output."""
    kwargs.setdefault('timeout', 60)
    done = subprocess.run(argv, stdin=kwargs.pop('stdin', subprocess.DEVNULL)
                          if 'input' not in kwargs else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **kwargs)
    if done.returncode:
        raise RuntimeError('%s: exit status %d\n%s'
                           % (' '.join(argv), done.returncode, done.stdout))
    return done.stdout


def adopt_orphans(libc):
    """Makes daemons children of this process, so that it can reap them."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def state(pid, thread=None):
    """The letter of a process's state; None if there is none."""
    where = '/proc/%d' % pid + ('/task/' + thread if thread else '')
    try:
        with open(where + '/stat', encoding='latin-1') as f:
            return f.read().rpartition(')')[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def freeze(*pids):
    """Stops processes, and waits until all their threads are stopped."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        wait_until(lambda pid=pid: stopped(pid), 'process %d to stop' % pid)


def thaw(*pids):
    for pid in pids:
        kill(pid, signal.SIGCONT)


def stopped(pid):
    """Whether all threads of a process are stopped."""
    threads = os.listdir('/proc/%d/task' % pid)
    return all(state(pid, thread) == 'T' for thread in threads)


def alive(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    letter = state(pid)
    if letter == 'Z':
        # another of its threads may still have its sockets
        try:
            return len(os.listdir('/proc/%d/task' % pid)) > 1
        except OSError:
            return False
    return letter not in (None, 'X')


def children(pid):
    try:
        with open('/proc/%d/task/%d/children' % (pid, pid),
                  encoding='ascii') as f:
            return [int(word) for word in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def title(pid):
    try:
        with open('/proc/%d/cmdline' % pid, encoding='latin-1') as f:
            return f.read().replace('\0', ' ').strip()
    except (FileNotFoundError, ProcessLookupError):
        return ''


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def inside(directory):
    """The processes that a run has started: they all have a directory of it.

    A process with mounts of its own may have another path for its directory,
    and a directory that was removed has none.
    """
    places = {identity(where) for where, _, _ in os.walk(directory)} - {None}
    found = []
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        link = '/proc/%s/cwd' % name
        try:
            where = os.readlink(link)
        except OSError:
            continue
        if identity(link) in places or where.startswith((directory + '/',
                                                directory + ' ')):
            if state(int(name)) not in (None, 'Z', 'X'):
                found.append(int(name))
    return found


def identity(path):
    """What identifies a file, whatever its path."""
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_dev, about.st_ino


def start_janitor(directory):
    """Starts the process that cleans up if this one cannot.

    When its standard input is closed, at the latest when this process has
    ended, it ends what runs in the directory, and removes it.
    """
    script = os.path.join(os.path.dirname(__file__), 'janitor.py')
    return subprocess.Popen([sys.executable, '-B', script, directory],
                            stdin=subprocess.PIPE, start_new_session=True,
                            cwd='/')
