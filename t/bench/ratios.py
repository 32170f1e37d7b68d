"""Server CPU per handshake, side by side.

Each round measures every variant of a work once, in an order that changes
from round to round.  A ratio is that of two runs of one round, next to each
other in time; what is told is the median of these ratios and between which
two the middle half of them lies.  Whatever else the machine does can only add
to a run, so the ratio of the cheapest quarters of all runs is told too: it
settles sooner where the machine is not quiet.
"""

import statistics
import time
from dataclasses import dataclass, field

import client

PLAIN, AGAIN, MODULE, OTHER = (
    'plain nginx', 'plain nginx again', 'module', 'module, other host')


@dataclass
class Work:
    """What is measured, and the target of its ratio."""

    title: str
    mode: str
    tls: str
    target: float


WORKS = [
    Work('full handshake, TLS 1.2', 'full', '1.2', 1.01),
    Work('full handshake, TLS 1.3', 'full', '1.3', 1.01),
    Work('ticket resumption, TLS 1.2', 'ticket', '1.2', 1.00),
    Work('ticket resumption, TLS 1.3', 'ticket', '1.3', 1.00),
]


@dataclass
class Variant:
    """Where the sessions of a work come from and go to."""

    label: str
    opened_on: object
    redeemed_on: object


@dataclass
class Series:
    """All rounds of one work and one variant."""

    cpu: list = field(default_factory=list)
    p50: list = field(default_factory=list)
    p99: list = field(default_factory=list)
    worst: float = 0
    handshakes: int = 0
    resumed: int = 0
    tickets: int = 0
    failures: int = 0
    reasons: dict = field(default_factory=dict)

    def add(self, result):
        self.handshakes += result['handshakes']
        self.resumed += result['resumed']
        self.tickets += result['sessions']
        for part in (result, result.get('opened', {})):
            self.failures += part.get('failures', 0)
            for reason, n in part.get('reasons', {}).items():
                self.reasons[reason] = self.reasons.get(reason, 0) + n
        self.cpu.append(result['server_cpu_us'])
        if result['latency_us']:
            self.p50.append(result['latency_us']['p50'])
            self.p99.append(result['latency_us']['p99'])
            self.worst = max(self.worst, result['latency_us']['max'])


def quartiles(numbers):
    if len(numbers) == 1:
        return numbers * 3
    low, middle, high = statistics.quantiles(numbers, n=4,
                                             method='inclusive')
    return low, middle, high


def ratios(series, base):
    return [a / b for a, b in zip(series.cpu, base.cpu) if b]


def cheapest(numbers):
    """The mean of the lowest quarter."""
    return statistics.mean(sorted(numbers)[:max(len(numbers) // 4, 1)])


def variants(work, plain, again, module, other):
    found = [Variant(PLAIN, plain, plain), Variant(AGAIN, again, again),
             Variant(MODULE, module, module)]
    if work.mode != 'full':
        found.append(Variant(OTHER, other, module))
    return found


def measure(site, hosts, rounds, handshakes, seconds, progress):
    """{title: {variant: Series}} of all works, of one round at the least."""
    end = time.monotonic() + seconds
    series = {}
    for work in WORKS:
        found = variants(work, *hosts)
        series[work.title] = {v.label: Series() for v in found}

        # What is done for the first time costs more than it does later.
        for variant in found:
            client.run(variant.opened_on, variant.redeemed_on, work.mode,
                       work.tls, min(handshakes, 100), core=site.other_core)

    for number in range(rounds):
        if number and time.monotonic() > end:
            break
        progress(number, rounds)
        for work in WORKS:
            order = variants(work, *hosts)
            turn = number % len(order)
            order = order[turn:] + order[:turn]
            if number // len(order) % 2:
                order.reverse()
            for variant in order:
                series[work.title][variant.label].add(client.run(
                    variant.opened_on, variant.redeemed_on, work.mode,
                    work.tls, handshakes, [variant.redeemed_on.worker],
                    site.other_core))
    return series
