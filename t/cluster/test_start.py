"""Hosts that start: at the same moment, later, and again."""

from harness import clients, cluster as clusters, process, record


def issue(hosts):
    """Gets a ticket of every host in every version of TLS, as early as
    possible.
    """
    tickets = []
    for host in hosts:
        for version in clients.VERSIONS:
            client = clients.Client(version)
            tickets.append((client, client.full(host).session))
    return tickets


def check(hosts, tickets):
    assert all(resumptions(hosts, tickets))


def resumptions(hosts, tickets):
    """Whether each ticket resumes; no handshake may fail."""
    found = []
    for client, session in tickets:
        for host in hosts:
            result = client.connect(host, session=session)
            assert result.error is None, result
            found.append(result.reused)
    return found


def check_from_the_start(cluster, hosts, tickets):
    """Starts hosts, and checks that their first handshakes resume tickets.

    A host for which memcached is too slow goes on with a key of its own.  On a
    busy machine that may happen as well; such a start shows nothing, and is
    repeated.
    """
    for _ in range(5):
        before = names(cluster, hosts)
        cluster.start()
        resumed = resumptions(hosts, tickets)
        if all(host.keys() <= before for host in hosts):
            assert all(resumed)
            return
        cluster.wait_agreed()
        for host in hosts:
            host.stop()
    raise AssertionError('hosts do not wait for the keys of the cluster')


def names(cluster, starting):
    """The names of the keys of other hosts, or of memcached if its ring can be
    opened.
    """
    running = [host for host in cluster.hosts if host not in starting]
    if running:
        return set().union(*[host.keys() for host in running])
    return {key.short_name for server in cluster.memcached
            for key in record.ring_of(server, cluster.secret)}


def test_simultaneous_start(make_cluster):
    """All hosts start at the same moment with an empty memcached."""
    cluster = make_cluster(hosts=5, rotation='7d')
    tickets = issue(cluster.hosts)
    cluster.wait_agreed()
    check(cluster.hosts, tickets)
    process.wait_until(
        lambda: len({clusters.current_key(host)
                     for host in cluster.hosts}) == 1, 'one encrypting key')
    cluster.wait_whole()


def test_first_handshake_of_a_new_host(make_cluster):
    """A new host has the cluster's keys before its first handshake."""
    cluster = make_cluster(hosts=2, start=False)
    first, second = cluster.hosts
    first.start()
    cluster.wait_whole([first])
    tickets = issue([first])
    check_from_the_start(cluster, [second], tickets)


def test_host_restarts(make_cluster):
    """A host that restarts gets its keys from memcached."""
    cluster = make_cluster(forward_secrecy='off', hosts=1, rotation='7d')
    host = cluster.hosts[0]
    tickets = issue([host])
    cluster.wait_whole()
    host.stop()
    check_from_the_start(cluster, [host], tickets)


def test_host_loses_power(make_cluster):
    cluster = make_cluster(hosts=2, rotation='7d')
    cluster.wait_agreed()
    cluster.wait_whole()
    tickets = issue(cluster.hosts)
    cluster.hosts[0].kill()
    check_from_the_start(cluster, cluster.hosts[:1], tickets)
    check(cluster.hosts, tickets)


def test_all_hosts_restart_while_memcached_stays(make_cluster):
    cluster = make_cluster(forward_secrecy='off', hosts=3, rotation='7d')
    cluster.wait_agreed()
    cluster.wait_whole()
    tickets = issue(cluster.hosts)
    for host in cluster.hosts:
        host.stop()
    check_from_the_start(cluster, cluster.hosts, tickets)


def test_rolling_restarts(make_cluster):
    """Hosts and servers are restarted one by one, and no ticket is lost."""
    cluster = make_cluster(hosts=2, rotation='7d')
    cluster.wait_agreed()
    cluster.wait_whole()
    tickets = issue(cluster.hosts)
    for host, server in zip(cluster.hosts, cluster.memcached):
        server.restart()
        cluster.wait_whole()
        host.stop()
        check_from_the_start(cluster, [host], tickets)
        check(cluster.hosts, tickets)
    process.wait_until(
        lambda: all(host.group()['state'] == 'ok' for host in cluster.hosts),
        'state "ok"')
