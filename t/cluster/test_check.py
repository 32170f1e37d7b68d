"""ssl-session-sync-check says of nginx hosts what they are configured for."""

import os
import re
import secrets
import socket
import subprocess

import pytest

from harness import checker, clients, conf, process
from harness.checker import IDS_12, KINDS, TICKETS_12, TLS_13

CACHE = 'shared:s:1m'
TICKETS = '%s,%s' % (TICKETS_12, TLS_13)


def addresses(hosts):
    return [checker.address(host) for host in hosts]


@pytest.fixture(scope='module')
def fleet(make_module_cluster):
    """Three hosts that share all they have."""
    cluster = make_module_cluster(hosts=3, rotation='7d',
                                  session_cache=CACHE, session_timeout='7m')
    cluster.wait_agreed()
    return cluster


@pytest.fixture(scope='module')
def strangers(make_module_cluster):
    """Three hosts without the module that share nothing."""
    return make_module_cluster(hosts=3, memcached_servers=0, synced=False,
                               session_cache=CACHE)


def right(*arguments, **more):
    """What is said when all is well: a store by ID is not waited for, so
    that a client may be faster than it."""
    def good():
        told = checker.ask(*arguments, **more)
        return told if told['status'] == 0 else None

    return process.wait_until(good, 'nothing to be wrong')


def test_right_fleet(fleet):
    where = addresses(fleet.hosts)
    told = right('--other-name', 'off.example', where)
    assert told['problems'] == []
    assert told['addresses'] == where
    for kind in KINDS:
        assert checker.pairs(told, kind) == checker.every(where)
    for cell in told['pairs']:
        assert (cell['tried'], cell['other_name_tried']) == (3, 3)
        assert cell['other_name_resumed'] == 0


def test_keys_and_lifetimes(fleet, tmp_path):
    """The names that the hosts and OpenSSL tell, and what is configured.

    Hosts that have just met may encrypt with another key before long.
    """
    def settled():
        told = right(addresses(fleet.hosts))
        return told if all(len(source['keys']) < 2
                           for source in told['sessions']) else None

    told = process.wait_until(settled, 'one key')
    session = os.path.join(tmp_path, 'session.pem')
    for version, kind in (('TLSv1.2', TICKETS_12), ('TLSv1.3', TLS_13)):
        clients.openssl(fleet.hosts[0], version, str(tmp_path),
                        write='session.pem')
        name = clients.ticket(session)[:16].hex()
        current = {key['name'] for host in fleet.hosts
                   for key in host.group()['keys']
                   if key['role'] == 'current'}
        assert current == {name[:8]}
        for source in told['sessions']:
            if source['kind'] == kind:
                assert [key['name'] for key in source['keys']] == [name]
                assert source['lifetimes'] == [7 * 60]
                assert source['by_id'] == 0
    for source in told['sessions']:
        if source['kind'] == IDS_12:
            assert source['keys'] == []
            assert source['by_id'] == source['given'] > 0


def test_for_people(fleet):
    where = addresses(fleet.hosts)

    def good():
        done = checker.run(where)
        keys = set(re.findall(r'(?m)  ([0-9a-f]{8}.*)$', done.stdout))
        return done.stdout if done.returncode == 0 and len(keys) == 1 \
            else None

    text = process.wait_until(good, 'nothing to be wrong, and one key')
    assert text.splitlines()[-1] == 'Everything resumes everywhere.'
    assert len(re.findall(r'(?m)^ +[123](   yes){3}$', text)) == 9
    assert len(re.findall(r'(?m)^TLS 1\.\d +\S+ +(?:6m 5\ds, )?7m +'
                          r'[0-9a-f]{8}$',
                          text)) == 6


def test_strangers(strangers):
    where = addresses(strangers.hosts)
    told = checker.ask(where)
    assert told['status'] == 1
    for kind in KINDS:
        assert checker.pairs(told, kind) == checker.at_home(where)
        named, = [problem for problem in told['problems']
                  if problem['kind'] == kind]
        assert named['what'] == 'not_resumed'
        assert set(map(tuple, named['pairs'])) \
            == checker.every(where) - checker.at_home(where)
        assert 'nowhere else' in named['text']
    text = checker.run(where).stdout
    assert '    %s -> %s\n' % (where[0], where[2]) in text
    assert len(re.findall(r'(?m)^ +[123] .*\bNO\b', text)) == 9


def test_same_keys(make_cluster, tmp_path):
    """Plain nginx takes no ticket of a host with another certificate."""
    keys = tmp_path / 'tickets'
    keys.write_bytes(secrets.token_bytes(80))
    cluster = make_cluster(hosts=2, memcached_servers=0, synced=False,
                           start=False, ticket_keys=[str(keys)])
    cluster.hosts[1].config.servers = [conf.Server(
        pair=cluster.certificate(cluster.hosts[1]))]
    cluster.start()
    where = addresses(cluster.hosts)
    told = checker.ask('--only', TICKETS, where)
    assert told['status'] == 1
    for problem in told['problems']:
        assert problem['what'] == 'not_resumed'
        assert 'keys of the same name' in problem['text']
        assert set(map(tuple, problem['pairs'])) \
            == checker.every(where) - checker.at_home(where)


def documented():
    """The command in docs/operations.md, and what it prints there."""
    with open(os.path.join(conf.REPOSITORY, 'docs', 'operations.md'),
              encoding='utf-8') as f:
        command, output = re.search(
            r'```sh\nssl-session-sync-check (.*)\n```\n(?:.*\n)*?'
            r'```text\n((?:.*\n)*?)```', f.read()).groups()
    return command.split(), output


def alike(text, where):
    """With addresses and keys by their number; columns have other widths."""
    for number, address in enumerate(where):
        text = re.sub(r'%s\b' % re.escape(address), 'host%d' % number, text)
    keys = list(dict.fromkeys(re.findall(r'(?m) ([0-9a-f]{8})$', text)))
    for number, key in enumerate(keys):
        text = text.replace(key, 'key%d' % number)
    return [line.split() for line in text.splitlines()]


def test_one_wrong_host(make_cluster):
    """Its secret is another one, as it is in the documentation."""
    cluster = make_cluster(hosts=2, rotation='7d', session_cache=CACHE)
    odd = cluster.add_host(secrets=[secrets.token_hex(32)])
    odd.start()
    cluster.wait_agreed(cluster.hosts[:2])
    where = addresses(cluster.hosts)
    good = checker.every(where[:2]) | {(where[2], where[2])}

    def shown():
        told = checker.ask(where)
        assert told['status'] == 1
        return told if all(checker.pairs(told, kind) == good
                           for kind in KINDS) else None

    told = process.wait_until(shown, 'all that resumes to resume')
    found = checker.problems(told)
    assert [problem['what'] for problem in found] == ['not_resumed'] * 3
    for problem in found:
        assert '%s is apart' % where[2] in problem['text']
        assert set(map(tuple, problem['pairs'])) \
            == checker.every(where) - good

    (name, *there), output = documented()
    wanted = alike(output, [address + ':443' for address in there])
    process.wait_until(
        lambda: alike(checker.run(where, name=name).stdout, where) == wanted,
        'what the documentation shows')


def test_without_tickets(make_cluster):
    """IDs of TLS 1.3 are seen to be ones, and no tickets are no problem."""
    cluster = make_cluster(hosts=2, rotation='7d', session_cache=CACHE,
                           start=False)
    for host in cluster.hosts:
        for server in host.config.servers:
            server.extra += ' ssl_session_tickets off;'
    cluster.start()
    cluster.wait_agreed()
    where = addresses(cluster.hosts)
    told = right(where)
    assert checker.pairs(told, IDS_12) == checker.every(where)
    assert checker.pairs(told, TLS_13) == checker.every(where)
    assert checker.pairs(told, TICKETS_12) == set()
    for source in told['sessions']:
        assert source['keys'] == []
        assert source['by_id'] == source['given']
        assert bool(source['given']) == (source['kind'] != TICKETS_12)


def test_another_version(make_cluster):
    """A host that has no TLS 1.3 is named."""
    cluster = make_cluster(hosts=2, memcached_servers=0, synced=False,
                           start=False)
    cluster.hosts[1].config.servers = [
        conf.Server(extra='ssl_protocols TLSv1.2;')]
    cluster.start()
    where = addresses(cluster.hosts)
    told = checker.ask('--only', TLS_13, where)
    gone, = checker.problems(told, 'unreachable')
    assert told['status'] == 3 and where[1] in gone['text']
    told = checker.ask('--only', TICKETS, where)
    refuses, = checker.problems(told, 'refuses')
    assert told['status'] == 1 and where[1] in refuses['text']
    told = checker.ask('--only', TICKETS, where[1:])
    assert (told['status'], told['problems']) == (0, [])


def test_keys_that_rotate(make_cluster):
    cluster = make_cluster(hosts=2, rotation='4s')
    cluster.wait_agreed()
    told = right('--watch', '13s', '--every', '1s', '--only', TICKETS,
                 '--age', '0', addresses(cluster.hosts))
    assert told['watch']['finished']
    for source in told['sessions']:
        assert len(source['keys']) >= 2
    for old in told['watch']['first_sessions']:
        assert old['refused_at_age'] is None and old['resumed_at_age'] > 4


def test_keys_that_stay(strangers):
    where = addresses(strangers.hosts[:1])
    told = checker.ask('--watch', '2s', '--only', TICKETS, where)
    assert told['status'] == 1
    assert [problem['what'] for problem in told['problems']] \
        == ['key_kept'] * 2


def test_sessions_that_end_early(make_cluster, tmp_path):
    """Plain nginx has other keys when it is started again. What was seen is
    told when the watch is ended before its time."""
    cluster = make_cluster(hosts=1, memcached_servers=0, synced=False)
    host = cluster.hosts[0]
    where = re.escape(checker.address(host))
    output = tmp_path / 'output'
    with open(output, 'wb') as file:
        watching = subprocess.Popen(
            checker.argv('--watch', '4m', '--every', '1s', '--only',
                         TICKETS_12, '--age', '0', addresses([host])),
            stdin=subprocess.DEVNULL, stdout=file)
    try:
        # those that are offered again are there before any is offered
        process.wait_until(lambda: 'reused=r' in host.read('access.log'),
                           'a session to resume')
        host.stop()
        host.start()
        # this is said after the old ones were offered
        process.wait_until(
            lambda: re.search(r'(?m)^\S+  %s, TLS 1\.2, tickets: a new key, '
                              r'[0-9a-f]{8}$' % where, output.read_text()),
            'the new key to be seen')
        watching.terminate()
        assert watching.wait(60) == 1
    finally:
        watching.kill()
        watching.wait()
    assert re.search(r'(?m)^%s, TLS 1\.2, tickets: a session was refused when '
                     r'it was \S+ old, and the server says that it lasts 5m\.$'
                     % where, output.read_text()), output.read_text()


def test_certificates(fleet):
    """They are verified for the name, when there is something to do it by."""
    where = addresses(fleet.hosts[:1])
    right('--ca', fleet.lab.certificates.ca, where)
    for more, name in (((fleet.lab.certificates.other_ca,), 'a.example'),
                       ((fleet.lab.certificates.ca,), 'nobody.example')):
        told = checker.ask('--ca', *more, where, name=name)
        assert told['status'] == 3
        refused, = told['problems']
        assert 'certificate is refused' in refused['text']
    assert checker.run('--ca', '/nowhere', where).returncode == 2


def test_unreachable(fleet):
    """What is not there is named, and the rest is checked."""
    host = fleet.hosts[0]
    with socket.create_server((fleet.lab.network.address, 0)) as silent, \
            socket.socket() as closed:
        closed.bind((fleet.lab.network.address, 0))
        for address, why in (
                ('%s:%d' % closed.getsockname(), 'Connection refused'),
                ('%s:%d' % silent.getsockname(), 'timed out'),
                (checker.address(host, conf.STATUS_PORT), 'TLS: ')):
            told = checker.ask('--only', TICKETS, '--timeout', '10s',
                               '--tries', '1',
                               [address, checker.address(host)])
            assert told['status'] == 3, told
            gone, = checker.problems(told)
            assert gone['what'] == 'unreachable'
            assert address in gone['text'] and why in gone['text']
            home = checker.at_home([checker.address(host)])
            assert checker.pairs(told, TLS_13) == home


@pytest.mark.parametrize('arguments', [
    [['1.2.3.4:0']], [['1.2.3.4:70000']], [['[::1']], [['a:b']], [[]],
    ['--only', 'tickets', ['::1']], ['--watch', '5x', ['::1']],
    ['--every', '1s', ['::1']], ['--other-name', 'a.example', ['::1']],
    ['--tries', '0', ['::1']]])
def test_usage(arguments):
    done = checker.run(*arguments)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_ipv6(make_cluster):
    cluster = make_cluster(hosts=1, memcached_servers=0, synced=False,
                           start=False)
    host = cluster.hosts[0]
    port = conf.PORT[conf.HTTP]
    host.config.servers = [conf.Server(listen='; listen [::1]:%d ssl' % port)]
    if host.site.can_cut:
        process.run(host.site.command(['ip', 'link', 'set', 'lo', 'up']))
    cluster.start()
    done = process.run(host.site.command(checker.argv(
        '--only', TICKETS, ['[::1]:%d' % port, checker.address(host)])))
    assert done.endswith('Everything resumes everywhere.\n')
    assert '   1  [::1]:%d\n' % port in done


def test_installed(tmp_path):
    """The command is a link; its page has each of the options."""
    process.run(['make', '-s', '-C', conf.REPOSITORY, 'install-check',
                 'DESTDIR=%s' % tmp_path, 'PREFIX=/usr'])
    told = process.run([os.path.join(tmp_path, 'usr', 'bin',
                                     'ssl-session-sync-check'), '--help'])
    page = os.path.join(tmp_path, 'usr', 'share', 'man', 'man1',
                        'ssl-session-sync-check.1')
    with open(page, encoding='utf-8') as f:
        text = f.read().replace('\\-', '-')
    options = set(re.findall(r'--[a-z-]+', told))
    assert len(options) >= 10
    assert not options - set(re.findall(r'--[a-z-]+', text))
    left = [name for _, directories, _ in os.walk(tmp_path)
            for name in directories if name == '__pycache__']
    assert not left
