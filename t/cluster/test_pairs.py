"""A ticket of each host resumes on every other one."""

import itertools

import pytest

from harness import clients, conf

HOSTS = 3
PAIRS = list(itertools.permutations(range(HOSTS), 2))


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(hosts=HOSTS, rotation='7d', poll='200ms')
    cluster.wait_agreed()
    return cluster


@pytest.mark.parametrize('kind', conf.KINDS)
@pytest.mark.parametrize('version', clients.VERSIONS)
@pytest.mark.parametrize('pair', PAIRS,
                         ids=['h%d-h%d' % (a + 1, b + 1) for a, b in PAIRS])
def test_pair(cluster, pair, version, kind):
    first, second = (cluster.hosts[number] for number in pair)
    client = clients.Client(version)

    issued = client.full(first, kind=kind)
    resumed = client.connect(second, session=issued.session, kind=kind)

    assert resumed.error is None and resumed.reused
    if kind != conf.MAIL:
        assert issued.fields['sync'] == 'full'
        assert issued.fields['reused'] == '.'
        assert resumed.fields['sync'] == 'ticket'
        assert resumed.fields['reused'] == 'r'


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_a_session_goes_round(cluster, version):
    """The ticket that a resumption returns resumes on other hosts as well."""
    client = clients.Client(version)
    session = client.full(cluster.hosts[0]).session
    for host in cluster.hosts[1:] + cluster.hosts:
        result = client.connect(host, session=session)
        assert result.error is None and result.reused
        session = result.session


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_counted(cluster, version):
    first, second = cluster.hosts[:2]
    client = clients.Client(version)
    before = [host.group() for host in (first, second)]
    session = client.full(first).session
    assert client.connect(second, session=session).reused
    after = [host.group() for host in (first, second)]

    def grown(number, kind, name):
        return after[number][kind][name] - before[number][kind][name]

    # in TLS 1.3 there are two tickets after a full handshake
    assert grown(0, 'tickets', 'issued') == (2 if version == 'TLSv1.3' else 1)
    assert grown(0, 'handshakes', 'full') == 1
    assert grown(1, 'tickets', 'resumed') == 1
    assert grown(1, 'handshakes', 'resumed_ticket') == 1
    assert grown(1, 'handshakes', 'full') == 0


def test_unknown_key_is_a_full_handshake(cluster, make_cluster):
    stranger = make_cluster(hosts=1, memcached_servers=0).hosts[0]
    host = cluster.hosts[0]
    before = host.group()['tickets']['unknown_key']
    for version in clients.VERSIONS:
        client = clients.Client(version)
        session = client.full(stranger).session
        result = client.connect(host, session=session)
        assert result.error is None and not result.reused
    assert host.group()['tickets']['unknown_key'] == before + 2
