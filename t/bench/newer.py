"""make newer: other servers of newer releases of Debian beside the module.

Runs the part of the bench that has the other servers in a root directory of
each release that the arguments name, see tools/root.  The tables go into
docs/performance.md.
"""

import contextlib
import json
import os
import subprocess
import sys

import kept
import peers
import roots
import tables
from ratios import HOME, MODULE, PLAIN

ONLY = {'BENCH_ONLY': '^Peers', 'BENCH_INSTRUCTIONS': '0', 'BENCH_KEYS': '0',
        'BENCH_SERVERS': '0'}


def measured(release):
    """The result of the bench there, whatever it complains of."""
    result = os.path.join('build', 'roots', release, 'project', 'build',
                          'bench', 'result.json')
    inside = roots.inside(release, 'bench')
    with contextlib.suppress(FileNotFoundError):
        os.unlink(result)
    subprocess.run(
        [*inside, 'env', *('%s=%s' % item for item in ONLY.items()),
         '/usr/bin/python3', '-B', 't/bench/bench.py'], check=False)
    with open(result, encoding='utf-8') as f:
        return json.load(f)


def cell(variants, name, notes):
    """A ratio, or the number of a note that says why there is none."""
    base = variants.get(PLAIN) or variants.get(HOME)
    if name not in variants:
        why = base['cannot'].get(name, '')
        return '[%d]' % notes.setdefault(why, len(notes) + 1)
    middle, interval = tables.beside(variants[name], base)
    return '%.2f (%s)' % (middle, tables.between(interval))


def table(result):
    """What ran, and a row for each kind of handshake."""
    machine = result['machine']
    there = [peer.NAME for peer in peers.modules()
             if machine[peer.NAME] != 'not installed']
    names = [MODULE, *there]
    lines = ['%s: %s, %s, memcached %s, %s.' % (
        machine['system'].partition(', ')[0], machine['nginx'],
        machine['openssl'], machine['memcached'],
        ', '.join('%s %s' % (name, machine[name]) for name in there)), '']
    lines += ['|  | %s |' % ' | '.join(names),
              '| --- |' + ' ---: |' * len(names)]
    notes = {}
    for work, variants in tables.by_work(result['peers']).items():
        lines.append('| %s | %s |' % (work, ' | '.join(
            cell(variants, name, notes) for name in names)))
    lines += ['', *('* [%d] %s' % (n, why) for why, n in notes.items())]
    return '\n'.join(lines) + '\n'


def main():
    text = '\n'.join(table(measured(release)) for release in sys.argv[1:])
    print(text, end='')
    kept.replace('newer', text)


if __name__ == '__main__':
    main()
