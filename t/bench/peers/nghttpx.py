"""nghttpx: Session IDs in memcached up to version 1.65, ticket keys in a file.
"""

import subprocess

from peers import addresses, configure, find, port_of, serve

NAME = 'nghttpx'
PROGRAM = 'nghttpx'
PACKAGE = 'nghttp2-proxy'
MEMCACHED = True
NOTE = 'one worker; since 1.66 it keeps no sessions in memcached'
SHARED_CACHE = '--tls-session-cache-memcached'
STAPLING = '--no-ocsp'


def options():
    """What it says of its options."""
    if not find(PROGRAM):
        return ''
    return subprocess.run([find(PROGRAM), '--help'], stdout=subprocess.PIPE,
                          text=True, check=False).stdout


KNOWN = options()
CANNOT = {} if SHARED_CACHE in KNOWN else {
    'ID, other host': 'keeps no sessions in memcached since 1.66'}


def start(site, label, shared):
    address = addresses()[0]
    command = [
        PROGRAM, '--conf=' + configure(shared, label, ''),
        '--frontend=127.0.0.1,%s' % port_of(address),
        '--backend=127.0.0.1,%d' % shared.backend, '--workers=1',
        '--pid-file=%s/%s.pid' % (shared.directory, label),
        '--tls-ticket-key-file=' + shared.tickets,
        '--tls-ticket-key-cipher=aes-256-cbc',
        '--tls-max-proto-version=TLSv1.3',
        '--errorlog-file=/dev/stderr', '--accesslog-file=']
    if SHARED_CACHE in KNOWN:
        command.append('%s=127.0.0.1,%d' % (SHARED_CACHE,
                                            shared.memcached.port))
    if STAPLING in KNOWN:
        command.append(STAPLING)
    return serve(site, label, [*command, site.key, site.certificate],
                 address)
