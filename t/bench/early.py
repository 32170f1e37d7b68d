"""Rows: early data, accepted once by the whole fleet or each time.

Latency is until the first byte of the answer.  "resumed" is how many flights
were accepted.
"""

import client
from hosts import until
from ratios import AGAIN, MODULE, OTHER, PLAIN, Row, Variant

MORE = 'ssl_early_data on;'
IN_FLIGHT = ((1, None), (8, 1.15), (32, 1.15))
ROUND_TRIP = ', 1-RTT'


def _counted(host, memcached=None):
    found = host.counted()
    if memcached:
        found[memcached.process.pid] = 'memcached'
    return found


def wait(*hosts):
    """Until early data is accepted: logs of claims have to be old enough."""
    for host in hosts:
        until(lambda host=host: client.run(
            host.address, host.address, 'early', '1.3', 1)['resumed'] == 1,
            host.label + ' accepting early data', 60)


def rows(plain, again, module, other, quick, memcached, freezing):
    found = []
    for in_flight, target in IN_FLIGHT:
        found.append(Row(
            'early data, %d in flight' % in_flight, '1.3', target, [
                Variant(PLAIN, plain.address, plain.address, _counted(plain),
                        'early', True),
                Variant(AGAIN, again.address, again.address, _counted(again),
                        'early', True),
                Variant(MODULE, module.address, module.address,
                        _counted(module, memcached), 'early', None),
                Variant(OTHER, other.address, module.address,
                        _counted(module, memcached), 'early', None),
                Variant(MODULE + ROUND_TRIP, module.address, module.address,
                        _counted(module), 'late', True),
                Variant(PLAIN + ROUND_TRIP, plain.address, plain.address,
                        _counted(plain), 'late', True)],
            in_flight=in_flight))
    for in_flight, _ in IN_FLIGHT:
        found.append(Row(
            'early data, memcached frozen, %d in flight' % in_flight, '1.3',
            None, [
                Variant(PLAIN, plain.address, plain.address, _counted(plain),
                        'early', True),
                Variant(MODULE, quick.address, quick.address,
                        _counted(quick), 'early', None,
                        freeze=[freezing.process.pid])],
            in_flight=in_flight))
    return found
