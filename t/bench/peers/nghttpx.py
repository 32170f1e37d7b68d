"""nghttpx: Session IDs in memcached, ticket keys in a file."""

from peers import addresses, configure, port_of, serve

NAME = 'nghttpx'
PROGRAM = 'nghttpx'
PACKAGE = 'nghttp2-proxy'
MEMCACHED = True
NOTE = 'one worker'
CANNOT = {}


def start(site, label, shared):
    address = addresses()[0]
    command = [
        PROGRAM, '--conf=' + configure(shared, label, ''),
        '--frontend=127.0.0.1,%s' % port_of(address),
        '--backend=127.0.0.1,%d' % shared.backend, '--workers=1',
        '--pid-file=%s/%s.pid' % (shared.directory, label),
        '--tls-ticket-key-file=' + shared.tickets,
        '--tls-ticket-key-cipher=aes-256-cbc',
        '--tls-session-cache-memcached=127.0.0.1,%d'
        % shared.memcached.port,
        '--tls-max-proto-version=TLSv1.3', '--no-ocsp',
        '--errorlog-file=/dev/stderr', '--accesslog-file=',
        site.key, site.certificate]
    return serve(site, label, command, address)
