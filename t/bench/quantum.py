"""make quantum: what resumption saves where handshakes are post-quantum.

Two nginx hosts with the module, one with today's usual algorithms and one with
X25519MLKEM768 for the key exchange and an ML-DSA-65 certificate: the bytes of
full and of resumed handshakes of TLS 1.3, as "openssl s_client" counts them,
and the instructions of nginx's worker, as callgrind does.

OpenSSL has these algorithms from version 3.5 on. On a machine with an older
one it all runs in a root directory of Debian 13, see tools/root. The table
goes into docs/performance.md.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

import client
import instructions
import kept
import roots
from hosts import NAME, Host, Memcached, Site, Unfit, until

RELEASE = 'trixie'
HANDSHAKES = 50

FULL, TICKET, ID = 'full handshake', 'ticket', 'session by ID'
WORKS = [instructions.Work(FULL, 'full', '1.3', 0),
         instructions.Work(TICKET, 'ticket', '1.3', 0, True),
         instructions.Work(ID, 'id', '1.3', 0, True)]

USUAL, QUANTUM = 'X25519, ECDSA P-256', 'X25519MLKEM768, ML-DSA-65'
# groups, and the command that makes the certificate's key
ALGORITHMS = {USUAL: ('X25519', ['-newkey', 'ec', '-pkeyopt',
                                 'ec_paramgen_curve:prime256v1']),
              QUANTUM: ('X25519MLKEM768', ['-newkey', 'ML-DSA-65'])}


class Modern(Site):
    """Hosts with a given kind of certificate and groups."""

    def __init__(self, directory, kind):
        self.curves, self.new_key = ALGORITHMS[kind]
        super().__init__(directory)
        os.unlink(self.certificate)
        os.unlink(self.key)
        subprocess.run(
            ['openssl', 'req', '-x509', *self.new_key, '-nodes', '-days',
             '30', '-subj', '/CN=' + NAME, '-keyout', self.key, '-out',
             self.certificate],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def there():
    """Whether OpenSSL on this machine has these algorithms."""
    done = subprocess.run(['openssl', 'list', '-kem-algorithms'],
                          stdout=subprocess.PIPE, text=True, check=False)
    return 'X25519MLKEM768' in done.stdout


def connect(site, address, *options):
    """Bytes of one handshake, sent by the server and by the client."""
    done = subprocess.run(
        ['openssl', 's_client', '-connect', address, '-servername', NAME,
         '-tls1_3', '-groups', site.curves, '-ign_eof', *options],
        input='GET / HTTP/1.0\r\n\r\n', stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    found = re.search(r'SSL handshake has read (\d+) bytes and written (\d+)',
                      done.stdout)
    how = re.search(r'^(New|Reused), TLSv1.3', done.stdout, re.M)
    if not found or not how or (how[1] == 'Reused') != (
            '-sess_in' in options):
        raise Unfit('openssl s_client: %s' % done.stdout)
    return int(found[1]), int(found[2])


def count_bytes(site, host):
    """{work: (sent by the server, by the client)}"""
    found = {}
    for work, address in ((TICKET, host.address), (ID, host.ticketless)):
        session = os.path.join(site.directory, 'session.pem')
        found[FULL] = connect(site, address, '-sess_out', session)
        # a session by ID may not be stored yet
        found[work] = until(lambda address=address, session=session:
                            resume(site, address, session), 'a resumption')
    return found


def resume(site, address, session):
    try:
        return connect(site, address, '-sess_in', session)
    except Unfit:
        return None


def measure():
    result = {}
    client.build()
    for kind in ALGORITHMS:
        with tempfile.TemporaryDirectory() as directory, \
                Modern(directory, kind) as site:
            memcached = Memcached(site)
            host = Host(site, 'bytes', site.cluster(memcached), cache='16m')
            until(host.settled, 'a key')
            sizes = count_bytes(site, host)
            site.stop([host.process])
            spent = instructions.count(
                site, 'callgrind', WORKS, HANDSHAKES, site.cluster(
                    memcached, poll='60s', lookup='10s', namespace='counted'))
            result[kind] = {work.title: [*sizes[work.title],
                                         spent[work.title][0]]
                            for work in WORKS}
    return result


def table(result):
    lines = ['| key exchange, certificate |  | bytes of the server | bytes of '
             'the client | instructions / a usual full handshake |',
             '| --- | --- | ---: | ---: | ---: |']
    one = result[USUAL][FULL][2]
    for kind, works in result.items():
        for title, (server, other, spent) in works.items():
            lines.append('| %s | %s | %s | %s | %.2f |' % (
                kind, title, '{:,}'.format(server), '{:,}'.format(other),
                spent / one))
    return '\n'.join(lines) + '\n'


def elsewhere():
    """Gets the result from a root directory with a newer OpenSSL."""
    done = subprocess.run(
        [*roots.inside(RELEASE, 'memory'), '/usr/bin/python3', '-B',
         't/bench/quantum.py', 'measure'],
        stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main():
    if sys.argv[1:] == ['measure']:
        json.dump(measure(), sys.stdout)
        return
    text = table(measure() if there() else elsewhere())
    print(text, end='')
    kept.replace('quantum', text)


if __name__ == '__main__':
    main()
