"""ssl-session-sync-check, as a command."""

import itertools
import json
import os
import subprocess

from . import conf

COMMAND = os.path.join(conf.REPOSITORY, 'check', 'ssl-session-sync-check')

TICKETS_12, IDS_12, TLS_13 = 'ticket-1.2', 'id-1.2', 'tls-1.3'
KINDS = (TICKETS_12, IDS_12, TLS_13)


def address(host, port=conf.PORT[conf.HTTP]):
    return '%s:%d' % (host.address, port)


def argv(*arguments, name='a.example'):
    """A machine that is busy has more time for each connection."""
    return [COMMAND, '--timeout', '60s', *arguments[:-1], name,
            *arguments[-1]]


def run(*arguments, name='a.example'):
    """Options, and then a list of addresses; what came of it."""
    return subprocess.run(
        argv(*arguments, name=name), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=300, check=False)


def ask(*arguments, **more):
    """The same as JSON."""
    done = run('--json', *arguments, **more)
    assert not done.stderr, done.stderr
    told = json.loads(done.stdout)
    assert told['status'] == done.returncode
    return told


def pairs(told, kind):
    """Those whose sessions all resume, of those that were tried."""
    cells = [cell for cell in told['pairs']
             if cell['kind'] == kind and cell['tried']]
    assert not [cell for cell in told['pairs'] if cell['errors']]
    return {(cell['from'], cell['to']) for cell in cells
            if cell['resumed'] == cell['tried']}


def missed(told, kind):
    """Those of whose sessions none resumes."""
    return {(cell['from'], cell['to']) for cell in told['pairs']
            if cell['kind'] == kind and cell['tried']
            and not cell['resumed']}


def every(addresses):
    return set(itertools.product(addresses, repeat=2))


def at_home(addresses):
    return {(one, one) for one in addresses}


def problems(told, what=None):
    return [problem for problem in told['problems']
            if what in (None, problem['what'])]
