"""CPU time of the server per handshake, side by side, slice by slice.

On a machine that others use as well, the cost of a handshake changes by half
within seconds.  So variants are not measured one after the other.  Each has a
client of its own that has opened its sessions, and they take turns, each for a
slice of a few milliseconds, in an order that changes from step to step.  A
ratio is that of two slices of one step.  The result is the median of the
ratios of all steps of all rounds, the two ratios between which the middle half
of them lies, and an interval that contains the true median in 95 of 100 runs.

Whatever else the machine does can only add to a slice, so the ratio of the
cheapest quarters of all slices is shown as well.
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
# plain nginx has no sessions of another host
HOME = PLAIN + ', same host'


@dataclass
class Variant:
    """Which sessions a row has, and where they are opened and resumed."""

    label: str
    opened_on: str              # addresses
    redeemed_on: str
    counted: dict               # {pid: name of the process}
    mode: str
    resumes: bool | None        # whether all must resume; None: some may
    least: float = 0            # the share that must, if some may
    aimed: bool = True          # the target of the row is for it as well
    freeze: list = field(default_factory=list)
    after: Callable | None = None


@dataclass
class Row:
    """What is measured side by side; the other variants are compared with the
    first.
    """

    title: str
    tls: str
    target: float | None
    variants: list
    in_flight: int = 16
    rate: float | None = None   # handshakes started a second
    same_tickets: bool = False  # all variants issue the same number of tickets
    # {label: why it cannot do this}
    cannot: dict = field(default_factory=dict)


@dataclass
class Series:
    """All slices of a row and a variant."""

    cpu: list = field(default_factory=list)     # of each slice
    p50: list = field(default_factory=list)     # the same
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
    """CPU time of each process's main thread, and of its other threads."""
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
    """The interval that contains the median with a probability of 95 %.

    It follows from how many of the numbers are below the median, as with coins
    that are thrown, whatever their distribution is.  None if there are too few
    numbers.
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
    """The mean of the lowest quarter of the numbers."""
    return statistics.mean(sorted(numbers)[:max(len(numbers) // 4, 1)])


def wanted(text):
    """Whether BENCH_ONLY selects this row and variant."""
    return re.search(os.environ.get('BENCH_ONLY') or '', text) is not None


def chosen(rows, title):
    """The rows and variants that BENCH_ONLY selects, including their bases."""
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
    """How long to measure."""

    rounds: int
    slices: int                 # in a round
    handshakes: int             # in a slice
    seconds: float              # after which no further round begins
    core: int | None            # of the clients

    def slice(self, row):
        """At the ends of a slice fewer handshakes are in flight than the row
        says.
        """
        return max(self.handshakes, 4 * row.in_flight)

    def steps(self, row):
        """Fewer steps if slices are long; the first one is a rehearsal."""
        return 1 + (self.slices if self.slice(row) == self.handshakes
                    else (self.slices + 1) // 2)


def turned(variants, number):
    """An order in which every place comes around, and every pair in both
    orders.
    """
    turn = number % len(variants)
    order = variants[turn:] + variants[:turn]
    if number // len(variants) % 2:
        order.reverse()
    return order


def one_round(row, series, plan, number):
    """The first slice is a rehearsal, which is checked but not timed."""
    n, steps = plan.slice(row), plan.steps(row)
    with contextlib.ExitStack() as stack:
        running = [(variant, stack.enter_context(client.Client(
            variant.opened_on, variant.redeemed_on, variant.mode, row.tls,
            n * steps, list(variant.counted), plan.core,
            row.in_flight, time=600, freeze=variant.freeze,
            rate=row.rate)))
            for variant in turned(row.variants, number)]
        for step in range(steps):
            for variant, one in turned(running, step):
                took = one.step(n)
                if step:
                    series[variant.label].cpu.append(
                        sum(took['cpu_us_by_pid'].values())
                        / max(took['handshakes'], 1))
                    series[variant.label].p50.append(took['p50_us'])
        for variant, one in running:
            series[variant.label].add(one.end(), variant.counted)
    for variant in row.variants:
        if variant.after:
            variant.after()


def measure(rows, plan, progress):
    """[(row, {variant: Series})], of one round at least."""
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
