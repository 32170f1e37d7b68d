"""The load client: builds it where that is needed, and runs it."""

import glob
import json
import os
import shlex
import subprocess

from hosts import NAME, REPOSITORY, Unfit

PROGRAM = os.path.join(REPOSITORY, 'build', 'bench', 'load')


def build():
    here = os.path.join(REPOSITORY, 't', 'bench')
    sources = sorted(glob.glob(os.path.join(here, '*.c')))
    newest = max(os.path.getmtime(path) for path in
                 sources + glob.glob(os.path.join(here, '*.h')))

    if os.path.exists(PROGRAM) and os.path.getmtime(PROGRAM) >= newest:
        return

    os.makedirs(os.path.dirname(PROGRAM), exist_ok=True)
    # several may build it at the same time
    new = '%s.%d' % (PROGRAM, os.getpid())
    command = [*shlex.split(os.environ.get('CC') or 'cc'), '-std=gnu11',
               '-Wall', '-Wextra', '-O2', '-o', new, *sources, '-lssl',
               '-lcrypto']
    try:
        subprocess.run(command, check=True)
        os.replace(new, PROGRAM)
    except (OSError, subprocess.CalledProcessError) as e:
        raise Unfit('cannot build the load client: %s' % e) from e


def run(opened_on, redeemed_on, mode, tls, handshakes, pids=(), core=None,
        in_flight=16, patience=10, time=60, freeze=(), sessions=None,
        between=None):
    """One run of the client between two addresses; what it printed."""
    command = [PROGRAM, '--open', opened_on, '--redeem', redeemed_on,
               '--name', NAME, '--mode', mode, '--tls', tls,
               '--handshakes', str(handshakes),
               '--in-flight', str(in_flight),
               '--patience', str(patience), '--time', str(time)]
    for option, numbers in (('--pid', pids), ('--freeze', freeze)):
        if numbers:
            command += [option, ','.join(str(pid) for pid in numbers)]
    if between:
        command += ['--between', between]
    if sessions:
        command += ['--sessions', str(sessions)]
    if core is not None:
        command = ['taskset', '-c', str(core), *command]

    done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode not in (0, 1):
        raise Unfit('the load client ended with status %d' % done.returncode)
    return json.loads(done.stdout)
