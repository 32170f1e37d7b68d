"""The machine on which the numbers were measured."""

import json
import os
import platform
import re
import subprocess

import hosts
import peers


def said(command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              check=False)
    except OSError:
        return ''
    return done.stdout


def processor():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        found = re.search(r'^model name\s*:\s*(.*)$', f.read(), re.M)
    return found[1] if found else platform.machine()


def system():
    try:
        release = platform.freedesktop_os_release()
        return release.get('PRETTY_NAME', platform.system())
    except (AttributeError, OSError):
        return platform.system()


def nginx():
    text = said([hosts.NGINX, '-V'])
    version = re.search(r'nginx version: (\S+)', text)
    openssl = re.search(r'OpenSSL (\S+)', text)
    return {'nginx': version[1] if version else '?',
            'openssl': 'OpenSSL/' + openssl[1] if openssl else '?'}


class Stolen:
    """The time in which the hypervisor gave our core to others."""

    def __init__(self, core):
        self.name = 'cpu' if core is None else 'cpu%d' % core
        self.before = self.ticks()

    def ticks(self):
        with open('/proc/stat', encoding='ascii') as f:
            line = re.search(r'^%s +(.*)$' % self.name, f.read(), re.M)[1]
        return [int(n) for n in line.split()[:8]]

    def share(self):
        """The share of the time since the last call."""
        spent = [b - a for a, b in zip(self.before, self.ticks())]
        return spent[7] / max(sum(spent), 1)


def describe(site):
    """An ordered list of (what, value)."""
    server, other = site.server_core, site.other_core
    found = [('processor', '%s, %d cores' % (processor(), os.cpu_count())),
             ('system', '%s, Linux %s' % (system(), platform.release())),
             *nginx().items(),
             ('memcached', said(['memcached', '-V']).split()[-1]),
             *((peer.NAME, peers.version(peer) or 'not installed')
               for peer in peers.modules()),
             ('load', ' '.join('%.2f' % x for x in os.getloadavg()))]
    if server is None:
        found.append(('cores', 'one for everything: expect noise'))
    else:
        found.append(('cores', 'servers on %d, client on %d'
                      % (server, other)))
    return found


def save(path, result):
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(result, f, indent=1)
        f.write('\n')
