"""Server CPU per handshake, side by side.

Each round measures every variant of a row once, in an order that changes
from round to round.  A ratio is that of two runs of one round, next to each
other in time; what is told is the median of these ratios and between which
two the middle half of them lies.  Whatever else the machine does can only add
to a run, so the ratio of the cheapest quarters of all runs is told too: it
settles sooner where the machine is not quiet.
"""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import client

PLAIN, AGAIN, MODULE, OTHER = (
    'plain nginx', 'plain nginx again', 'module', 'module, other host')


@dataclass
class Variant:
    """Where the sessions of a row come from and go to."""

    label: str
    opened_on: str              # addresses
    redeemed_on: str
    counted: dict               # {pid: name of the process}
    mode: str
    resumes: bool | None        # None: some may
    freeze: list = field(default_factory=list)
    after: Callable | None = None


@dataclass
class Row:
    """What is measured side by side; the first variant is the base."""

    title: str
    tls: str
    target: float | None
    variants: list
    in_flight: int = 16
    same_tickets: bool = False  # all variants hand out as many
    cannot: dict = field(default_factory=dict)  # {label: why}


@dataclass
class Series:
    """All rounds of one row and one variant."""

    cpu: list = field(default_factory=list)
    latency: dict = field(default_factory=dict)
    split: dict = field(default_factory=dict)
    rate: list = field(default_factory=list)
    handshakes: int = 0
    resumed: int = 0
    tickets: int = 0
    failures: int = 0
    reasons: dict = field(default_factory=dict)

    def add(self, result, counted):
        self.handshakes += result['handshakes']
        self.resumed += result['resumed']
        self.tickets += result['sessions']
        for part in (result, result.get('opened', {})):
            self.failures += part.get('failures', 0)
            for reason, n in part.get('reasons', {}).items():
                self.reasons[reason] = self.reasons.get(reason, 0) + n
        self.cpu.append(result['server_cpu_us'])
        self.rate.append(result['handshakes'] / result['wall_s'])
        for name, value in result['latency_us'].items():
            self.latency.setdefault(name, []).append(value)
        for name, value in by_thread(result, counted).items():
            self.split.setdefault(name, []).append(value)


def by_thread(result, counted):
    """CPU of each process's main thread, and of its other ones."""
    found = {}
    for pid, tid, used in result['server_cpu_us_by_thread']:
        name = counted[pid]
        if tid != pid and name != 'memcached':
            name += ', other threads'
        found[name] = found.get(name, 0) + used
    return found


def quartiles(numbers):
    if len(numbers) == 1:
        return numbers * 3
    low, middle, high = statistics.quantiles(numbers, n=4,
                                             method='inclusive')
    return low, middle, high


def middle(numbers):
    return statistics.median(numbers) if numbers else 0


def ratios(series, base):
    return [a / b for a, b in zip(series.cpu, base.cpu) if b]


def cheapest(numbers):
    """The mean of the lowest quarter."""
    return statistics.mean(sorted(numbers)[:max(len(numbers) // 4, 1)])


def wanted(text):
    """Whether BENCH_ONLY selects this."""
    return re.search(os.environ.get('BENCH_ONLY') or '', text) is not None


def chosen(rows, title):
    """The rows and variants that BENCH_ONLY selects, bases included."""
    found = []
    for row in rows:
        base, *rest = row.variants
        rest = [v for v in rest
                if wanted('%s, %s: %s' % (title, row.title, v.label))]
        if rest or wanted('%s, %s: %s' % (title, row.title,
                                          base.label)):
            row.variants = [base, *rest]
            found.append(row)
    return found


def once(row, variant, handshakes, core):
    result = client.run(
        variant.opened_on, variant.redeemed_on, variant.mode, row.tls,
        handshakes, list(variant.counted), core, row.in_flight,
        freeze=variant.freeze)
    if variant.after:
        variant.after()
    return result


def measure(rows, rounds, handshakes, seconds, core, progress):
    """[(row, {variant: Series})], of one round at the least."""
    end = time.monotonic() + seconds
    found = [(row, {v.label: Series() for v in row.variants})
             for row in rows]

    # What is done for the first time costs more than it does later.
    for row in rows:
        for variant in row.variants:
            if not variant.freeze:
                once(row, variant, min(handshakes, 100), core)

    for number in range(rounds):
        if number and time.monotonic() > end:
            break
        for row, series in found:
            progress('round %d of %d: %s' % (number + 1, rounds, row.title))
            order = row.variants[:]
            turn = number % len(order)
            order = order[turn:] + order[:turn]
            if number // len(order) % 2:
                order.reverse()
            for variant in order:
                series[variant.label].add(
                    once(row, variant, handshakes, core), variant.counted)
    return found
