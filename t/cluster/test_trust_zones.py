"""A reload keeps no keys for a cluster that has become another one.

That is so if its namespace is another one, or if no secret is the same.
"""

import secrets

import pytest

from harness import conf, process, record, trust

OLD, OLDER, NEW, NEWER = (secrets.token_hex(32) for _ in range(4))
TOLD = 'starts empty'
AT = {'port': 9001, 'name': 'a.example'}


def change(**values):
    """The parameters of the cluster at each reload."""
    def apply(host):
        for name, value in values.items():
            setattr(host.config.groups[0], name, value)
    return apply


def larger(**values):
    """The same, with more keys to keep, so that the zone is a new one."""
    def apply(host):
        change(**values)(host)
        host.config.session_timeout = '5000d'
    return apply


# each list begins with the parameters at the start
UNRELATED = {
    'namespace': [change(namespace='one'), change(namespace='two')],
    'namespace-by-default': [change(), change(namespace='two')],
    'secret': [change(secrets=[OLD]), change(secrets=[NEW])],
    'both': [change(namespace='one', secrets=[OLD]),
             change(namespace='two', secrets=[NEW])],
    'several-secrets': [change(secrets=[OLD, OLDER]),
                        change(secrets=[NEW, NEWER])],
    'size-and-secret': [change(secrets=[OLD]), larger(secrets=[NEW])],
    'size-and-namespace': [larger(namespace='one'), change(namespace='two')],
}

RELATED = {
    'nothing': [change(), change()],
    'namespace-spelt-out': [change(), change(namespace='main')],
    'secret-added': [change(secrets=[OLD]), change(secrets=[OLD, NEW])],
    'secret-added-in-front': [change(secrets=[OLD]),
                              change(secrets=[NEW, OLD])],
    'secret-dropped': [change(secrets=[OLD, NEW]), change(secrets=[NEW])],
    'secret-in-three-steps': [change(secrets=[OLD]),
                              change(secrets=[OLD, NEW]),
                              change(secrets=[NEW, OLD]),
                              change(secrets=[NEW])],
    'size': [change(), larger()],
    'size-and-secret-added': [change(secrets=[OLD]),
                              larger(secrets=[NEW, OLD])],
    'rotation': [change(rotation='7d'), change(rotation='6d')],
}


def prepare(cluster, first):
    for host in cluster.hosts:
        host.config.servers = trust.in_pairs([conf.Server(port=AT['port'])])
        first(host)


def start(make, first, memcached_servers=1):
    cluster = make(hosts=1, memcached_servers=memcached_servers,
                   rotation='7d', start=False, workers=1,
                   session_cache=trust.CACHE)
    prepare(cluster, first)
    cluster.start()
    cluster.wait_agreed()
    return cluster


def sessions_of(host, synced=True):
    """A session of each kind, made on this host."""
    return [(way, taker, trust.made(way, taker, host, AT).session)
            for way in trust.WAYS
            if synced or way[1] == trust.TICKET
            for taker in [trust.client(way)]]


def none_resumes(host, made):
    wrong = [(way, result) for way, taker, session in made
             for result in [trust.offered(way, taker, host, session, AT)]
             if result.reused]
    assert not wrong


def all_resume(host, made):
    wrong = [(way, result) for way, taker, session in made
             for result in [trust.offered(way, taker, host, session, AT)]
             if not result.reused]
    assert not wrong


def told(host):
    return len([line for line in host.warnings('ssl_session_sync:')
                if TOLD in line])


@pytest.mark.parametrize('case', UNRELATED)
def test_unrelated(make_cluster, case):
    first, *others = UNRELATED[case]
    cluster = start(make_cluster, first)
    host, = cluster.hosts
    keys, made = host.keys(), sessions_of(host)
    for apply in others:
        apply(host)
        host.reload()
    # it may still see the presence record of its own former secret
    process.wait_until(host.keys, 'a key')
    assert not host.keys() & keys
    none_resumes(host, made)
    all_resume(host, sessions_of(host))
    assert told(host) == 1
    # and no more than what it has now
    keys, made = host.keys(), sessions_of(host)
    host.reload()
    assert keys <= host.keys()
    all_resume(host, made)
    assert told(host) == 1


@pytest.mark.parametrize('case', RELATED)
def test_related(make_cluster, case):
    first, *others = RELATED[case]
    cluster = start(make_cluster, first)
    host, = cluster.hosts
    keys, made = host.keys(), sessions_of(host)
    for apply in others:
        apply(host)
        host.reload()
    assert keys <= host.keys()
    all_resume(host, made)
    assert told(host) == 0


@pytest.mark.parametrize('namespace', [None, 'one'])
def test_without_memcached(make_cluster, namespace):
    """Without memcached there are no secrets, and the namespace is the same.
    """
    cluster = start(make_cluster, change(namespace=namespace), 0)
    host, = cluster.hosts
    keys, made = host.keys(), sessions_of(host, False)
    host.reload()
    assert host.keys() == keys
    all_resume(host, made)
    assert told(host) == 0


def test_without_memcached_and_another_namespace(make_cluster):
    cluster = start(make_cluster, change(namespace='one'), 0)
    host, = cluster.hosts
    keys, made = host.keys(), sessions_of(host, False)
    change(namespace='two')(host)
    host.reload()
    process.wait_until(host.keys, 'a key')
    assert not host.keys() & keys
    none_resumes(host, made)
    assert told(host) == 1


def test_from_staging_to_production(make_cluster):
    """The key of staging is older than that of production, and would be used
    there.
    """
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, memcached_servers=1, rotation='7d',
                           start=False, workers=1, session_cache=trust.CACHE)
    prepare(cluster, change())
    moving, production = cluster.hosts
    change(namespace='staging', secrets=[OLD])(moving)
    change(namespace='production', secrets=[NEW])(production)
    moving.start()
    cluster.wait_agreed([moving])
    staging = moving.keys()
    of_staging = [sessions_of(moving) for _ in range(2)]
    production.start()
    cluster.wait_agreed([production])
    before, of_production = production.keys(), sessions_of(production)

    change(namespace='production', secrets=[NEW])(moving)
    moving.reload()
    cluster.wait_agreed()
    cluster.wait_whole()

    server, = cluster.memcached
    held = {key.short_name
            for key in record.ring_of(server, NEW, 'production')}
    for keys in moving.keys(), production.keys(), held:
        assert not keys & staging
        assert before <= keys
    for host, made in zip(cluster.hosts, of_staging):
        none_resumes(host, made)
    all_resume(moving, of_production)
    assert told(moving) == 1
    assert told(production) == 0
