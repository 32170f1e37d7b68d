"""Caddy: ticket keys through storage that hosts share."""

import json
import os

from peers import addresses, configure, serve

NAME = 'Caddy'
PROGRAM = 'caddy'
PACKAGE = 'caddy'
MEMCACHED = False
NOTE = 'GOMAXPROCS=1'
CANNOT = {
    'ID|stored': "Go's TLS has no sessions by ID",
}


def configuration(site, shared, address):
    return {
        'admin': {'disabled': True},
        'logging': {'logs': {'default': {'level': 'ERROR'}}},
        'apps': {
            'http': {'servers': {'all': {
                'listen': [address], 'protocols': ['h1'],
                'automatic_https': {'disable': True},
                'tls_connection_policies': [{}],
                'routes': [{'handle': [{'handler': 'static_response',
                                        'status_code': 204}]}]}}},
            'tls': {
                'certificates': {'load_files': [
                    {'certificate': site.certificate, 'key': site.key}]},
                'session_tickets': {'key_source': {
                    'provider': 'distributed',
                    'storage': {'module': 'file_system',
                                'root': shared.directory}}}}}}


def start(site, label, shared):
    address = addresses()[0]
    path = configure(shared, label, json.dumps(
        configuration(site, shared, address)))
    environment = {**os.environ, 'GOMAXPROCS': '1', 'HOME': shared.directory,
                   'XDG_DATA_HOME': shared.directory,
                   'XDG_CONFIG_HOME': shared.directory}
    return serve(site, label, [PROGRAM, 'run', '--config', path], address,
                 env=environment)
