"""A wrong cluster secret, and a change of the secret."""

import secrets

from harness import clients, load, process, record


def refuse(client, host, session):
    result = client.connect(host, session=session)
    assert result.error is None and not result.reused


def alone(host):
    """The lines of the error log that say that the host is alone."""
    return host.warnings('ssl_session_sync: this host is alone')


def test_wrong_secret(make_cluster):
    """A host with another secret serves alone, says so, and does no harm."""
    cluster = make_cluster(hosts=3, start=False)
    wrong, others = cluster.hosts[0], cluster.hosts[1:]
    wrong.config.groups[0].secrets = [secrets.token_hex(32)]
    cluster.start()
    process.wait_until(lambda: wrong.group()['state'] == 'alone',
                       'state "alone"')
    cluster.wait_agreed(others)
    assert wrong.group()['foreign_secret']
    process.wait_until(lambda: alone(wrong), 'an error in the log')

    with load.Load([wrong], lifetime=250), load.Load(others, lifetime=250):
        cluster.wait_rotations(2)
    cluster.wait_agreed(others)

    assert all(host.group()['state'] == 'ok' for host in others)
    assert not any(alone(host) for host in others)
    assert not wrong.keys() & others[0].keys()
    for version in clients.VERSIONS:
        client = clients.Client(version)
        refuse(client, others[0], client.full(wrong).session)
        refuse(client, wrong, client.full(others[0]).session)


def test_wrong_secret_is_told_once_a_minute(make_cluster):
    """The warning comes once a minute; the hosts' clocks run fast."""
    cluster = make_cluster(hosts=2, rotation='7d', start=False)
    wrong = cluster.hosts[0]
    wrong.config.groups[0].secrets = [secrets.token_hex(32)]
    for host in cluster.hosts:
        host.shift_clock('+0', timers=True)
    cluster.start()

    def polls():
        return wrong.group()['servers'][0]['polls']

    process.wait_until(lambda: alone(wrong), 'an error in the log')
    for minute in (1, 2, 3):
        before = polls()
        process.wait_until(lambda before=before: polls() > before + 5,
                           'a few polls')
        assert len(alone(wrong)) == minute
        for host in cluster.hosts:
            host.shift_clock('+%d' % (61 * minute), timers=True)
        process.wait_until(lambda minute=minute: len(alone(wrong)) > minute,
                           'one more error')
    assert wrong.group()['state'] == 'alone'


def test_wrong_secret_is_put_right(make_cluster):
    cluster = make_cluster(hosts=2, rotation='7d', start=False)
    wrong = cluster.hosts[0]
    wrong.config.groups[0].secrets = [secrets.token_hex(32)]
    cluster.start()
    process.wait_until(lambda: wrong.group()['state'] == 'alone',
                       'state "alone"')
    wrong.config.groups[0].secrets = [cluster.secret]
    wrong.reload()
    cluster.wait_agreed()
    assert wrong.group()['state'] == 'ok'


def test_change_of_secret(make_cluster):
    """A secret is added, moved to the top, and the old one removed, host by
    host under load.
    """
    cluster = make_cluster(forward_secrecy='off', hosts=3)
    old, new = cluster.secret, secrets.token_hex(32)
    cluster.wait_agreed()

    with load.Load(cluster.hosts, lifetime=250) as steady:
        for lines in ([old, new], [new, old], [new]):
            for host in cluster.hosts:
                host.config.groups[0].secrets = lines
                host.reload()
            cluster.wait_rotations(1)
            cluster.wait_agreed()
    assert steady.resumed > 100

    server = cluster.memcached[0]
    held = {key.short_name for key in record.ring_of(server, new)}
    assert held >= cluster.hosts[0].keys()
