"""Other TLS servers, each in a module of its own that has:

NAME      what tables call it
PROGRAM   what is run, PACKAGE of Debian it is in
MEMCACHED whether it keeps sessions there
NOTE      what one should know of its numbers
CANNOT    {regular expression of a row's title: why it cannot do that}
start(site, label, shared)
          starts one "host" of it on the core of the servers: one worker or
          thread, the certificate of the site; returns a Server

"shared" is what the hosts of a peer have in common: a memcached server,
ticket keys, a directory.
"""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass

from hosts import Unfit, children, free_port, listening, until

NAMES = ('h2o', 'nghttpx', 'haproxy', 'httpd', 'hitch', 'caddy')


@dataclass
class Shared:
    """What two hosts of a peer have in common."""

    memcached: object
    tickets: str        # file of 80 random bytes
    directory: str
    backend: int        # port of an HTTP server on the client's core


@dataclass
class Server:
    """One host of a peer."""

    processes: list
    address: str
    ticketless: str | None      # the address without tickets in TLS 1.3

    def counted(self):
        """{pid: name} of its processes, and of all that these have started."""
        found, new = {}, [process.pid for process in self.processes]
        while new:
            pid = new.pop()
            found[pid] = 'processes'
            new += children(pid)
        return found


def modules():
    return [importlib.import_module('peers.' + name) for name in NAMES]


def find(program):
    return shutil.which(program,
                        path=os.environ.get('PATH', '') + ':/usr/sbin')


def version(peer):
    """The package's version, or None if it is not installed."""
    return installed(peer.PROGRAM, peer.PACKAGE)


def installed(program, package):
    if not find(program):
        return None
    done = subprocess.run(
        ['dpkg-query', '-W', '-f', '${Version}', package],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=False)
    return done.stdout or '?'


def share(site, name, memcached, backend):
    directory = os.path.join(site.directory, name)
    os.mkdir(directory)
    os.chmod(directory, 0o755)
    tickets = os.path.join(directory, 'ticket.keys')
    site.write(tickets, secrets.token_bytes(80))
    return Shared(memcached, tickets, directory, backend)


def port_of(address):
    return address.rpartition(':')[2]


def addresses():
    return ['127.0.0.1:%d' % free_port() for _ in range(2)]


def configure(shared, label, text):
    """Writes a configuration; returns its path."""
    path = os.path.join(shared.directory, label + '.conf')
    with open(path, 'w', encoding='ascii') as f:
        f.write(text)
    return path


def serve(site, label, command, address, ticketless=None, **more):
    """Starts the server, and waits until it listens."""
    process = site.start([find(command[0]), *command[1:]], label,
                         site.server_core, **more)
    for each in {address, ticketless or address}:
        port = int(port_of(each))
        try:
            until(lambda: listening(port), label, process=process.child)
        except Unfit as e:
            raise Unfit('%s\n%s' % (e, process.said())) from e
    return Server([process], address, ticketless)
