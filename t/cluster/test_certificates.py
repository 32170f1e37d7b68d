"""Tickets resume when certificates are renewed or differ between hosts.

Hosts get their certificates one after the other, and some have one each.
"""

import copy
import itertools

import pytest

from harness import clients, conf


def renewed(certificates, name):
    """The same names under another key."""
    other = copy.copy(certificates)
    other._issue(name, '/CN=a.example', 'subjectAltName=DNS:a.example')
    other.server = other._path(name + '.pem')
    other.server_key = other._path(name + '.key')
    return other


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_each_host_has_its_own_certificate(lab, make_cluster, version):
    cluster = make_cluster(hosts=2, memcached_servers=1, start=False)
    cluster.hosts[1].config.certificates = renewed(lab.certificates, 'own')
    cluster.start()
    cluster.wait_agreed()
    client = clients.Client(version)
    for kind in conf.KINDS:
        for first, second in itertools.permutations(cluster.hosts):
            session = client.full(first, kind=kind).session
            result = client.connect(second, session=session, kind=kind)
            assert result.error is None and result.reused, (kind, result)


@pytest.mark.parametrize('version', clients.VERSIONS)
def test_certificate_renewed_by_reload(lab, make_cluster, version):
    cluster = make_cluster(hosts=1, memcached_servers=1)
    host = cluster.hosts[0]
    client = clients.Client(version)
    session = client.full(host).session
    host.config.certificates = renewed(lab.certificates, 'renewed')
    host.reload()
    result = client.connect(host, session=session)
    assert result.error is None and result.reused, result
