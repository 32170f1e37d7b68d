"""h2o: Session IDs and ticket keys in memcached."""

import os

from peers import Server, addresses, configure, port_of, serve

NAME = 'h2o'
PROGRAM = 'h2o'
PACKAGE = 'h2o'
MEMCACHED = True
NOTE = 'one process with tickets and one without, of which one has work'
CANNOT = {}

TEXT = '''
{user}
num-threads: 1
pid-file: {directory}/{label}-{mode}.pid
ssl-session-resumption:
  mode: {mode}
  cache-store: memcached
  {tickets}
  memcached:
    host: 127.0.0.1
    port: {memcached}
  cache-memcached-num-threads: 1
listen:
  host: 127.0.0.1
  port: {port}
  ssl:
    certificate-file: {certificate}
    key-file: {key}
    ocsp-update-interval: 0
hosts:
  default:
    paths:
      /:
        status: ON
'''


def start(site, label, shared):
    # Without tickets is a choice for all of a process.
    servers = []
    for mode, address in zip(('all', 'cache'), addresses()):
        name = '%s-%s' % (label, mode)
        tickets = 'ticket-store: memcached' if mode == 'all' else ''
        path = configure(shared, name, TEXT.format(
            user='user: root' if os.getuid() == 0 else '',
            directory=shared.directory, label=label, mode=mode,
            tickets=tickets, port=port_of(address),
            memcached=shared.memcached.port, certificate=site.certificate,
            key=site.key))
        servers.append(serve(site, name, [PROGRAM, '-m', 'worker',
                                          '-c', path], address))
    one, other = servers
    return Server(one.processes + other.processes, one.address,
                  other.address)
