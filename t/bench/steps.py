"""How long each step of a poll with a full zone keeps the event loop busy."""

import glob
import os
import shlex
import subprocess

from hosts import REPOSITORY, Unfit

KEYS = 8192
ROUNDS = 25
TARGET_US = 2000


def build(name):
    """Compiles t/bench/NAME.c with the library; returns its path."""
    program = os.path.join(REPOSITORY, 'build', 'bench', name)
    here = os.path.join(REPOSITORY, 't', 'bench', name + '.c')
    sources = [here, *sorted(glob.glob(os.path.join(REPOSITORY, 'src',
                                                    '*.c')))]
    os.makedirs(os.path.dirname(program), exist_ok=True)
    # several processes may build it at the same time
    new = '%s.%d' % (program, os.getpid())
    command = [*shlex.split(os.environ.get('CC') or 'cc'), '-std=gnu11',
               '-Wall', '-Wextra', '-O2', '-I', os.path.join(REPOSITORY,
                                                             'src'),
               '-o', new, *sources, '-lmemcached', '-lssl', '-lcrypto',
               '-lpthread', '-ldl']
    try:
        subprocess.run(command, check=True)
        os.replace(new, program)
    except (OSError, subprocess.CalledProcessError) as e:
        raise Unfit('cannot build %s: %s' % (name, e)) from e
    return program


def measure(core):
    """A dict for each kind of step in each case: the longest of its kind."""
    command = [build('poll_steps'), str(ROUNDS), str(KEYS)]
    if core is not None:
        command = ['taskset', '-c', str(core), *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode:
        raise Unfit('poll_steps ended with status %d' % done.returncode)
    rows = []
    for line in done.stdout.splitlines():
        case, kind, n, us = line.split('\t')
        rows.append({'case': case, 'kind': kind, 'n': int(n),
                     'us': float(us)})
    return {'keys': KEYS, 'rounds': ROUNDS, 'target_us': TARGET_US,
            'longest_us': max(row['us'] for row in rows), 'rows': rows}


def verdict(found):
    return 'held' if found['longest_us'] <= found['target_us'] else 'missed'
