"""Apache httpd: Session IDs in memcached, ticket keys in a file."""

import re
import ssl

from peers import addresses, configure, installed, serve

NAME = 'Apache httpd'
PROGRAM = 'apache2'
PACKAGE = 'apache2-bin'
MEMCACHED = True
THREADS = 64
NOTE = 'one process of %d threads (mpm_event)' % THREADS


def keeps_key():
    """Whether its tickets have a MAC with a key that other processes have.

    2.4.71 does not hand its key to the MAC, 2.4.69 does: with OpenSSL 3.0 all
    processes use an empty one then, and with 3.5 each has another.
    """
    found = re.findall(r'\d+', installed(PROGRAM, PACKAGE) or '')
    return ([int(number) for number in found[:3]] < [2, 4, 70]
            or ssl.OPENSSL_VERSION_INFO < (3, 5))


CANNOT = {} if keeps_key() else {
    'ticket, other host': 'hands no key to the MAC of tickets'}

MODULES = ('mpm_event', 'authz_core', 'socache_memcache', 'ssl')

TEXT = '''
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {label}.pid
ErrorLog {label}.error
LogLevel warn
Listen {address} https
Listen {ticketless} https
ServerLimit 1
StartServers 1
ThreadsPerChild {threads}
MaxRequestWorkers {threads}
SSLSessionCache memcache:127.0.0.1:{memcached}
SSLSessionCacheTimeout 3600
ServerName a.example:443
SSLCertificateFile {certificate}
SSLCertificateKeyFile {key}
<VirtualHost {address}>
    ServerName a.example:443
    SSLEngine on
    SSLSessionTicketKeyFile {tickets}
</VirtualHost>
<VirtualHost {ticketless}>
    ServerName a.example:443
    SSLEngine on
    SSLSessionTickets off
</VirtualHost>
'''


def start(site, label, shared):
    address, ticketless = addresses()
    load = ''.join('LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n'
                   % (name, name) for name in MODULES)

    # Its key files have 48 bytes.
    with open(shared.tickets, 'rb') as f:
        tickets = f.read(48)
    keys = '%s/%s.keys' % (shared.directory, label)
    site.write(keys, tickets)

    path = configure(shared, label, load + TEXT.format(
        threads=THREADS,
        directory=shared.directory, label=label, address=address,
        ticketless=ticketless, memcached=shared.memcached.port,
        certificate=site.certificate, key=site.key, tickets=keys))
    return serve(site, label, [PROGRAM, '-DFOREGROUND', '-f', path], address,
                 ticketless)
