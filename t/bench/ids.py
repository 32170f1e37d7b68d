"""Rows: sessions by ID, compared with plain nginx and its shared cache.

A forged ID is compared with an ordinary full handshake of the same server.
"""

from hosts import until
from ratios import AGAIN, APART, MODULE, OTHER, PLAIN, Row, Variant

VERSIONS = ('1.2', '1.3')
IN_FLIGHT = ((1, 1.25), (8, 1.10), (32, 1.10), (128, 1.10))


def address(host, tls):
    """In TLS 1.3 there are session IDs only without tickets."""
    return host.address if tls == '1.2' else host.ticketless


def variant(label, tls, mode, resumes, opened, redeemed, memcached=None,
            **more):
    counted = redeemed.counted()
    if memcached:
        counted[memcached.process.pid] = 'memcached'
    return Variant(label, address(opened, tls), address(redeemed, tls),
                   counted, mode, resumes, **more)


def rows(plain, again, module, other, memcached, apart, quick):
    """"apart" are two hosts whose memcached is on the core of the client.

    "quick" are two hosts with the default lookup_timeout and a memcached of
    their own, which is frozen while all variants take their turns.
    """
    found = []
    for tls in VERSIONS:
        def row(title, target, *variants, tls=tls, **more):
            found.append(Row('%s, TLS %s' % (title, tls), tls, target,
                             list(variants), **more))

        def plain_ones(mode, resumes, tls=tls):
            return [variant(PLAIN, tls, mode, resumes, plain, plain),
                    variant(AGAIN, tls, mode, resumes, again, again)]

        row('full handshake, session stored', 1.05,
            *plain_ones('full-id', False),
            variant(MODULE, tls, 'full-id', False, module, module, memcached))
        row('ID, same host', 1.02, *plain_ones('id', True),
            variant(MODULE, tls, 'id', True, module, module, memcached))
        for in_flight, target in IN_FLIGHT:
            row('ID, other host, %d in flight' % in_flight, target,
                *plain_ones('id', True),
                variant(OTHER, tls, 'id', True, other, module, memcached),
                variant(APART, tls, 'id', True, apart.there, apart.here,
                        apart.memcached),
                in_flight=in_flight)
        row('forged ID', 1.05,
            variant(MODULE, tls, 'full-id', False, module, module, memcached),
            variant(MODULE + ' again', tls, 'full-id', False, other, other,
                    memcached),
            variant(MODULE + ', forged', tls, 'forged', False, module, module,
                    memcached))
        row('forged ID, plain nginx', None,
            *plain_ones('full-id', False),
            variant(PLAIN + ', forged', tls, 'forged', False, plain, plain))

        def mended():
            for host in quick.here, quick.there:
                until(host.asks, host.label + ' asking memcached again')

        row('ID, memcached frozen', None,
            *plain_ones('full-id', False),
            variant(OTHER, tls, 'id', None, quick.there, quick.here,
                    quick.memcached, freeze=[quick.memcached.process.pid],
                    after=mended))
    return found
