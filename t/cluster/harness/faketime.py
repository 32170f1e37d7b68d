"""Other clocks for processes, by libfaketime."""

import glob
import os

# threads that work with all processes at once
LIBRARY = '/usr/lib/*/faketime/libfaketimeMT.so.1'


def installed():
    return bool(glob.glob(LIBRARY))


def clocks_apart():
    """Whether timers can be excluded from a shift: not before libfaketime
    0.9.9.
    """
    if not installed():
        return False
    with open(glob.glob(LIBRARY)[0], 'rb') as f:
        return b'FORCE_MONOTONIC_FIX' in f.read()


def environment(file, offset, timers):
    """The environment variables of a process whose clock is shifted by
    "+20m", or runs as "+0 x2" says.

    "file" is written; when it is written again, the clock of a process that
    runs moves.  Timers are either not affected, or see the time pass as well.
    """
    if not installed():
        raise RuntimeError('libfaketime is not installed')
    with open(file + '.new', 'w', encoding='ascii') as f:
        f.write(offset + '\n')
    os.replace(file + '.new', file)
    return {'LD_PRELOAD': glob.glob(LIBRARY)[0],
            'FAKETIME_TIMESTAMP_FILE': file,
            'FAKETIME_NO_CACHE': '1',
            # otherwise waits for a condition would end too early or too late
            'FAKETIME_DONT_FAKE_MONOTONIC': '0' if timers else '1',
            'FAKETIME_FORCE_MONOTONIC_FIX': '1' if timers else '0',
            'NO_FAKE_STAT': '1'}
