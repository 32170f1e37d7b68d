"""Keys rotate, and no ticket fails within its lifetime."""

from harness import clients, cluster as clusters, load, process, record


def test_rotations_under_load(make_cluster):
    """Five rotations; tickets are offered for more than two of them."""
    cluster = make_cluster(hosts=3, rotation='4s', session_timeout='20s')
    cluster.wait_agreed()
    with load.Load(cluster.hosts, lifetime=10) as steady:
        cluster.wait_rotations(5)
    assert steady.oldest > 8
    assert len(steady.between) == 9


def test_every_host_encrypts_with_the_same_key(make_cluster):
    cluster = make_cluster(hosts=3)
    cluster.wait_agreed()

    def same():
        keys = {clusters.current_key(host) for host in cluster.hosts}
        return len(keys) == 1 and None not in keys

    for _ in range(2):
        process.wait_until(same, 'one encrypting key')
        cluster.wait_rotations(1)


def test_next_key_is_there_before_it_is_needed(make_cluster):
    """Every host has a key before any host encrypts with it."""
    # a busy machine may look seldom
    cluster = make_cluster(hosts=3, rotation='10s')
    cluster.wait_agreed()
    host, known = cluster.hosts[0], set()

    def changed(before):
        known.update(next_key_everywhere(cluster))
        return clusters.current_key(host) not in (None, before)

    for _ in range(2):
        before = clusters.current_key(host)
        process.wait_until(lambda before=before: changed(before),
                           'the next rotation')
        assert clusters.current_key(host) in known


def next_key_everywhere(cluster):
    """The names of next keys that all hosts have."""
    names = [{key['name'] for key in host.group()['keys']
              if key['role'] == 'next'} for host in cluster.hosts]
    return set.intersection(*names)


def test_old_keys_are_forgotten(make_cluster):
    """Hosts and memcached drop keys that no ticket needs any more."""
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, rotation='1s', poll='200ms',
                           session_timeout='2s')
    cluster.wait_agreed()
    first = cluster.hosts[0].keys()
    process.wait_until(
        lambda: not any(host.keys() & first for host in cluster.hosts),
        'the first keys to be forgotten')
    for server in cluster.memcached:
        process.wait_until(
            lambda server=server: not first & {
                k.short_name for k in record.ring_of(server, cluster.secret)},
            'the first keys to leave memcached')


def test_expired_ticket_is_a_full_handshake(make_cluster):
    cluster = make_cluster(forward_secrecy='off',
                           hosts=2, rotation='1s', poll='200ms',
                           session_timeout='1s')
    cluster.wait_agreed()
    for version in clients.VERSIONS:
        client = clients.Client(version)
        session = client.full(cluster.hosts[0]).session

        def refused(client=client, session=session):
            result = client.connect(cluster.hosts[1], session=session)
            assert result.error is None
            return not result.reused

        process.wait_until(refused, 'the ticket to expire')
