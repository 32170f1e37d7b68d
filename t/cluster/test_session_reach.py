"""A session by ID resumes only where it may, and in TLS 1.3 only once.

Otherwise there is a full handshake, no alert, and a counter rises.
"""

import dataclasses
import threading

import pytest

from harness import clients, conf, process, sessions

SCOPED = 9001       # another scope, by name
VERIFIED = 9002     # a.example with ssl_verify_client on
OPTIONAL = 9003     # a.example with ssl_verify_client optional
OTHER_CA = 9004     # the same with another CA
SAME = 9005         # another listener in the scope of the first
SECRET = 9007       # a cluster with another secret
NAMESPACE = 9008    # a cluster with another namespace
OFF = 9009          # no cluster

HOME = {}

# (where the session was made, where it is offered, which counter rises)
REFUSED = {
    'other-name': (HOME, {'name': 'b.example'}, 'refused_binding'),
    'unknown-name': (HOME, {'name': 'z.example'}, 'refused_binding'),
    'no-name': (HOME, {'name': None}, 'refused_binding'),
    'from-no-name': ({'name': None}, HOME, 'refused_binding'),
    'name-that-asks-for-certificates': (HOME, {'name': 'c.example'},
                                        'refused_binding'),
    'from-a-name-that-asks': ({'name': 'c.example'}, HOME,
                              'refused_binding'),
    'verify-on': (HOME, {'port': VERIFIED}, 'refused_binding'),
    'verify-optional': (HOME, {'port': OPTIONAL}, 'refused_binding'),
    'from-verify-optional': ({'port': OPTIONAL}, HOME, 'refused_binding'),
    'optional-to-on': ({'port': OPTIONAL}, {'port': VERIFIED},
                       'refused_binding'),
    'other-ca': ({'port': OPTIONAL}, {'port': OTHER_CA}, 'refused_binding'),
    'other-scope': (HOME, {'port': SCOPED}, 'refused_binding'),
    'from-other-scope': ({'port': SCOPED}, HOME, 'refused_binding'),
    'stream': (HOME, {'kind': conf.STREAM}, 'refused_binding'),
    'from-stream': ({'kind': conf.STREAM}, HOME, 'refused_binding'),
    'mail': (HOME, {'kind': conf.MAIL}, 'refused_binding'),
    'other-secret': (HOME, {'port': SECRET}, 'forged'),
    'from-other-secret': ({'port': SECRET}, HOME, 'forged'),
    'other-namespace': (HOME, {'port': NAMESPACE}, 'forged'),
    'from-other-namespace': ({'port': NAMESPACE}, HOME, 'forged'),
    'from-no-cluster': ({'port': OFF}, HOME, 'forged'),
    'to-no-cluster': (HOME, {'port': OFF}, None),
}

ACCEPTED = {
    'same': (HOME, HOME),
    'capitals': (HOME, {'name': 'A.Example'}),
    'other-listener': (HOME, {'port': SAME}),
    'verify-on': ({'port': VERIFIED}, {'port': VERIFIED}),
    'same-scope-on-a-stream-listener': (
        {'port': SCOPED}, {'kind': conf.STREAM, 'port': 9006}),
    'other-secret': ({'port': SECRET}, {'port': SECRET}),
    'other-namespace': ({'port': NAMESPACE}, {'port': NAMESPACE}),
}

CLUSTER_OF = {SECRET: 'secret', NAMESPACE: 'namespace'}


@pytest.fixture(scope='module', params=['none', 'shared:sessions:1m'])
def cluster(request, make_module_cluster):
    cluster = make_module_cluster(hosts=2, rotation='7d', start=False,
                                  session_cache=request.param)
    authority = cluster.lab.certificates.other_ca
    for host in cluster.hosts:
        first = host.config.groups[0]
        host.config.groups += [
            dataclasses.replace(first, name='secret', namespace='main',
                                secrets=['a7' * 31 + 'd4']),
            dataclasses.replace(first, name='namespace', namespace='other')]
        host.config.servers += [
            conf.Server(name='c.example', verify='optional'),
            conf.Server(port=SCOPED, scope='payments'),
            conf.Server(port=VERIFIED, verify='on'),
            conf.Server(port=OPTIONAL, verify='optional'),
            conf.Server(port=OTHER_CA, verify='optional', ca=authority),
            conf.Server(port=SAME),
            conf.Server(conf.STREAM, port=9006, scope='payments'),
            conf.Server(port=SECRET, sync='secret'),
            conf.Server(port=NAMESPACE, sync='namespace'),
            conf.Server(port=OFF, sync='off'),
        ]
    sessions.without_tickets(cluster.hosts)
    cluster.start()
    for group in 'main', 'secret', 'namespace':
        cluster.wait_agreed(group=group)
    return cluster


def with_certificate(lab, version):
    certificates = lab.certificates
    client = clients.Client(version, certificate=(certificates.client,
                                                  certificates.client_key))
    client.context.options |= clients.ssl.OP_NO_TICKET
    return client


def refusals(host, where):
    counts = host.group(CLUSTER_OF.get(where.get('port'), 'main'))['sessions']
    return {name: counts[name] for name in ('refused_binding', 'forged',
                                            'bad_records')}


def resumed(client, first, second, issued_at, offered_to):
    """Tries until one resumes, since a session may not be stored yet."""
    def once():
        session = client.full(first, **issued_at).session
        result = client.connect(second, session=session, **offered_to)
        assert result.error is None
        return result.reused

    process.wait_until(once, 'a session')


@pytest.mark.parametrize('version', clients.VERSIONS)
@pytest.mark.parametrize('case', REFUSED)
def test_refused(lab, cluster, case, version):
    issued_at, offered_to, counted = REFUSED[case]
    client = with_certificate(lab, version)
    # on its own host plain nginx uses its own cache
    hosts = cluster.hosts if counted else cluster.hosts[1:]
    for second in hosts:
        session = client.full(cluster.hosts[0], **issued_at).session
        before = refusals(second, offered_to)

        result = client.connect(second, session=session, **offered_to)

        assert result.error is None and not result.reused
        if counted:
            before[counted] += 1
        assert refusals(second, offered_to) == before


@pytest.mark.parametrize('version', clients.VERSIONS)
@pytest.mark.parametrize('case', ACCEPTED)
def test_accepted(lab, cluster, case, version):
    issued_at, offered_to = ACCEPTED[case]
    client = with_certificate(lab, version)
    for second in cluster.hosts:
        before = refusals(second, offered_to)
        resumed(client, cluster.hosts[0], second, issued_at, offered_to)
        assert refusals(second, offered_to) == before


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_a_certificate_is_not_carried_over(cluster, version):
    """A session made without a client certificate does not stand for one."""
    first, second = cluster.hosts
    anonymous = sessions.Client(version)
    session = anonymous.full(first).session
    result = anonymous.connect(second, session=session, port=VERIFIED)
    assert result.error is None and not result.reused
    assert result.fields['code'] == '400'


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_rules_differ_between_hosts(lab, make_cluster, version):
    """One host asks for client certificates for a name, the other does not."""
    cluster = make_cluster(hosts=2, memcached_servers=1, rotation='7d',
                           start=False, session_cache='shared:sessions:1m')
    lax, strict = cluster.hosts
    strict.config.servers = [conf.Server(), conf.Server(name='b.example',
                                                        verify='on')]
    lax.config.servers = lax.config.servers[:2]
    sessions.without_tickets(cluster.hosts)
    cluster.start()
    cluster.wait_agreed()
    client = with_certificate(lab, version)
    for first, second in ((lax, strict), (strict, lax)):
        # the name that has the same rules on all hosts
        resumed(client, first, second, HOME, HOME)
        session = client.full(first, name='b.example').session
        result = client.connect(second, session=session, name='b.example')
        assert result.error is None and not result.reused


# TLS 1.3

ROUNDS = 100


class Rival(threading.Thread):
    """Uses sessions at the same moments as another client."""

    def __init__(self, client, host, born, gate):
        super().__init__(daemon=True)
        self.client = client
        self.host = host
        self.born = born
        self.gate = gate
        self.results = []

    def run(self):
        for session in self.born:
            self.gate.wait(30)
            self.results.append(self.client.connect(self.host,
                                                    session=session))


@pytest.mark.parametrize('places', [(1, 1), (0, 1)],
                         ids=['two-connections-of-another-host',
                              'its-own-host-and-another'])
def test_used_twice_at_the_same_moment(cluster, places):
    client = sessions.Client('TLSv1.3')
    first, second = cluster.hosts
    resumed(client, first, second, HOME, HOME)
    born = [client.full(first).session for _ in range(ROUNDS)]
    gate = threading.Barrier(2)
    rivals = [Rival(client, cluster.hosts[place], born, gate)
              for place in places]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(60)

    won = 0
    for one, other in zip(*(rival.results for rival in rivals)):
        assert one.error is None and other.error is None
        assert not (one.reused and other.reused)
        won += one.reused or other.reused
    assert len(rivals[0].results) == len(rivals[1].results) == ROUNDS
    print('of %d sessions %d were resumed once' % (ROUNDS, won))
    assert won > ROUNDS / 2
