"""make clients: what TLS clients do with the sessions of a fleet.

Browsers, languages and tools connect through a balancer to three hosts, which
say in their logs how each connection came about. Prints a table, and puts it
into docs/compatibility.md. Ends with a status of 1 if a client is missing, a
host refused a session, or a client resumed no session of a kind that it offers
on another host than the one that the session is from; with those that have it
the same for early data, which a host must have accepted.

    resume.py NAME...      these clients only, and leaves the page alone
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'cluster'))

from harness import balancer, browser                     # noqa: E402
from harness import cluster as clusters, conf, early      # noqa: E402
from harness import lab as labs, process, staging         # noqa: E402

PAGE = os.path.join(conf.REPOSITORY, 'docs', 'compatibility.md')
BEGIN, END = '<!-- make clients -->\n', '<!-- end of make clients -->\n'

NAME = 'a.example'
CONNECTIONS = 6
TIME = 180

EARLY = 'TLS 1.3, early data'
LISTENERS = {**staging.LISTENERS, 'early': 8446}

# TLS version, listener
KINDS = {'TLS 1.2, ticket': ('TLSv1.2', staging.TICKETS),
         'TLS 1.2, ID': ('TLSv1.2', staging.IDS),
         'TLS 1.3, ticket': ('TLSv1.3', staging.TICKETS),
         'TLS 1.3, ID': ('TLSv1.3', staging.IDS),
         EARLY: ('TLSv1.3', 'early')}
MORE = {staging.TICKETS: '', staging.IDS: 'ssl_session_tickets off;',
        'early': 'ssl_early_data on; ssl_session_sync_early_data once;'}

# A page that fetches another one again and again, each over a connection of
# its own: the servers keep none open.
SCRIPT = ('<script>for (var i = 1; i < %d; i++) { '
          'var r = new XMLHttpRequest(); '
          'r.open("GET", "/?" + i + Math.random(), false); r.send(); } '
          'document.title = "done"</script>' % CONNECTIONS)


class Client:
    """One program. "command" is what makes CONNECTIONS of them."""

    programs = ()
    version_command = ()
    # kinds of which it never offers a session, or early data
    without = ()

    def __init__(self, where, ca):
        self.where = where
        self.ca = ca

    def there(self):
        return all(shutil.which(program) for program in self.programs)

    def prepare(self):
        """What it needs once."""

    def version(self):
        text = process.run(self.version_command)
        return re.search(r'\d+(?:\.\d+)+', text).group(0)

    def command(self, address, port, tls, early_data):
        """With early data, if it can be told to send some."""
        raise NotImplementedError


class Curl(Client):

    name = 'curl'
    programs = ('curl',)
    version_command = ('curl', '--version')

    def prepare(self):
        self.can = early.of_curl()
        if not self.can:
            self.without = (EARLY,)

    def command(self, address, port, tls, early_data):
        return ['curl', '--silent', '--show-error', '--cacert', self.ca,
                '--http1.1', '--tlsv' + tls[4:], '--tls-max', tls[4:],
                *['--tls-earlydata'] * (early_data and self.can),
                *['https://%s:%d/' % (NAME, port)] * CONNECTIONS]


class Node(Client):

    name = 'Node.js'
    programs = ('node',)
    version_command = ('node', '--version')
    without = (EARLY,)

    def command(self, address, port, tls, early_data):
        return ['node', os.path.join(HERE, 'client.js'), address, str(port),
                NAME, self.ca, tls, str(CONNECTIONS)]


class Go(Client):

    name = 'Go'
    programs = ('go',)
    version_command = ('go', 'version')
    # its crypto/tls has tickets only, and early data over QUIC only
    without = ('TLS 1.2, ID', EARLY)

    def prepare(self):
        process.run(['go', 'build', '-o', os.path.join(self.where, 'go'),
                     os.path.join(HERE, 'client.go')], timeout=TIME,
                    env={**os.environ, 'GOCACHE': self.where + '/cache',
                         'GOFLAGS': '-mod=mod', 'GO111MODULE': 'off'})

    def command(self, address, port, tls, early_data):
        return [os.path.join(self.where, 'go'), '%s:%d' % (address, port),
                NAME, self.ca, tls, str(CONNECTIONS)]


class Java(Client):

    name = 'Java'
    programs = ('java', 'javac')
    version_command = ('java', '--version')
    without = (EARLY,)

    def prepare(self):
        process.run(['javac', '-d', self.where,
                     os.path.join(HERE, 'Client.java')], timeout=TIME)

    def command(self, address, port, tls, early_data):
        return ['java', '-cp', self.where, 'Client', address, str(port), NAME,
                self.ca, tls, str(CONNECTIONS)]


class Chromium(Client):

    name = 'Chromium'
    programs = ('chromium', 'certutil')
    version_command = ('chromium', '--version', '--no-sandbox')

    def prepare(self):
        database = os.path.join(self.where, '.pki', 'nssdb')
        os.makedirs(database)
        trust(database, self.ca)

    def command(self, address, port, tls, early_data):
        version = {'TLSv1.2': 'tls1.2', 'TLSv1.3': 'tls1.3'}[tls]
        return ['env', 'HOME=' + self.where, 'chromium', '--headless=new',
                '--no-sandbox', '--disable-gpu', '--disable-quic',
                '--user-data-dir=%s/profile-%d%s'
                % (self.where, port, version),
                *[browser.EARLY_DATA] * early_data,
                '--ssl-version-min=' + version, '--ssl-version-max=' + version,
                '--dump-dom', 'https://%s:%d/page' % (NAME, port)]


class Firefox(Client):

    name = 'Firefox'
    programs = ('firefox-esr', 'certutil')
    version_command = ('firefox-esr', '--version')
    without = ('TLS 1.2, ID',)

    def command(self, address, port, tls, early_data):
        number = {'TLSv1.2': 3, 'TLSv1.3': 4}[tls]
        profile = os.path.join(self.where, 'profile-%d' % port + tls)
        os.makedirs(profile)
        trust(profile, self.ca)
        with open(os.path.join(profile, 'user.js'), 'w',
                  encoding='ascii') as f:
            for key, value in (
                    ('security.tls.version.min', number),
                    ('security.tls.version.max', number),
                    ('network.captive-portal-service.enabled', 'false'),
                    ('network.connectivity-service.enabled', 'false'),
                    ('security.tls.enable_0rtt_data',
                     str(early_data).lower()),
                    ('security.OCSP.enabled', 0),
                    ('browser.shell.checkDefaultBrowser', 'false')):
                f.write('user_pref("%s", %s);\n' % (key, value))
        return ['env', 'HOME=' + self.where, 'firefox-esr', '--headless',
                '--no-remote', '--profile', profile, '--screenshot',
                os.path.join(self.where, 'page.png'),
                'https://%s:%d/page' % (NAME, port)]


CLIENTS = (Curl, Node, Go, Java, Chromium, Firefox)


def trust(database, ca):
    """Makes an authority a good one for programs that use NSS."""
    process.run(['certutil', '-N', '-d', 'sql:' + database,
                 '--empty-password'])
    process.run(['certutil', '-A', '-d', 'sql:' + database, '-n', 'ca', '-t',
                 'C,,', '-i', ca])


class Fleet:
    """A context: hosts behind a balancer."""

    def __init__(self, lab):
        self.lab = lab
        self.cluster = clusters.Cluster(lab, hosts=3, start=False,
                                        rotation='1h', lookup_timeout='5s',
                                        session_cache='shared:s:16m')
        self.balancer = None

    def __enter__(self):
        self.cluster.__enter__()
        try:
            for host in self.cluster.hosts:
                host.config.note = (' time=$msec uri=$uri'
                                    ' early=$ssl_session_sync_early_data')
                host.config.servers = [
                    conf.Server(
                        port=port, name=NAME,
                        extra='location = /page { default_type text/html; '
                        "return 200 '%s'; }\n" % SCRIPT
                        + 'location = /favicon.ico { return 204; }\n'
                        + MORE[listener])
                    for listener, port in LISTENERS.items()]
            self.cluster.start()
            self.cluster.wait_agreed()
            self.balancer = balancer.Balancer(
                self.lab, 'lb', self.cluster._directory('lb'),
                self.cluster.hosts, LISTENERS)
            self.balancer.start()
            process.wait_until(self.balancer.all_up, 'every host to be up')
            early.wait_ready(early.Client(), self.cluster.hosts,
                             LISTENERS['early'])
        except BaseException:
            self.__exit__(None)
            raise
        return self

    def __exit__(self, kind, *exc):
        if self.balancer:
            self.balancer.close()
        self.cluster.__exit__(kind, *exc)

    def entries(self):
        """What the hosts have logged: (time, host, fields), in order."""
        found = []
        for host in self.cluster.hosts:
            for line in host.read('access.log').splitlines():
                fields = dict(word.split('=', 1) for word in line.split()
                              if '=' in word)
                if 'uri' in fields:
                    found.append((float(fields['time']), host.name, fields))
        return sorted(found, key=lambda one: one[0])

    def refused(self):
        """Sessions that hosts could not or would not open."""
        return sum(host.group()['tickets'].get(name, 0)
                   for host in self.cluster.hosts
                   for name in ('unknown_key', 'refused_binding'))


@dataclass
class Cell:
    resumed: int
    across: int         # of these on another host than the session's
    all: int
    error: str = ''

    def __str__(self):
        if self.error:
            return 'failed'
        return '%d of %d' % (self.resumed, self.all)


@dataclass
class EarlyCell(Cell):
    sent: int = 0
    # "resumed" and "across" are those whose early data was accepted

    def __str__(self):
        if self.error:
            return 'failed'
        if not self.sent:
            return 'none sent'
        return '%d of %d, accepted %d' % (self.sent, self.all, self.resumed)


def hosts_file(lab, address):
    path = os.path.join(lab.make('clients'), 'hosts')
    with open(path, 'w', encoding='ascii') as f:
        f.write('127.0.0.1 localhost\n%s %s\n' % (address, NAME))
    return path


def run(fleet, site, hosts, client, kind):
    tls, listener = KINDS[kind]
    before = len(fleet.entries())
    command = client.command(fleet.balancer.address,
                             LISTENERS[listener], tls, kind == EARLY)
    try:
        done = subprocess.run(
            site.command(['unshare', '--mount', 'sh', '-c',
                          'mount --bind "$0" /etc/hosts && exec "$@"', hosts,
                          *command]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=TIME, check=False,
            cwd=client.where, errors='replace')
        error = '' if done.returncode == 0 else done.stdout[-2000:]
    except subprocess.TimeoutExpired:
        error = 'it did not end'
    entries = fleet.entries()[before:]
    if len(entries) < CONNECTIONS and not error:
        error = 'only %d connections' % len(entries)
    outcomes = [fields['early'] for _, _, fields in entries]
    done = [outcome == 'accepted' if kind == EARLY
            else fields['sync'] != 'full'
            for outcome, (_, _, fields) in zip(outcomes, entries)]
    across = sum(done[i] and entries[i][1] != entries[i - 1][1]
                 for i in range(1, len(entries)))
    found = sum(done), across, len(entries) - 1, error
    return EarlyCell(*found, sum(outcome != '-' for outcome in outcomes)) \
        if kind == EARLY else Cell(*found)


def table(rows):
    lines = ['| client | %s |' % ' | '.join(KINDS),
             '| --- |' + ' ---: |' * len(KINDS)]
    for name, cells in rows:
        lines.append('| %s | %s |' % (name, ' | '.join(
            str(cell) for cell in cells.values())))
    return '\n'.join(lines) + '\n'


def write(text):
    with open(PAGE, encoding='utf-8') as f:
        page = f.read()
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    with open(PAGE, 'w', encoding='utf-8') as f:
        f.write(head + BEGIN + text + END + tail)


def main():
    names = sys.argv[1:]
    if not {client.name for client in CLIENTS} >= set(names):
        sys.exit('resume.py: there are %s' % ', '.join(
            client.name for client in CLIENTS))
    rows, wrong = [], []
    with labs.Lab() as lab, Fleet(lab) as fleet:
        site = lab.network.site()
        hosts = hosts_file(lab, fleet.balancer.address)
        for kind_of in CLIENTS:
            if names and kind_of.name not in names:
                continue
            where = lab.make('clients', kind_of.name)
            client = kind_of(where, lab.certificates.ca)
            if not client.there():
                print('%s is not installed' % kind_of.name, flush=True)
                wrong.append('%s was not run' % kind_of.name)
                continue
            client.prepare()
            cells = {kind: run(fleet, site, hosts, client, kind)
                     for kind in KINDS}
            rows.append(('%s %s' % (client.name, client.version()), cells))
            print('%s: %s' % (rows[-1][0], ', '.join(
                map(str, cells.values()))), flush=True)
            for kind, cell in cells.items():
                if cell.error:
                    wrong.append('%s, %s: %s' % (client.name, kind,
                                                 cell.error))
                elif kind not in client.without and not cell.across:
                    wrong.append('%s, %s: nothing %s on another host'
                                 % (client.name, kind, 'accepted'
                                    if kind == EARLY else 'resumed'))
        if fleet.refused():
            wrong.append('hosts have refused %d sessions' % fleet.refused())
        site.close()
        shutil.rmtree(os.path.join(lab.directory, 'clients'),
                      ignore_errors=True)
    print(table(rows), end='')
    print(*wrong, sep='\n')
    if not wrong and not names:
        write(table(rows))
    print('clients: %d run, %d wrong' % (len(rows), len(wrong)))
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
