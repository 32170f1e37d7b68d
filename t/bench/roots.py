"""Runs commands on another release of Debian, see tools/root."""

import os
import subprocess

from hosts import REPOSITORY

ROOT_TOOL = ['setpriv', '--pdeathsig', 'KILL', 'tools/root']


def inside(release, profile):
    """The command that runs others there, in the project's directory, after
    the modules were built; the working directory is the repository from now
    on.  The profile is one of tools/setup.
    """
    os.chdir(REPOSITORY)
    subprocess.run([*ROOT_TOOL, 'make', release, profile], check=True)
    run = [*ROOT_TOOL, 'run', release]
    subprocess.run([*run, 'make', '-s', '-j', str(os.cpu_count()), 'modules'],
                   check=True, stdout=subprocess.DEVNULL)
    return run
