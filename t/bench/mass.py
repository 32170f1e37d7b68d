"""How long hosts need to be in one group if they start at once on empty
servers.

As a program, "mass.py HOSTS...", it prints a table for these numbers of hosts.
"""

import subprocess
import sys

import steps
from hosts import Unfit

HOSTS = (200, 1000, 10000)
POLLS_MS = (2000, 30000)
NAMES = ('hosts', 'poll_ms', 'half_ms', 'most_ms', 'all_ms', 'longest',
         'average')


def measure(hosts=HOSTS):
    """A dict for each number of hosts and poll interval, see mass_start.c."""
    program = steps.build('mass_start')
    rows = []
    for n in hosts:
        for poll_ms in POLLS_MS:
            done = subprocess.run([program, str(n), str(poll_ms)],
                                  stdout=subprocess.PIPE, text=True,
                                  check=False)
            if done.returncode:
                raise Unfit('mass_start ended with status %d'
                            % done.returncode)
            rows.append(dict(zip(NAMES, map(int, done.stdout.split()))))
    return rows


def lines(rows):
    yield '  %8s%10s%10s%10s%10s%12s%12s' % (
        'hosts', 'poll s', '50 % s', '99 % s', 'all s', 'most /s',
        'average /s')
    for row in rows:
        yield '  %8d%10d%10.1f%10.1f%10.1f%12d%12d' % (
            row['hosts'], row['poll_ms'] / 1000, row['half_ms'] / 1000,
            row['most_ms'] / 1000, row['all_ms'] / 1000, row['longest'],
            row['average'])


if __name__ == '__main__':
    print('\n'.join(lines(measure([int(n) for n in sys.argv[1:]] or HOSTS))))
