"""The text of an nginx configuration, from a few parameters."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field

HTTP, STREAM, MAIL = 'http', 'stream', 'mail'
KINDS = (HTTP, STREAM, MAIL)
PORT = {HTTP: 8443, STREAM: 8444, MAIL: 8993}
STATUS_PORT = 8080

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))

MARKER = ' '.join(['reused=$ssl_session_reused', 'protocol=$ssl_protocol',
                   'pid=$pid'])


@dataclass
class Group:
    """A block ssl_session_sync_cluster."""

    name: str = 'main'
    memcached: list = field(default_factory=list)
    secrets: list = field(default_factory=list)
    password: str = None        # user:password for memcached
    trusted: str = None  # file of trusted certificates: memcached has TLS
    plain: tuple = ()           # memcached servers without TLS
    pair: tuple = None          # files of the client's certificate and its key
    namespace: str = None
    forward_secrecy: str = None
    generation: int = None
    rotation: str = '4s'
    poll: str = '200ms'
    lookup_timeout: str = '10s'


@dataclass
class Server:
    """A server with TLS."""

    kind: str = HTTP
    port: int = None
    name: str = 'a.example'
    sync: str = 'main'          # None: no directive
    scope: str = None
    verify: str = None          # ssl_verify_client
    ca: str = None              # ssl_client_certificate
    pair: tuple = None          # files of certificate and key
    tls: str = 'ssl'            # '': the connection begins without TLS
    listen: str = ''            # more parameters of "listen"
    extra: str = ''
    tell: str = ''              # more variables in the answer
    serve: str = None  # replaces what the server does, for mail and stream

    def __post_init__(self):
        if self.port is None:
            self.port = PORT[self.kind]


def default_servers(sync='main'):
    return [Server(HTTP, sync=sync), Server(HTTP, name='b.example', sync=sync),
            Server(STREAM, sync=sync), Server(MAIL, sync=sync)]


class Build:
    """The nginx binary of this run and what has to be loaded into it."""

    def __init__(self):
        name = os.environ.get('SSS_NGINX') or 'nginx'
        # a binary upgrade needs the absolute path
        self.binary = shutil.which(name, path=os.environ['PATH']
                                   + ':/usr/sbin')
        if self.binary is None:
            raise RuntimeError('there is no ' + name)
        self.modules = os.path.abspath(os.environ.get(
            'SSS_MODULES', os.path.join(REPOSITORY, 'build', 'modules')))
        self.preload = os.environ.get('SSS_NGINX_PRELOAD', '')
        self.arguments = subprocess.run(
            [self.binary, '-V'], stderr=subprocess.PIPE, text=True,
            check=True).stderr

    def has(self, option):
        return re.search(r'--%s(?=[\s=]|$)' % re.escape(option),
                         self.arguments) is not None

    def version(self):
        """Three numbers, for comparisons."""
        found = re.search(r'(?:nginx|openresty)/(\d+)\.(\d+)\.(\d+)',
                          self.arguments)
        return tuple(int(number) for number in found.groups())

    def log_option(self, file):
        """Where nginx logs before it has read its configuration."""
        return ['-e', file] if self.version() >= (1, 19, 5) else []

    def _own_module(self, name):
        """The file of nginx's own dynamic module; None if it is built in."""
        if self.has('with-' + name) and not self.has('with-%s=dynamic' % name):
            return None
        places = [os.path.dirname(self.binary)]
        path = re.search(r'--modules-path=(\S+)', self.arguments)
        if path:
            places.append(path.group(1))
        for place in places:
            file = os.path.join(place, 'ngx_%s_module.so' % name)
            if os.path.exists(file):
                return file
        raise RuntimeError('nginx has no ngx_%s_module.so' % name)

    def load_modules(self, synced):
        files = [self._own_module('stream'), self._own_module('mail')]
        if synced:
            files += [os.path.join(self.modules,
                                   'ngx_%sssl_session_sync_module.so' % kind)
                      for kind in ('', 'stream_', 'mail_')]
        return ['load_module %s;' % file for file in files if file]


class Config:
    """The configuration of one host."""

    def __init__(self, build, address, directory, certificates):
        self.build = build
        self.address = address
        self.directory = directory
        self.certificates = certificates
        self.groups = [Group()]
        self.servers = default_servers()
        self.synced = True              # False: nginx without the module
        self.workers = 2
        self.connections = 1024         # of each worker
        self.events = ''                # further lines of "events"
        self.session_timeout = '5m'
        self.session_cache = 'none'
        self.ticket_keys = []           # files for ssl_session_ticket_key
        # environment variables that a new binary inherits
        self.environment = []
        self.note = ''                  # more text of the answers

    def text(self):
        lines = self.build.load_modules(self.synced)
        lines += ['worker_processes %d;' % self.workers,
                  'pid nginx.pid;',
                  'error_log error.log info;']
        lines += ['env %s;' % name for name in self.environment]
        lines += ['events { worker_connections %d; %s }'
                  % (self.connections, self.events)]
        if self.synced:
            for group in self.groups:
                lines += self._group(group)
        lines += self._http()
        lines += self._stream()
        lines += self._mail()
        return '\n'.join(lines) + '\n'

    def secret_file(self, group):
        return os.path.join(self.directory, group.name + '.secret')

    def auth_file(self, group):
        return os.path.join(self.directory, group.name + '.auth')

    def _group(self, group):
        lines = ['ssl_session_sync_cluster %s {' % group.name]
        lines += ['memcached %s%s;'
                  % (server, ' ssl' if group.trusted
                     and server not in group.plain
                     and not server.startswith('unix:') else '')
                  for server in group.memcached]
        if group.trusted is not None:
            lines.append('ssl_trusted_certificate %s;' % group.trusted)
        if group.pair is not None:
            lines += ['ssl_certificate %s;' % group.pair[0],
                      'ssl_certificate_key %s;' % group.pair[1]]
        if group.secrets:
            lines.append('secret_file %s;' % self.secret_file(group))
        if group.password is not None:
            lines.append('auth_file %s;' % self.auth_file(group))
        if group.namespace is not None:
            lines.append('namespace %s;' % group.namespace)
        if group.forward_secrecy is not None:
            lines.append('forward_secrecy %s;' % group.forward_secrecy)
        if group.generation is not None:
            lines.append('generation %d;' % group.generation)
        return lines + ['key_rotation %s;' % group.rotation,
                        'poll_interval %s;' % group.poll,
                        'lookup_timeout %s;' % group.lookup_timeout,
                        '}']

    def _tls(self, cache):
        lines = ['ssl_certificate %s;' % self.certificates.server,
                 'ssl_certificate_key %s;' % self.certificates.server_key,
                 'ssl_protocols TLSv1.2 TLSv1.3;',
                 'ssl_session_timeout %s;' % self.session_timeout,
                 'ssl_session_cache %s;' % cache]
        return lines + ['ssl_session_ticket_key %s;' % file
                        for file in self.ticket_keys]

    def _cache(self, kind):
        """A shared cache; each protocol needs one of its own."""
        return self.session_cache.replace('shared:', 'shared:' + kind)

    def _server(self, server):
        lines = ['server {', 'listen %s:%d %s %s;'
                 % (self.address, server.port, server.tls, server.listen)]
        if server.kind == HTTP:
            lines.append('server_name %s;' % server.name)
        if self.synced:
            if server.sync is not None:
                lines.append('ssl_session_sync %s;' % server.sync)
            if server.scope is not None:
                lines.append('ssl_session_sync_scope %s;' % server.scope)
        if server.verify is not None:
            lines += ['ssl_verify_client %s;' % server.verify,
                      'ssl_client_certificate %s;'
                      % (server.ca or self.certificates.ca)]
        if server.pair is not None:
            lines += ['ssl_certificate %s;' % server.pair[0],
                      'ssl_certificate_key %s;' % server.pair[1]]
        return lines + [server.extra]

    def _marker(self):
        return (MARKER + (' sync=$ssl_session_sync' if self.synced else '')
                + self.note)

    def _temp_paths(self):
        """Directories that nginx would make outside of the run's directory."""
        return ['client_body_temp_path client_body_temp;'] + [
            '%s_temp_path %s_temp;' % (name, name)
            for name in ('proxy', 'fastcgi', 'uwsgi', 'scgi')
            if not self.build.has('without-http_%s_module' % name)]

    def _http(self):
        lines = ['http {', *self._temp_paths(),
                 "log_format tls '$server_port $ssl_server_name %s';"
                 % self._marker(),
                 'access_log access.log tls;',
                 'keepalive_timeout 0;',
                 *self._tls(self._cache(HTTP))]
        for server in self.servers:
            if server.kind == HTTP:
                lines += self._server(server)
                lines += ['location / { return 200 "%s name=%s %s\\n"; } }'
                          % (self._marker(), server.name, server.tell)]
        lines += ['server {', 'listen %s:%d;' % (self.address, STATUS_PORT),
                  'access_log off;']
        if self.synced:
            lines.append('location = /status { ssl_session_sync_status; }')
        return lines + ['location = /auth { return 204; } }', '}']

    def _stream(self):
        servers = [s for s in self.servers if s.kind == STREAM]
        if not servers:
            return []
        lines = ['stream {', *self._tls(self._cache(STREAM))]
        for server in servers:
            lines += self._server(server)
            lines += [server.serve or 'return "%s\\n";' % self._marker(),
                      '}']
        return lines + ['}']

    def _mail(self):
        servers = [s for s in self.servers if s.kind == MAIL]
        if not servers:
            return []
        lines = ['mail {', 'server_name mail.example;',
                 'auth_http %s:%d/auth;' % (self.address, STATUS_PORT),
                 *self._tls(self._cache(MAIL))]
        for server in servers:
            lines += self._server(server)
            lines += [server.serve or 'protocol imap;', '}']
        return lines + ['}']
