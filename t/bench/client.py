"""The load client: builds it if necessary, and runs it."""

import contextlib
import glob
import json
import os
import shlex
import subprocess

from hosts import NAME, REPOSITORY, Unfit

PROGRAM = os.path.join(REPOSITORY, 'build', 'bench', 'load')


def build():
    here = os.path.join(REPOSITORY, 't', 'bench')
    sources = sorted(glob.glob(os.path.join(here, 'load*.c')))
    newest = max(os.path.getmtime(path) for path in
                 sources + glob.glob(os.path.join(here, 'load*.h')))

    if os.path.exists(PROGRAM) and os.path.getmtime(PROGRAM) >= newest:
        return

    os.makedirs(os.path.dirname(PROGRAM), exist_ok=True)
    # several processes may build it at the same time
    new = '%s.%d' % (PROGRAM, os.getpid())
    command = [*shlex.split(os.environ.get('CC') or 'cc'), '-std=gnu11',
               '-Wall', '-Wextra', '-O2', '-o', new, *sources, '-lssl',
               '-lcrypto']
    try:
        subprocess.run(command, check=True)
        os.replace(new, PROGRAM)
    except (OSError, subprocess.CalledProcessError) as e:
        raise Unfit('cannot build the load client: %s' % e) from e


def command(opened_on, redeemed_on, mode, tls, handshakes, pids=(), core=None,
            in_flight=16, patience=10, time=60, freeze=(), sessions=None,
            between=None, rate=None):
    """The command that runs the client, between two addresses."""
    found = [PROGRAM, '--open', opened_on, '--redeem', redeemed_on,
             '--name', NAME, '--mode', mode, '--tls', tls,
             '--handshakes', str(handshakes),
             '--in-flight', str(in_flight),
             '--patience', str(patience), '--time', str(time)]
    if mode in ('early', 'late'):
        found += ['--request', '/']
    for option, numbers in (('--pid', pids), ('--freeze', freeze)):
        if numbers:
            found += [option, ','.join(str(pid) for pid in numbers)]
    if between:
        found += ['--between', between]
    if rate:
        found += ['--rate', str(rate)]
    if sessions:
        found += ['--sessions', str(sessions)]
    if core is not None:
        found = ['taskset', '-c', str(core), *found]
    return found


def ended(status):
    if status not in (0, 1):
        raise Unfit('the load client ended with status %d' % status)


def run(*where, **how):
    """Runs the client once; returns what it printed."""
    done = subprocess.run(command(*where, **how), stdout=subprocess.PIPE,
                          text=True, check=False)
    ended(done.returncode)
    return json.loads(done.stdout)


class Client:
    """A client that has opened its sessions and then measures slice by slice.
    """

    def __init__(self, *where, **how):
        self.process = subprocess.Popen(
            [*command(*where, **how), '--steps'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        try:
            self._read()
        except Unfit:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            ended(self.process.wait())
            raise Unfit('the load client ended early')
        return json.loads(line)

    def step(self, handshakes):
        self.process.stdin.write('%d\n' % handshakes)
        self.process.stdin.flush()
        return self._read()

    def end(self):
        """The results of all steps."""
        self.process.stdin.close()
        result = self._read()
        ended(self.process.wait())
        return result
