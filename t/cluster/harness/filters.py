"""The filter of a connection, in the memory of a worker."""

import os
import struct

from . import process


def spare(host):
    """The address of the filter that no connection uses; 0: there is none.

    The host has one worker.  A connection takes this filter if there is one,
    and leaves it for the next connection.
    """
    module = os.path.join(host.build.modules,
                          'ngx_ssl_session_sync_module.so')
    offset, = [int(line.split()[0], 16)
               for line in process.run(['nm', module]).splitlines()
               if ' ngx_ssl_session_sync_spare' in line]
    worker, = host.workers()
    with open('/proc/%d/maps' % worker, encoding='utf-8') as f:
        base = min(int(line.split('-')[0], 16) for line in f
                   if line.rstrip().endswith(module))
    with open('/proc/%d/mem' % worker, 'rb') as f:
        f.seek(base + offset)
        pointer, = struct.unpack('P', f.read(struct.calcsize('P')))
    return pointer
