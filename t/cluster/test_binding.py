"""A ticket resumes only for the name and the scope for which it was issued.

Otherwise there is a full handshake, no alert, and a counter rises.
"""

import pytest

from harness import clients, conf

SCOPED = 9001       # another scope, by name
VERIFIED = 9002     # a.example with ssl_verify_client on
OPTIONAL = 9003     # a.example with ssl_verify_client optional
OTHER_CA = 9004     # the same with another CA
SAME = 9005         # another listener in the scope of the first


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=2, rotation='7d', start=False)
    authority = cluster.lab.certificates.other_ca
    for host in cluster.hosts:
        host.config.servers += [
            conf.Server(name='c.example', verify='optional'),
            conf.Server(port=SCOPED, scope='payments'),
            conf.Server(port=VERIFIED, verify='on'),
            conf.Server(port=OPTIONAL, verify='optional'),
            conf.Server(port=OTHER_CA, verify='optional', ca=authority),
            conf.Server(port=SAME),
            conf.Server(conf.STREAM, port=9006, scope='payments'),
        ]
    cluster.start()
    cluster.wait_agreed()
    return cluster


HOME = {}

# (where the ticket was issued, where it is offered)
REFUSED = {
    'other-name': (HOME, {'name': 'b.example'}),
    'unknown-name': (HOME, {'name': 'z.example'}),
    'name-that-asks-for-certificates': (HOME, {'name': 'c.example'}),
    'from-a-name-that-asks': ({'name': 'c.example'}, HOME),
    'no-name': (HOME, {'name': None}),
    'from-no-name': ({'name': None}, HOME),
    'verify-on': (HOME, {'port': VERIFIED}),
    'verify-optional': (HOME, {'port': OPTIONAL}),
    'from-verify-optional': ({'port': OPTIONAL}, HOME),
    'optional-to-on': ({'port': OPTIONAL}, {'port': VERIFIED}),
    'other-ca': ({'port': OPTIONAL}, {'port': OTHER_CA}),
    'other-scope': (HOME, {'port': SCOPED}),
    'from-other-scope': ({'port': SCOPED}, HOME),
    'stream': (HOME, {'kind': conf.STREAM}),
    'from-stream': ({'kind': conf.STREAM}, HOME),
    'mail': (HOME, {'kind': conf.MAIL}),
    'mail-to-stream': ({'kind': conf.MAIL}, {'kind': conf.STREAM}),
}

ACCEPTED = {
    'same': (HOME, HOME),
    'capitals': (HOME, {'name': 'A.Example'}),
    'other-listener': (HOME, {'port': SAME}),
    'verify-on': ({'port': VERIFIED}, {'port': VERIFIED}),
    'same-scope-on-a-stream-listener': (
        {'port': SCOPED}, {'kind': conf.STREAM, 'port': 9006}),
}


def pair(cluster, same_host):
    first, second = cluster.hosts
    return first, (first if same_host else second)


@pytest.mark.parametrize('same_host', [True, False],
                         ids=['same-host', 'other-host'])
@pytest.mark.parametrize('version', clients.VERSIONS)
@pytest.mark.parametrize('case', REFUSED)
def test_refused(lab, cluster, case, version, same_host):
    issued_at, offered_to = REFUSED[case]
    first, second = pair(cluster, same_host)
    client = client_with_certificate(lab, version)
    session = client.full(first, **issued_at).session
    before = second.group()['tickets']

    result = client.connect(second, session=session, **offered_to)

    assert result.error is None
    assert not result.reused
    after = second.group()['tickets']
    assert after['refused_binding'] == before['refused_binding'] + 1
    assert after['unknown_key'] == before['unknown_key']
    assert after['resumed'] == before['resumed']


@pytest.mark.parametrize('same_host', [True, False],
                         ids=['same-host', 'other-host'])
@pytest.mark.parametrize('version', clients.VERSIONS)
@pytest.mark.parametrize('case', ACCEPTED)
def test_accepted(lab, cluster, case, version, same_host):
    issued_at, offered_to = ACCEPTED[case]
    first, second = pair(cluster, same_host)
    client = client_with_certificate(lab, version)
    session = client.full(first, **issued_at).session
    before = second.group()['tickets']['refused_binding']

    result = client.connect(second, session=session, **offered_to)

    assert result.error is None
    assert result.reused
    assert second.group()['tickets']['refused_binding'] == before


def client_with_certificate(lab, version):
    certificates = lab.certificates
    return clients.Client(version, certificate=(certificates.client,
                                                certificates.client_key))


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_a_certificate_is_not_carried_over(lab, cluster, version):
    """A ticket issued without a client certificate does not stand for one."""
    anonymous = clients.Client(version)
    session = anonymous.full(cluster.hosts[0]).session
    result = anonymous.connect(cluster.hosts[1], session=session,
                               port=VERIFIED)
    assert result.error is None and not result.reused
    assert result.fields['code'] == '400'


def test_rules_differ_between_hosts(lab, make_cluster):
    """One host asks for client certificates for a name, the other does not."""
    cluster = make_cluster(hosts=2, rotation='7d', start=False)
    lax, strict = cluster.hosts
    strict.config.servers = [conf.Server(), conf.Server(name='b.example',
                                                        verify='on')]
    cluster.start()
    cluster.wait_agreed()
    for version in clients.VERSIONS:
        client = client_with_certificate(lab, version)
        for first, second in ((lax, strict), (strict, lax)):
            session = client.full(first, name='b.example').session
            result = client.connect(second, session=session,
                                    name='b.example')
            assert result.error is None and not result.reused
            # the name that has the same rules on all hosts
            session = client.full(first).session
            assert client.connect(second, session=session).reused
