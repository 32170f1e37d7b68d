"""The rule: resumption opens nothing that a full handshake would not open.

A meeting is a client at a server: the server that nginx selects for the last
ClientHello, and what they agreed on.  May the session made at one meeting
resume at another?
"""


def matches(pattern, name):
    """A wildcard is a whole first label, with two more behind it."""
    label, _, rest = name.partition('.')
    if pattern.startswith('*.') and pattern.count('.') >= 2:
        return bool(label) and rest == pattern[2:]
    return pattern == name


def scope(meeting):
    configured = meeting.server.scope
    return meeting.kind if configured == 'auto' else 'string ' + configured


def rules(server):
    """How a server looks at clients; of one that does not, nothing counts."""
    return server.verify != 'off' and (server.verify, server.depth,
                                       server.authorities)


def revoked(server, client):
    return (client.root in server.authorities
            and bool(client.chain & server.revoked))


def refused(meeting, client):
    """Has the client's certificate failed?  Not if unknown and that is fine.
    """
    untrusted = client.root not in meeting.server.authorities
    return (untrusted and meeting.server.verify != 'optional_no_ca'
            or client.short and meeting.late
            or revoked(meeting.server, client))


def left_to_nginx(made, now):
    """Neither synchronises: it may do what plain nginx does, or less."""
    return made.server.sync == now.server.sync == 'off'


def refusals(made, now, client):
    """Every reason why not.  None: it may resume, and it has to."""
    certain = now.name and any(matches(pattern, now.name)
                               for pattern in now.server.names)
    shown = client.root and made.server.verify != 'off'
    return [reason for reason, holds in (
        ('cluster', made.server.sync != now.server.sync
         or 'off' in (made.server.sync, now.server.sync)),
        ('name', made.name != now.name),
        ('certificate', not certain and made.server.names != now.server.names),
        ('scope', scope(made) != scope(now)),
        ('client rules', rules(made.server) != rules(now.server)),
        ('refused before', shown and refused(made, client)),
        ('expired', shown and client.short and now.late),
        ('revoked', shown and revoked(now.server, client)),
        ('cipher', made.version == '12'
         and made.cipher not in now.server.ciphers),
        ('version', made.version != now.version)) if holds]
