"""Several clusters, servers that are "off", and key files beside a cluster."""

import dataclasses
import os

import pytest

from harness import clients, conf, record

OTHER = 9001


def two_groups(make_cluster, **names):
    """Hosts with the clusters "main" and "second" on the same servers."""
    cluster = make_cluster(hosts=2, rotation='7d', start=False)
    for host in cluster.hosts:
        first = host.config.groups[0]
        host.config.groups.append(dataclasses.replace(
            first, name='second',
            secrets=[names.get('secret', cluster.secret)],
            namespace=names.get('namespace')))
        host.config.servers.append(conf.Server(port=OTHER, sync='second'))
    cluster.start()
    cluster.wait_agreed()
    cluster.wait_agreed(group='second')
    return cluster


@pytest.mark.parametrize('secret', [None, 'a7' * 31 + 'b1'],
                         ids=['same-secret', 'other-secret'])
def test_two_clusters(make_cluster, secret):
    """Sessions of each cluster resume on every host, and not in the other one.
    """
    cluster = two_groups(make_cluster, **({'secret': secret} if secret
                                          else {}))
    first, second = cluster.hosts
    assert first.group('main')['state'] == 'ok'
    assert first.group('second')['state'] == 'ok'
    assert not first.keys('main') & first.keys('second')
    assert first.keys('second') & second.keys('second')
    for version in clients.VERSIONS:
        client = clients.Client(version)
        for port, other in ((conf.PORT[conf.HTTP], OTHER),
                            (OTHER, conf.PORT[conf.HTTP])):
            session = client.full(first, port=port).session
            result = client.connect(second, session=session, port=port)
            assert result.error is None and result.reused
            result = client.connect(second, session=session, port=other)
            assert result.error is None and not result.reused


def test_namespace_is_shared(make_cluster):
    """Two clusters with the same namespace and secret are one."""
    cluster = two_groups(make_cluster, namespace='main')
    first, second = cluster.hosts
    assert first.keys('main') & second.keys('second')
    for version in clients.VERSIONS:
        client = clients.Client(version)
        session = client.full(first).session
        assert client.connect(second, session=session, port=OTHER).reused


@pytest.fixture(scope='module')
def with_off(make_module_cluster):
    """Hosts where "off.example" is "off" on a listener that synchronises."""
    cluster = make_module_cluster(hosts=2, rotation='7d', start=False)
    for host in cluster.hosts:
        host.config.servers.append(conf.Server(name='off.example',
                                               sync='off'))
    cluster.start()
    cluster.wait_agreed()
    return cluster


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_off_name_stays_on_its_host(with_off, version):
    first, second = with_off.hosts
    client = clients.Client(version)
    issued = client.full(first, name='off.example')
    assert issued.fields.get('sync') in (None, '')
    result = client.connect(second, session=issued.session,
                            name='off.example')
    assert result.error is None and not result.reused


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_off_name_is_not_under_a_shared_key(with_off, version):
    host = with_off.hosts[0]
    directory = with_off.directory
    clients.openssl(host, version, directory, write='off.pem',
                    name='off.example')
    ticket = clients.ticket(os.path.join(directory, 'off.pem'))
    assert ticket[:4].hex() not in host.keys()


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_off_name_and_synced_name_do_not_mix(with_off, version):
    first, second = with_off.hosts
    client = clients.Client(version)
    for one, other in (('a.example', 'off.example'),
                       ('off.example', 'a.example')):
        session = client.full(first, name=one).session
        for host in (first, second):
            result = client.connect(host, session=session, name=other)
            assert result.error is None and not result.reused


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_name_next_to_off_is_synced(with_off, version):
    first, second = with_off.hosts
    client = clients.Client(version)
    session = client.full(first, name='b.example').session
    assert client.connect(second, session=session, name='b.example').reused


@pytest.fixture(scope='module')
def migrating(make_module_cluster):
    """The first host has only a key file; the others also synchronise."""
    cluster = make_module_cluster(forward_secrecy='off',
                                  hosts=3, rotation='7d', start=False)
    file = os.path.join(cluster.directory, 'ticket.key')
    with open(file, 'wb') as f:
        f.write(os.urandom(80))
    for host in cluster.hosts:
        host.config.ticket_keys = [file]
    cluster.hosts[0].config.synced = False
    cluster.start()
    cluster.wait_agreed(cluster.hosts[1:])
    return cluster


@pytest.mark.parametrize('kind', conf.KINDS)
@pytest.mark.parametrize('version', clients.VERSIONS)
def test_ticket_of_a_key_file_resumes(migrating, version, kind):
    plain, synced = migrating.hosts[:2]
    client = clients.Client(version)
    before = synced.group()['tickets']['file_key']
    session = client.full(plain, kind=kind).session
    result = client.connect(synced, session=session, kind=kind)
    assert result.error is None and result.reused
    assert synced.group()['tickets']['file_key'] == before + 1


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_new_ticket_is_under_the_shared_key(migrating, version):
    plain, synced = migrating.hosts[:2]
    directory = migrating.directory
    ring = record.ring_of(migrating.memcached[0], migrating.secret)
    names = {key.name for key in ring}

    def key_name(file):
        return clients.ticket(os.path.join(directory, file))[:16]

    clients.openssl(plain, version, directory, write='old.pem')
    assert key_name('old.pem') not in names
    clients.openssl(synced, version, directory, write='new.pem')
    assert key_name('new.pem') in names


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_ticket_of_a_key_file_is_exchanged(migrating, version):
    """A ticket of a key file is renewed under the shared key when it is used.
    """
    plain, synced, other = migrating.hosts
    client = clients.Client(version)
    first = client.connect(synced, session=client.full(plain).session)
    before = other.group()['tickets']
    second = client.connect(other, session=first.session)
    after = other.group()['tickets']
    assert first.reused and second.reused
    assert after['file_key'] == before['file_key']
    assert after['resumed'] == before['resumed'] + 1


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_new_ticket_is_unknown_to_plain_nginx(migrating, version):
    plain, synced = migrating.hosts[:2]
    client = clients.Client(version)
    session = client.full(synced).session
    result = client.connect(plain, session=session)
    assert result.error is None and not result.reused
