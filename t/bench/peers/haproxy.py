"""HAProxy: a cache of its own, ticket keys in a file."""

import base64

from peers import addresses, configure, serve

NAME = 'HAProxy'
PROGRAM = 'haproxy'
PACKAGE = 'haproxy'
MEMCACHED = False
NOTE = 'one thread'
CANNOT = {
    'ID, other host': 'shares no sessions between hosts',
}

TEXT = '''
global
    nbthread 1
    maxconn 2000
    tune.ssl.cachesize 100000
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 10s
frontend all
    bind {address} ssl crt {pem} tls-ticket-keys {keys} {alpn}
    bind {ticketless} ssl crt {pem} no-tls-tickets {alpn}
    http-request return status 204
'''


def start(site, label, shared):
    address, ticketless = addresses()
    with open(shared.tickets, 'rb') as f:
        key = base64.b64encode(f.read()).decode()

    # of at least three keys, the last but one encrypts
    keys = configure(shared, label + '.keys', (key + '\n') * 3)
    path = configure(shared, label, TEXT.format(
        address=address, ticketless=ticketless, pem=site.pem, keys=keys,
        alpn='alpn http/1.1'))
    return serve(site, label, [PROGRAM, '-db', '-f', path], address,
                 ticketless)
