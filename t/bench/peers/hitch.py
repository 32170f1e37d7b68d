"""hitch: tickets under keys that are new at each start."""

import os

from peers import addresses, configure, port_of, serve

NAME = 'hitch'
PROGRAM = 'hitch'
PACKAGE = 'hitch'
MEMCACHED = False
NOTE = ('one worker, which connects to a backend for each client, and that is '
        'counted; its IDs are those of OpenSSL in this process')
CANNOT = {
    'ticket, other host': 'has no keys that hosts could share',
    'ID, other host': 'shares no sessions between hosts',
}

TEXT = '''
frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{backend}"
workers = 1
tls-protos = TLSv1.2 TLSv1.3
pem-file = "{pem}"
log-level = 1
'''

USER = '''
user = "nobody"
group = "nogroup"
'''


def start(site, label, shared):
    address = addresses()[0]
    text = TEXT + (USER if os.getuid() == 0 else '')
    path = configure(shared, label, text.format(
        port=port_of(address), backend=shared.backend, pem=site.pem))
    return serve(site, label, [PROGRAM, '--config=' + path], address)
