"""Cleans up after a run, however it ended: see process.start_janitor()."""

import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))

from harness import process  # noqa: E402


def main():
    directory = sys.argv[1]

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

    sys.stdin.read()

    # a process may have forked while its parent was being killed
    for _ in range(20):
        found = process.inside(directory)
        if not found:
            break
        for pid in found:
            process.kill(pid)

    shutil.rmtree(directory, ignore_errors=True)


main()
