"""Rows: early data, accepted once by the whole fleet or each time.

Latency is until the first byte of the answer.  "resumed" is how many flights
were accepted; of rows with a round trip, how many tickets were resumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import client
import ratios
from hosts import until
from ratios import AGAIN, MODULE, OTHER, PLAIN, Row, Variant

MORE = 'ssl_early_data on;'
WELL, FROZEN = 'early data', 'early data, frozen'
ROUND_TRIP = ', 1-RTT'
LEAST = 0.99            # the share of flights that has to be accepted
RATE = 250              # clients a second at a steady load
BEYOND_US = 500         # target of the latency beyond that of plain nginx
READY = 120             # seconds until early data has to be accepted


@dataclass
class Load:
    """How many clients there are at a time."""

    what: str
    in_flight: int
    target: float | None = None
    rate: float | None = None

    def title(self, where):
        return '%s, %s' % (where, self.what)


STEADY = '%d a second' % RATE
LOADS = (Load('1 in flight', 1), Load('8 in flight', 8, 1.15),
         Load('32 in flight', 32, 1.15), Load(STEADY, 16, rate=RATE))


def wanted():
    """Whether BENCH_ONLY selects any of the rows."""
    return any(ratios.wanted('Early data, %s: %s' % (
        load.title(where), label + trip))
               for load in LOADS for where in (WELL, FROZEN)
               for label in (PLAIN, AGAIN, MODULE, OTHER)
               for trip in ('', ROUND_TRIP))


def _counted(host, memcached=None):
    found = host.counted()
    if memcached:
        found[memcached.process.pid] = 'memcached'
    return found


def _accepted(host):
    return client.run(host.address, host.address, 'early', '1.3',
                      1)['resumed'] == 1


def wait(*hosts):
    """Until early data is accepted: logs of claims have to be old enough."""
    for host in hosts:
        until(lambda host=host: _accepted(host),
              host.label + ' accepting early data', READY)


def counts(*hosts):
    """What became of early data, as the hosts have counted it."""
    found = {}
    for host in hosts:
        for name, n in host.status()['clusters'][0]['early_data'].items():
            found[name] = found.get(name, 0) + n
    return found


def rows(plain, again, module, other, quick, memcached, freezing):
    """"quick" has the default lookup_timeout and a memcached of its own, which
    is frozen while all variants of a row take their turns.
    """
    def plain_ones(*modes):
        both = {'early': Variant(PLAIN, again.address, plain.address,
                                 _counted(plain), 'early', True),
                'late': Variant(PLAIN + ROUND_TRIP, again.address,
                                plain.address, _counted(plain), 'late', True,
                                aimed=False)}
        return [both[mode] for mode in modes]

    def mended():
        until(quick.asks, quick.label + ' asking memcached again')
        wait(quick)

    def healthy():
        return [
            *plain_ones('early'),
            Variant(AGAIN, plain.address, again.address, _counted(again),
                    'early', True, aimed=False),
            Variant(OTHER, other.address, module.address,
                    _counted(module, memcached), 'early', None, LEAST),
            Variant(MODULE + ROUND_TRIP, other.address, module.address,
                    _counted(module), 'late', True, aimed=False),
            *plain_ones('late')]

    def frozen():
        return [
            *plain_ones('early'),
            Variant(MODULE, quick.address, quick.address, _counted(quick),
                    'early', False, freeze=[freezing.process.pid],
                    after=mended),
            Variant(MODULE + ROUND_TRIP, quick.address, quick.address,
                    _counted(quick), 'late', True),
            *plain_ones('late')]

    return [Row(load.title(where), '1.3',
                load.target if where == WELL else None, make(),
                in_flight=load.in_flight, rate=load.rate)
            for where, make in ((WELL, healthy), (FROZEN, frozen))
            for load in LOADS]


def offered(row):
    """Whether early data was offered."""
    return not row['variant'].endswith(ROUND_TRIP)


def complaints(before, after, rows_):
    """Where hosts have counted other flights than clients."""
    asked = [row for row in rows_ if row['variant'] == OTHER]
    clients = sum(row['resumed'] for row in asked)
    hosts = after['accepted'] - before['accepted']
    # a client does not know of a flight that failed what became of it
    most = clients + sum(row['failures'] for row in asked)
    if clients <= hosts <= most:
        return []
    return ['Early data: clients have seen %d flights accepted, hosts %d'
            % (clients, hosts)]


def _ratio(row, base):
    each = [a / b for a, b in zip(row['slices_cpu_us'],
                                  base['slices_cpu_us']) if b]
    return ratios.middle(each), ratios.interval(each)


def _beyond(row, base):
    """Microseconds between the middle latencies of two rows."""
    each = [a - b for a, b in zip(row['slices_p50_us'],
                                  base['slices_p50_us'])]
    return ratios.middle(each), ratios.interval(each)


def _beside(row, base):
    if base is None or base is row:
        return None
    found = {'ratio': _ratio(row, base), 'beyond_us': {
        'p50': _beyond(row, base)}, 'times': {}}
    for name in ('p50', 'p99'):
        a, b = row['latency_us'].get(name, 0), base['latency_us'].get(name, 0)
        found['times'][name] = a / (b or 1)
        found['beyond_us'].setdefault(name, (a - b, None))
    return found


def compared(rows_):
    """[(row, {label of plain nginx: how the row is beside it})]"""
    works = {}
    for row in rows_:
        works.setdefault(row['work'], {})[row['variant']] = row
    return [(row, {name: _beside(row, works[row['work']].get(name))
                   for name in (PLAIN, PLAIN + ROUND_TRIP)})
            for row in rows_]


def steady(rows_):
    """How the module is beside plain nginx at a steady load; None if it was
    not measured.
    """
    for row, beside in compared(rows_):
        if (row['variant'] == OTHER and row['work'].endswith(STEADY)
                and beside[PLAIN]):
            return row, beside[PLAIN]
    return None
