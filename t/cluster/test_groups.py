"""Groups: hosts that are let in, groups that meet or die, and generations."""

import ssl

import pytest

from harness import clients, load, process


def group(host):
    return host.group()['group']


def identity(host):
    return group(host).get('id')


def wait_group(hosts):
    """Waits until all are in one group and no host waits to be let in."""
    process.wait_until(
        lambda: len({identity(host) for host in hosts}) == 1
        and all(group(host)['member'] for host in hosts)
        and all(host.group()['state'] == 'ok' for host in hosts),
        'one group')


def issue(hosts):
    """Gets a ticket of each host in each version of TLS, with its client."""
    made = []
    for host in hosts:
        for version in clients.VERSIONS:
            client = clients.Client(version)
            made.append((client, client.full(host).session))
    return made


def issue_ids(hosts):
    """Makes a session by ID on each host."""
    made = []
    for host in hosts:
        client = clients.Client('TLSv1.2')
        client.context.options |= ssl.OP_NO_TICKET
        made.append((client, client.full(host).session))
    return made


def resumed(hosts, made):
    """Returns how many sessions resume; no handshake may fail."""
    count = 0
    for client, session in made:
        for host in hosts:
            result = client.connect(host, session=session)
            assert result.error is None, result
            count += bool(result.reused)
    return count


def all_resume(hosts, made):
    assert resumed(hosts, made) == len(hosts) * len(made)


def test_all_at_once(make_cluster):
    """Hosts that start together on an empty memcached end in one group, and
    their tickets resume everywhere.
    """
    cluster = make_cluster(hosts=5, rotation='7d')
    made = issue(cluster.hosts)
    cluster.wait_agreed()
    wait_group(cluster.hosts)
    all_resume(cluster.hosts, made)
    joins = [group(host)['joins'] for host in cluster.hosts]
    assert sum(join['made'] for join in joins) >= 4
    assert not any(join['refused'] for join in joins)


def test_restarts_one_by_one(make_cluster):
    cluster = make_cluster(hosts=3, rotation='7d')
    cluster.wait_agreed()
    wait_group(cluster.hosts)
    first = identity(cluster.hosts[0])
    made = issue(cluster.hosts)
    for host in cluster.hosts:
        host.stop()
        host.start()
        cluster.wait_agreed()
        wait_group(cluster.hosts)
        assert identity(host) == first
        all_resume(cluster.hosts, made)
    assert sum(group(host)['joins']['answered']
               for host in cluster.hosts) >= 1


@pytest.mark.parametrize('secrecy', ['on', 'off'])
def test_all_down(make_cluster, secrecy):
    """All hosts are down at once: with forward secrecy the keys are lost,
    without it memcached has them.
    """
    cluster = make_cluster(hosts=2, rotation='7d', forward_secrecy=secrecy)
    cluster.wait_agreed()
    cluster.wait_whole()
    made = issue(cluster.hosts)
    for host in cluster.hosts:
        host.stop()
    cluster.start()
    cluster.wait_agreed()
    cluster.wait_whole()
    if secrecy == 'off':
        all_resume(cluster.hosts, made)
        assert not any(group(host)['member'] for host in cluster.hosts)
        return
    wait_group(cluster.hosts)
    assert resumed(cluster.hosts, made) == 0
    all_resume(cluster.hosts, issue(cluster.hosts))


def test_last_member_dies(make_cluster):
    """The only member dies while another host waits to be let in, which then
    founds a group by itself.
    """
    cluster = make_cluster(hosts=2, rotation='7d', poll='1s', start=False)
    member, late = cluster.hosts
    member.start()
    process.wait_until(lambda: group(member)['member'], 'a group')
    before = identity(member)
    process.freeze(*member.workers())
    late.start()
    made = issue([late])
    process.wait_until(lambda: late.group()['state'] == 'joining',
                       'the host to wait')
    member.kill()
    process.wait_until(lambda: group(late)['member'], 'a group of its own')
    assert identity(late) != before
    assert group(late)['joins']['given_up'] == 1
    member.start()
    cluster.wait_agreed()
    wait_group(cluster.hosts)
    all_resume(cluster.hosts, made)


def test_flushed_while_joining(make_cluster):
    cluster = make_cluster(hosts=3, rotation='7d', poll='1s', start=False)
    for host in cluster.hosts[:2]:
        host.start()
    wait_group(cluster.hosts[:2])
    made = issue(cluster.hosts[:2])
    late = cluster.hosts[2]
    late.start()
    for server in cluster.memcached:
        server.flush()
    made += issue([late])
    cluster.wait_agreed()
    wait_group(cluster.hosts)
    all_resume(cluster.hosts, made)


@pytest.mark.usefixtures('needs_cuts')
def test_two_groups_meet(make_cluster):
    """Two groups were founded apart, each with keys of its own: tickets of
    both resume after they have met.
    """
    cluster = make_cluster(hosts=4, rotation='7d', start=False)
    hosts, servers = cluster.hosts, cluster.memcached
    halves = [hosts[:2] + servers[:1], hosts[2:] + servers[1:]]
    for mine, other in (halves, halves[::-1]):
        for machine in mine:
            machine.site.cut_from([m.address for m in other])
    cluster.start()
    wait_group(hosts[:2])
    wait_group(hosts[2:])
    assert identity(hosts[0]) != identity(hosts[2])
    made = issue(hosts)
    for half in halves:
        for machine in half:
            machine.site.heal()
    cluster.wait_agreed()
    wait_group(hosts)
    all_resume(hosts, made)


@pytest.mark.usefixtures('needs_cuts')
def test_half_restarts_during_a_cut(make_cluster):
    """Hosts that restart while they are cut off get the keys of the others
    when they are back.
    """
    cluster = make_cluster(hosts=4, rotation='7d')
    hosts, servers = cluster.hosts, cluster.memcached
    cluster.wait_agreed()
    wait_group(hosts)
    before = identity(hosts[0])
    made = issue(hosts)
    halves = [hosts[:2] + servers[:1], hosts[2:] + servers[1:]]
    for mine, other in (halves, halves[::-1]):
        for machine in mine:
            machine.site.cut_from([m.address for m in other])
    for host in hosts[:2]:
        host.kill()
    for host in hosts[:2]:
        host.start()
    wait_group(hosts[:2])
    assert identity(hosts[0]) != before
    made += issue(hosts[:2])
    for half in halves:
        for machine in half:
            machine.site.heal()
    cluster.wait_agreed()
    wait_group(hosts)
    assert identity(hosts[0]) == before
    all_resume(hosts, made)


def test_settings_differ(make_cluster):
    """Hosts with different values of forward_secrecy report that, and do no
    harm to each other.
    """
    cluster = make_cluster(hosts=3, start=False)
    odd, others = cluster.hosts[0], cluster.hosts[1:]
    odd.config.groups[0].forward_secrecy = 'off'
    cluster.start()
    wait_group(others)
    process.wait_until(lambda: all(group(host)['mixed']
                                   for host in cluster.hosts),
                       'the status of all to say so')
    for host in cluster.hosts:
        process.wait_until(lambda host=host: host.warnings(
            'have "forward_secrecy'), 'the log to say so')
    process.wait_until(lambda: all(host.group()['state'] == 'ok'
                                   for host in cluster.hosts),
                       'all to be well')
    assert not any(host.group()['foreign_secret'] for host in cluster.hosts)
    assert resumed(others, issue([odd])) == 0
    assert resumed([odd], issue(others)) == 0
    # who has just come into the group may have used a key of its own
    cluster.wait_agreed(others)
    with load.Load([odd], lifetime=250), load.Load(others, lifetime=250):
        cluster.wait_rotations(1, odd)
        cluster.wait_rotations(1, others[0])
    odd.config.groups[0].forward_secrecy = 'on'
    odd.reload()
    cluster.wait_agreed()
    wait_group(cluster.hosts)
    all_resume(cluster.hosts, issue(cluster.hosts))


def test_settings_differ_with_clocks(make_cluster):
    """One thing that is wrong does not keep another out of the log."""
    cluster = make_cluster(hosts=2, start=False)
    host, odd = cluster.hosts
    host.shift_clock('+60')
    host.start()
    process.wait_until(lambda: host.warnings('the clock of this host'),
                       'the log to speak of the clock')
    odd.config.groups[0].forward_secrecy = 'off'
    odd.start()
    # less than the minute after which all is said again
    process.wait_until(lambda: host.warnings('have "forward_secrecy'),
                       'the log to speak of the setting', 40)


@pytest.mark.parametrize('secrecy', ['on', 'off'])
@pytest.mark.usefixtures('needs_cuts')
def test_generation(make_cluster, secrecy):
    """Raised on one host: older sessions resume nowhere, and never again.

    Not in the caches of the hosts that have made them, not on a host that was
    cut off, and not when everybody is back with the old configuration.
    """
    cluster = make_cluster(hosts=8, rotation='7d', forward_secrecy=secrecy,
                           session_cache='shared:sessions:1m')
    hosts = cluster.hosts
    first, lonely = hosts[0], hosts[-1]
    cluster.wait_agreed()
    cluster.wait_whole()
    old = issue(hosts)
    by_id = issue_ids(hosts)
    all_resume(hosts, old + by_id)
    names = first.keys()

    lonely.site.cut_from([m.address for m in cluster.memcached])
    process.wait_until(lambda: lonely.group()['state'] == 'cut off',
                       'the host to be alone')

    near = hosts[:-1]
    with load.Load(near, lifetime=250, must_resume=False), \
            load.Load([lonely], lifetime=250, must_resume=False):
        first.config.groups[0].generation = 2
        first.reload()

        def polls():
            return [host.group()['servers'][0]['polls'] for host in near]

        before = polls()
        process.wait_until(lambda: all(now >= then + 3 for now, then
                                       in zip(polls(), before)), 'two polls')
        for host in near:
            assert host.group()['generation']['in_force'] == 2
            assert not host.keys() & names
        assert resumed(near, old) == 0
        assert resumed(near, by_id) == 0

        # who was cut off does not know, and drops its keys when it does

        assert lonely.group()['generation']['in_force'] == 1
        assert lonely.keys() & names
        lonely.site.heal()
        cluster.wait_agreed()
        assert lonely.group()['generation']['in_force'] == 2
        assert resumed(hosts, old) == 0
        assert resumed(hosts, by_id) == 0

    for host in hosts[1:]:
        assert host.group()['generation'] == {'configured': 1, 'in_force': 2}
    fresh = issue(hosts)
    all_resume(hosts, fresh)

    # everybody starts anew with what was there before

    first.config.groups[0].generation = 1
    for host in hosts:
        host.kill()
        host.start()
    cluster.wait_agreed()
    for host in hosts:
        assert host.group()['generation']['in_force'] == 2
        assert not host.keys() & names
    assert resumed(hosts, old) == 0
    assert resumed(hosts, by_id) == 0
    all_resume(hosts, fresh)


def test_generation_without_memcached(make_cluster):
    """A reload with a higher generation drops keys, and the sessions in
    nginx's own cache.
    """
    cluster = make_cluster(hosts=1, memcached_servers=0, rotation='7d',
                           session_cache='shared:sessions:1m')
    host, = cluster.hosts
    old = issue([host]) + issue_ids([host])
    all_resume([host], old)
    host.config.groups[0].generation = 3
    host.reload()
    assert resumed([host], old) == 0
    host.config.groups[0].generation = 1
    host.reload()
    assert host.group()['generation'] == {'configured': 1, 'in_force': 3}
    assert resumed([host], old) == 0


def test_secret_changes_while_hosts_join(make_cluster):
    """A secret is changed in three steps, and a host restarts in each of them.
    """
    cluster = make_cluster(hosts=3)
    old, new = cluster.secret, 'a1' * 16 + 'b2' * 16
    cluster.wait_agreed()
    wait_group(cluster.hosts)
    first = identity(cluster.hosts[0])
    made = issue(cluster.hosts)
    for lines in ([old, new], [new, old], [new]):
        for host in cluster.hosts:
            host.config.groups[0].secrets = lines
            if host is cluster.hosts[1]:
                host.stop()
                host.start()
            else:
                host.reload()
            cluster.wait_agreed()
            wait_group(cluster.hosts)
            made += issue([host])
    assert {identity(host) for host in cluster.hosts} == {first}
    all_resume(cluster.hosts, made)
