"""A memcached server that hosts cannot use, and what they do without it."""

from . import clients, process


def server(host, memcached):
    """What the status of a host has about the server."""
    for one in host.group()['servers']:
        if one['address'] == memcached.server:
            return one
    raise KeyError(memcached.server)


def wait_error(host, memcached, text):
    """Waits until the server is down for this reason, in status and log."""
    process.wait_until(
        lambda: server(host, memcached)['state'] == 'down'
        and text in server(host, memcached)['error'],
        '%s to say "%s"' % (host.name, text))
    process.wait_until(lambda: host.warnings(text), 'the log')


def handshakes(host):
    """No handshake fails, and the host resumes its own sessions."""
    for version in clients.VERSIONS:
        client = clients.Client(version)
        session = client.full(host).session
        result = client.connect(host, session=session)
        assert result.error is None and result.reused
