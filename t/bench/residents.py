"""What a worker has open, how many threads it has, and its memory."""

import contextlib
import os
import re

import memory
from hosts import Host, Memcached, until
from ratios import MODULE, PLAIN

SERVERS = 2
TICKETS, IDS = 'tickets alone', 'and sessions by ID'


def sockets(pid):
    """The inodes of a process's sockets, and the number of its descriptors."""
    found, n = set(), 0
    for name in os.listdir('/proc/%d/fd' % pid):
        with contextlib.suppress(OSError):
            target = os.readlink('/proc/%d/fd/%s' % (pid, name))
            n += 1
            inode = re.match(r'socket:\[(\d+)\]', target)
            if inode:
                found.add(inode[1])
    return found, n


def connections(pid, ports):
    """TCP connections of a process to these ports on loopback."""
    mine, _ = sockets(pid)
    with open('/proc/%d/net/tcp' % pid, encoding='ascii') as f:
        lines = [line.split() for line in f.readlines()[1:]]
    return sum(line[9] in mine and line[3] == '01'
               and int(line[2].split(':')[1], 16) in ports for line in lines)


def worker(host, ports):
    pid = host.worker
    found = memory.worker(pid)
    return {'connections': connections(pid, ports),
            'descriptors': sockets(pid)[1],
            'threads': len(os.listdir('/proc/%d/task' % pid)),
            'private_kb': found.private if found else None,
            'rss_kb': found.rss if found else None}


def measure(site):
    """A dict for each worker of each kind of host."""
    servers = [Memcached(site, 'residents-m%d' % i) for i in range(SERVERS)]
    ports = {server.port for server in servers}
    cluster = site.cluster(*servers, namespace='residents')
    rows = []
    hosts = []
    for title, cache in ((TICKETS, None), (IDS, '1m')):
        for label, block in ((PLAIN, None), (MODULE, cluster)):
            host = Host(site, 'residents-%d' % len(hosts), block,
                        cache=cache, workers=1)
            hosts.append(host)
            if block:
                until(host.settled, host.label + ' with a key')
                until(lambda host=host: connections(host.worker, ports)
                      == SERVERS, host.label + ' connected')
            rows.append({'host': title, 'variant': label,
                         **worker(host, ports)})
    site.stop([host.process for host in hosts]
              + [server.process for server in servers])
    return {'servers': SERVERS, 'rows': rows}
