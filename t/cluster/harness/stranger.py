"""Somebody who is no host, asks at the door of a group, and is let in.

It has the secret, and makes its request as docs/internals.md describes it.
"""

import hmac
import os

from . import hpke, process

MINUTE = 60


def request(opener, label, private):
    """A request for the group of a label, without X-Wing."""
    body = (b'SSSJ\1\1\0\0' + label.generation.to_bytes(4, 'big') + bytes(4)
            + label.group + hpke.public_of(private))
    return body + hmac.digest(opener.join_key,
                              body + opener.namespace, 'sha256')[:16]


def join(opener, server):
    """Asks on one memcached server; returns the state of its group."""
    private = os.urandom(32)
    label = process.wait_until(
        lambda: opener.label(server.get(opener.ring) or b''),
        'a ring at ' + server.name)
    asked = request(opener, label, private)
    with server.connect() as c:
        slot = process.wait_until(
            lambda: next((name for name in opener.door
                          if c.ask('add %s 0 %d %d' % (name, MINUTE,
                                                       len(asked)),
                                   asked) == 'STORED'), None),
            'a free slot at the door')
        answer = process.wait_until(
            lambda: opener.answer(c.get(slot) or b''),
            'a member to answer')
        # what a host writes that has been let in
        c.set(slot, b'-', 1)
    return opener.open_answer(answer, private)
