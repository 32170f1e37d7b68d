"""Server CPU per handshake, side by side, slice by slice.

What a handshake costs on a machine that others use, too, changes by half
within seconds.  So a round does not measure one variant after the other: each
has a client of its own that has opened its sessions, and they take turns,
each for a slice of a few milliseconds, in an order that changes from step to
step.  A ratio is that of two slices of one step.  What is told is the median
of the ratios of all steps of all rounds, between which two the middle half of
them lies, and an interval that has the true median in it in 95 of 100 runs.

Whatever else the machine does can only add to a slice, so the ratio of the
cheapest quarters of all slices is told too.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import client

PLAIN, AGAIN, MODULE, OTHER, APART = (
    'plain nginx', 'plain nginx again', 'module', 'module, other host',
    'memcached apart')


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
    """All slices of one row and one variant."""

    cpu: list = field(default_factory=list)     # of each slice
    latency: dict = field(default_factory=dict)
    split: dict = field(default_factory=dict)
    rate: list = field(default_factory=list)
    handshakes: int = 0
    resumed: int = 0
    tickets: int = 0
    failures: int = 0
    unfinished: int = 0
    reasons: dict = field(default_factory=dict)

    def add(self, result, counted):
        self.handshakes += result['handshakes']
        self.resumed += result['resumed']
        self.tickets += result['sessions']
        for part in (result, result.get('opened', {})):
            self.failures += part.get('failures', 0)
            for reason, n in part.get('reasons', {}).items():
                self.reasons[reason] = self.reasons.get(reason, 0) + n
        self.unfinished += not result['complete']
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


def interval(numbers):
    """Between which two the median is with a probability of 95 %.

    By the number of them that would be below it, as of coins thrown: whatever
    the numbers' distribution is.  None where there are too few.
    """
    n = len(numbers)
    below, k = 1, 0
    while below * 40 <= 2 ** n:
        k += 1
        below += math.comb(n, k)
    if not k:
        return None
    numbers = sorted(numbers)
    return [numbers[k - 1], numbers[n - k]]


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
    return client.run(
        variant.opened_on, variant.redeemed_on, variant.mode, row.tls,
        handshakes, list(variant.counted), core, row.in_flight)


@dataclass
class Plan:
    """How long to measure, and how."""

    rounds: int
    slices: int                 # a round
    handshakes: int             # a slice
    seconds: float              # after which no other round begins
    core: int | None            # of the clients

    def slice(self, row):
        """At the ends of a slice fewer are in flight than the row says."""
        return max(self.handshakes, 4 * row.in_flight)

    def steps(self, row):
        """Fewer where slices are long; one is the rehearsal."""
        return 1 + (self.slices if self.slice(row) == self.handshakes
                    else (self.slices + 1) // 2)


def turned(variants, number):
    """An order that each place comes round in, and each pair both ways."""
    turn = number % len(variants)
    order = variants[turn:] + variants[:turn]
    if number // len(variants) % 2:
        order.reverse()
    return order


def one_round(row, series, plan, number):
    """The first slice is a rehearsal, and is checked but not timed."""
    n, steps = plan.slice(row), plan.steps(row)
    with contextlib.ExitStack() as stack:
        running = [(variant, stack.enter_context(client.Client(
            variant.opened_on, variant.redeemed_on, variant.mode, row.tls,
            n * steps, list(variant.counted), plan.core,
            row.in_flight, time=600, freeze=variant.freeze)))
            for variant in turned(row.variants, number)]
        for step in range(steps):
            for variant, one in turned(running, step):
                took = one.step(n)
                if step:
                    series[variant.label].cpu.append(
                        sum(took['cpu_us_by_pid'].values())
                        / max(took['handshakes'], 1))
        for variant, one in running:
            series[variant.label].add(one.end(), variant.counted)
    for variant in row.variants:
        if variant.after:
            variant.after()


def measure(rows, plan, progress):
    """[(row, {variant: Series})], of one round at the least."""
    end = time.monotonic() + plan.seconds
    found = [(row, {v.label: Series() for v in row.variants})
             for row in rows]
    for number in range(plan.rounds):
        if number and time.monotonic() > end:
            break
        for row, series in found:
            progress('round %d of %d: %s' % (number + 1, plan.rounds,
                                             row.title))
            one_round(row, series, plan, number)
    return found
