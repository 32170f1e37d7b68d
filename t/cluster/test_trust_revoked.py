"""A client whose certificate has been revoked does not get in by a session."""

import itertools
import os

import pytest

from harness import authority, conf, trust

KINDS = (conf.HTTP, conf.STREAM)
PORT = {conf.HTTP: 9001, conf.STREAM: 9002}
TELL = 'verify=$ssl_client_verify'


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    """Every host has a CRL of its own, which the tests replace."""
    cluster = make_module_cluster(hosts=2, memcached_servers=1, rotation='7d',
                                  start=False, workers=1,
                                  session_cache=trust.CACHE)
    cluster.root = authority.Authority(cluster.directory, 'root')
    cluster.between = [
        authority.Authority(cluster.directory, name, cluster.root)
        for name in ('between', 'beside')]
    issuers = {'bad': cluster.between[0], 'good': cluster.between[0],
               'other': cluster.between[1], 'direct': cluster.root}
    cluster.of = {name: issuer.issue(name)
                  for name, issuer in issuers.items()}
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([
            conf.Server(kind, port=PORT[kind], verify='on',
                        ca=cluster.root.file, tell=TELL,
                        extra='ssl_verify_depth 3; ssl_crl %s;'
                        % host.path('crl.pem')) for kind in KINDS])
        revoke(cluster, host)
    cluster.start()
    cluster.wait_agreed()
    return cluster


def revoke(cluster, host, *names, between=()):
    """Writes a new CRL that revokes these clients and these authorities."""
    serials = {cluster.of[name].serial for name in names}
    authority.write(
        os.path.join(host.directory, 'crl.pem'),
        cluster.root.crl(*serials, *(one.certificate.serial_number
                                     for one in between)),
        *(one.crl(*serials) for one in cluster.between))


def state(cluster, *revoked, restart=False, **more):
    """Sets what each host revokes from now on."""
    for host, names in zip(cluster.hosts, revoked):
        revoke(cluster, host, *names, **more)
        if restart:
            # the keys are lost when all hosts are down
            host.stop()
            host.start()
            cluster.wait_agreed()
        else:
            host.reload()
    cluster.wait_agreed()


def place(kind):
    return {'kind': kind, 'port': PORT[kind], 'name': 'a.example'}


def sessions_of(cluster, name, makers, each=1):
    """Sessions of a client, of every kind, made on these hosts."""
    found = []
    for way, kind, host in itertools.product(trust.WAYS, KINDS, makers):
        taker = trust.client(way, certificate=cluster.of[name])
        for _ in range(each):
            born = trust.made(way, taker, host, place(kind))
            assert born.fields.get('code', '200') == '200'
            found.append((way, kind, host, taker, born.session))
    return found


def offer(host, made):
    way, kind, _, taker, session = made
    return taker.connect(host, session=session, **trust.at(way, place(kind)))


def told(host, made, result):
    return '%s of %s at %s: %r' % ('-'.join(made[0]), made[2].name, host.name,
                                   result)


def refused(host, made):
    """None if the session was refused as expected, else what happened."""
    result = offer(host, made)
    if made[1] == conf.STREAM:
        # without close_notify, since the answer is not for this client
        right = result.error and 'without an answer' in result.error
    else:
        right = (result.error is None and not result.reused
                 and result.fields['code'] == '400')
    return None if right else told(host, made, result)


def resumed(host, made):
    result = offer(host, made)
    right = (result.error is None and result.reused
             and result.fields.get('verify', 'SUCCESS') == 'SUCCESS')
    return None if right else told(host, made, result)


def check(outcome, host, *made):
    wrong = list(filter(None, (outcome(host, one) for one in made)))
    assert not wrong, '\n'.join(wrong)


def test_on_one_host(cluster):
    """The CRL of the host where the session is offered counts."""
    first, second = cluster.hosts
    state(cluster, ['bad'], [])
    check(refused, first, *sessions_of(cluster, 'bad', [second]))
    check(resumed, second, *sessions_of(cluster, 'bad', [second]))
    for name in 'good', 'direct', 'other':
        check(resumed, first, *sessions_of(cluster, name, [first, second]))
        check(resumed, second, *sessions_of(cluster, name, [first, second]))


@pytest.mark.parametrize('restart', [False, True], ids=['reload', 'restart'])
@pytest.mark.parametrize('hosts', ['one', 'both'])
def test_list_is_changed(cluster, hosts, restart):
    """A new CRL applies to earlier sessions, on every host that has it."""
    first, second = cluster.hosts
    state(cluster, [], [])
    bad = sessions_of(cluster, 'bad', [first, second])
    if hosts == 'both':
        bad_second = sessions_of(cluster, 'bad', [first, second])
    good = sessions_of(cluster, 'good', [first, second])
    both = ['bad'] if hosts == 'both' else []
    state(cluster, ['bad'], both, restart=restart)
    check(refused, first, *bad)
    if hosts == 'both':
        check(refused, second, *bad_second)
    check(resumed, second, *good)


@pytest.mark.parametrize('revoked', [[], ['bad']], ids=['empty', 'not-empty'])
def test_list_is_issued_anew(cluster, revoked):
    """A CRL that is issued anew without a change costs no session."""
    first, second = cluster.hosts
    state(cluster, revoked, revoked)
    for_first, for_second = (sessions_of(cluster, 'good', [first, second])
                             for _ in range(2))
    state(cluster, revoked, revoked)
    check(resumed, first, *for_first)
    check(resumed, second, *for_second)


def test_list_grows(cluster):
    """A CRL that revokes one more client costs the others no session."""
    first, second = cluster.hosts
    state(cluster, [], [])
    good = sessions_of(cluster, 'good', [first, second])
    state(cluster, ['bad'], ['bad'])
    check(resumed, first, *good)


def test_taken_back(cluster):
    """A client that is not revoked any more gets a full handshake, and then
    resumes.
    """
    first, second = cluster.hosts
    state(cluster, ['bad'], ['bad'])
    state(cluster, [], [])
    check(resumed, second, *sessions_of(cluster, 'bad', [first]))


@pytest.mark.parametrize('restart', [False, True], ids=['reload', 'restart'])
def test_authority_between(cluster, restart):
    """An intermediate authority, which the client sends and no session
    contains.
    """
    first, second = cluster.hosts
    state(cluster, [], [])
    of_it = [made for name in ('bad', 'good')
             for made in sessions_of(cluster, name, [first, second])]
    others = [made for name in ('direct', 'other')
              for made in sessions_of(cluster, name, [first, second])]
    state(cluster, [], [], restart=restart, between=cluster.between[:1])
    check(refused, first, *of_it)
    check(resumed, second, *others)
