#!/usr/bin/python3
"""Writes docs/performance.md and its plots from the numbers of a bench.

Every number in them is one of build/bench/result.json.
"""

import json
import os
import statistics
import sys
import time

import plots
from hosts import REPOSITORY, Unfit
from peers import modules
from ratios import AGAIN, MODULE, OTHER, PLAIN

DOCS = os.path.join(REPOSITORY, 'docs')
RESULT = os.path.join(REPOSITORY, 'build', 'bench', 'result.json')
OURS = (MODULE, OTHER, MODULE + ', forged')
HOME = PLAIN + ', same host'


class Page:
    """Markdown, line by line."""

    def __init__(self):
        self.lines = []

    def say(self, *lines):
        self.lines += [*lines, '']

    def table(self, head, rows, right=1):
        """Columns from "right" on are numbers."""
        self.lines += ['| %s |' % ' | '.join(head), '| %s |' % ' | '.join(
            '---' if i < right else '---:' for i in range(len(head)))]
        self.lines += ['| %s |' % ' | '.join(row) for row in rows]
        self.lines.append('')

    def plot(self, what, text):
        self.say('![%s](performance-%s.svg)' % (text, what))

    def write(self, path):
        with open(path, 'w', encoding='utf-8') as f:
            f.write('\n'.join(self.lines).rstrip('\n') + '\n')


def by_work(rows):
    """{work: {variant: row}}, in order."""
    found = {}
    for row in rows:
        found.setdefault(row['work'], {})[row['variant']] = row
    return found


def ms(us):
    return ('%.2f' if us < 9995 else '%.1f') % (us / 1e3)


def latencies(row):
    return [ms(row['latency_us'][name]) for name in ('p50', 'p99', 'p99.9')]


def ratio(row):
    return '%.3f (%.3f-%.3f)' % (row['ratio'], *row['middle'])


def beside(a, b):
    """The median of the ratios of two rows, round by round."""
    return statistics.median(x / y for x, y in zip(a['rounds_cpu_us'],
                                                   b['rounds_cpu_us']))


def targets(page, result):
    counted = {row['work']: row for row in result.get('instructions', [])}
    rows, missed = [], []
    for row in result['tickets'] + result['ids']:
        if row['variant'] not in OURS or row['target'] is None:
            continue
        name = '%s: %s' % (row['work'], row['variant'])
        held = row['ratio'] <= row['target']
        if not held:
            missed.append('%s by %.1f %%' % (
                name, 100 * (row['ratio'] / row['target'] - 1)))
        instructions = counted.get(row['work'], {}).get('ratio')
        rows.append([name, '%.2f' % row['target'], ratio(row),
                     '%.3f' % row['cheapest'],
                     '%.3f' % instructions if instructions else '',
                     'yes' if held else 'no'])
    page.say('## Targets')
    page.say('Server CPU per handshake, nginx with the module to plain nginx '
             'doing the same;', 'for a session of another host: to a hit in '
             'plain nginx\'s own cache. The CPU of', 'memcached is counted. '
             'The median of the rounds decides; in parentheses the two',
             'between which the middle half of them lies; "cheapest" compares '
             'the cheapest', 'quarters of the rounds.')
    page.table(['', 'target', 'measured', 'cheapest', 'instructions', 'held'],
               rows)
    page.say('%d of %d targets are held.' % (len(rows) - len(missed),
                                             len(rows))
             + (' Missed: %s.' % '; '.join(missed) if missed else ''))
    noise = [row['ratio'] for row in result['tickets'] + result['ids']
             if row['variant'] == AGAIN]
    page.say('A second plain nginx beside the first came to ratios from %.3f '
             'to %.3f: what' % (min(noise), max(noise)),
             'this run cannot tell apart.')


def peers(page, result):
    works = by_work(result['peers'])
    names = []
    for variants in works.values():
        base = next(iter(variants.values()))
        for name in [*variants, *base['cannot']]:
            if name not in names and name != HOME:
                names.append(name)
    notes = {}

    def cell(variants, name):
        if name in variants:
            return '%.0f' % variants[name]['cpu_us']
        why = next(iter(variants.values()))['cannot'].get(name, '')
        return '[%d]' % notes.setdefault(why, len(notes) + 1)

    page.say('## Beside other servers')
    page.say('Server CPU per handshake in microseconds, memcached\'s '
             'included where the server', 'uses it. Each server has one '
             'worker or thread on the same core, the same ECDSA', 'P-256 '
             'certificate, and hosts that share what that server can share. '
             '%d in flight' % result['peers'][0]['in_flight'],
             'unless the row says otherwise.')
    page.table(['', *names], [
        [work, *(cell(variants, name) for name in names)]
        for work, variants in works.items()])
    page.say(*('* [%d] %s' % (n, why) for why, n in notes.items()))
    page.plot('peers', 'Server CPU per handshake of each server')
    compared(page, works)

    page.say('### Latency')
    page.table(['', '', 'p50 ms', 'p99 ms', 'p99.9 ms', 'a second'], [
        [work if row['base'] else '', name, *latencies(row),
         '%.0f' % row['rate']]
        for work, variants in works.items()
        for name, row in variants.items()], 2)

    def value(work, name):
        row = works.get(work, {}).get(name)
        return row and row['cpu_us']

    plots.bars(plots.name(DOCS, 'peers'), names, [
        'full handshake, TLS 1.3', 'ticket, other host, TLS 1.3',
        'ID, same host, TLS 1.2', 'ID, other host, TLS 1.2'], value)


def compared(page, works):
    slower, faster = [], []
    for work, variants in works.items():
        if MODULE not in variants:
            continue
        mine = variants[MODULE]
        others = {name: beside(mine, row) for name, row in variants.items()
                  if name not in (MODULE, HOME)}
        for found, ones in (
                (slower, {n: x for n, x in others.items() if x > 1}),
                (faster, {n: x for n, x in others.items() if x <= 1})):
            if ones:
                found.append('* %s: %s' % (work, ', '.join(
                    '%s (%.2f)' % item for item in sorted(
                        ones.items(), key=lambda item: -item[1]))))
    page.say('CPU of nginx with the module over that of each, in the same '
             'rounds. It costs more', 'than:')
    page.say(*(slower or ['* nothing']))
    page.say('and less than, or as much as:')
    page.say(*(faster or ['* nothing']))


def frozen(page, result):
    page.say('### Memcached frozen')
    page.say('%d clients at once offer the IDs of another host in TLS 1.2 '
             'while memcached does' % result['frozen'][0]['offered'],
             'not answer, and wait for %d seconds:'
             % result['frozen_patience'])
    page.table(['', 'handshakes done', 'p50 ms', 'longest ms', 'others'], [
        [row['variant'], '%d of %d' % (row['done'], row['offered']),
         *('%.1f' % (row['latency_us'][n] / 1e3) if row['latency_us'] else ''
           for n in ('p50', 'max')), ', '.join(row['reasons'])]
        for row in result['frozen']])


def measured(page, title, rows):
    page.say('## ' + title)
    page.table(['', '', 'CPU us', 'ratio', 'cheapest', 'p50 ms', 'p99 ms',
                'p99.9 ms', 'longest ms'], [
        [row['work'] if row['base'] else '', row['variant'],
         '%.1f' % row['cpu_us'], '' if row['base'] else ratio(row),
         '' if row['base'] else '%.3f' % row['cheapest'], *latencies(row),
         ms(row['longest_us'])] for row in rows], 2)


def ids(page, result):
    measured(page, 'Sessions by ID', result['ids'])
    page.say('"%s": opened on one host and redeemed, once each, on one that '
             'has them only' % OTHER, 'from memcached.')
    page.plot('ids', 'Ratio of a session of another host, by handshakes in '
                     'flight')
    rows = [row for row in result['ids'] if row['variant'] == OTHER
            and 'in flight' in row['work']]
    series, goals = {}, {}
    for row in rows:
        series.setdefault(row['work'].rpartition(', ')[2], []).append(
            [row['in_flight'], row['ratio'], *row['middle']])
        goals[row['in_flight']] = row['target']
    plots.curves(plots.name(DOCS, 'ids'), series, 'handshakes in flight',
                 sorted(goals.items()))

    page.say('Where the CPU goes, microseconds per handshake:')
    names = []
    for row in result['ids']:
        names += [n for n in row['split_us'] if n not in names]
    page.table(['', '', *names], [
        [row['work'], row['variant'],
         *('%.1f' % row['split_us'].get(name, 0) for name in names)]
        for row in result['ids']
        if row['variant'] in OURS], 2)


def scaling(page, result):
    works = by_work(result['scaling'])
    page.say('## Scaling')
    page.say('Sessions by ID, TLS 1.2, opened on another host, %d in flight. '
             'Ratios are to the' % result['scaling'][0]['in_flight'],
             'first of each kind. Workers have a core each; all hosts share '
             'one, and each gets its', 'part of the handshakes in flight.')
    lines = []
    for work, variants in works.items():
        base = next(iter(variants.values()))
        for name, row in variants.items():
            lines.append([work if row is base else '', name,
                          '%.1f' % row['cpu_us'],
                          '' if row is base else ratio(row),
                          '%.0f' % row['rate'], *latencies(row)])
        lines += [['', name, why, '', '', '', '', '']
                  for name, why in base['cannot'].items()]
    page.table(['', '', 'CPU us', 'ratio', 'a second', 'p50 ms', 'p99 ms',
                'p99.9 ms'], lines, 2)
    page.plot('scaling', 'CPU per handshake as ratios to the smallest')
    plots.panels(plots.name(DOCS, 'scaling'), {
        work: [[name.split()[0].replace(',000', ' k'), row['ratio'],
                *row['middle']]
               for name, row in variants.items()]
        for work, variants in works.items()})


def instructions(page, result):
    page.say('## Instructions')
    page.say('Per handshake in user space, counted by callgrind, which plays '
             'a simpler processor', 'than the real one; they repeat to a few '
             'parts in a thousand on any machine.')
    page.table(['', 'plain nginx', 'module: worker', 'other threads',
                'memcached', 'ratio'], [
        [row['work'], *('{:,.0f}'.format(n)
                        for n in (row['plain'], *row['module'])),
         '%.4f' % row['ratio']] for row in result['instructions']])


def rest(page, result):
    if 'memory' in result:
        page.say('## Memory')
        memory = result['memory']
        page.table(['', 'Rss kB', 'Pss kB', 'private kB'], [
            ['worker, ' + name, *(str(memory[name][what])
                                  for what in ('rss', 'pss', 'private'))]
            for name in (PLAIN, MODULE) if name in memory])
        zone = memory['zone']
        page.say('The zone of %d kB has room for %d keys.' % (
            zone['size_kb'], zone['capacity']))
    if 'propagation' in result:
        page.say('## Keys on their way')
        ms = result['propagation']['ms']
        page.say('From the publication of a key to all of %d hosts holding '
                 'it: median %.0f ms,' % (result['propagation']['hosts'],
                                          statistics.median(ms)),
                 'longest %.0f ms, with a poll_interval of %d ms (%d keys).'
                 % (max(ms), result['propagation']['poll_ms'], len(ms)))


def method(page, result):
    page.say('## How it was measured')
    page.say('`%s`, on' % ' '.join([*result['settings'],
                                    'make performance']))
    page.table(['', ''], [[name, value] for name, value
                          in result['machine'].items()], 2)
    rounds = [len(row['rounds_cpu_us']) for part in (
        'tickets', 'ids', 'peers', 'scaling') for row in result.get(part, [])]
    page.say(
        'The load client (`t/bench/load.c`) opens sessions on one host and '
        'redeems each once,', 'on the same or on another one, over loopback. '
        'Server CPU is what the kernel has', 'accounted to the processes of '
        'the redeeming host (all threads) and to memcached', 'while the '
        'sessions are redeemed; opening them is not counted. %d handshakes a'
        % result['handshakes'], 'measurement; a round measures everything '
        'once, in an order that changes; %d to %d'
        % (min(rounds), max(rounds)), 'rounds a table. A handshake that '
        'failed, or a session that did not resume where it', 'must, makes '
        'the bench fail; a timing never does. '
        'Latency is from the connect to', 'the end of the handshake and '
        'includes the client\'s work; with many in flight it is', 'mostly '
        'waiting for the one core.')
    page.say('The other servers:')
    page.say(*('* %s: %s' % (peer.NAME, peer.NOTE)
               for peer in modules()))
    page.say('`BENCH_ONLY=REGEX`, `BENCH_ROUNDS=N`, `BENCH_HANDSHAKES=N`, '
             '`BENCH_SECONDS=N` and others,', 'named at the top of '
             '`t/bench/bench.py`, make `make bench` shorter or longer.')


PARTS = (('peers', peers), ('frozen', frozen),
         ('tickets', lambda page, result: measured(
             page, 'Full handshakes and tickets', result['tickets'])),
         ('ids', ids), ('scaling', scaling), ('instructions', instructions))


def main():
    with open(RESULT, encoding='utf-8') as f:
        result = json.load(f)
    page = Page()
    page.say('# Performance')
    page.say('Written by `make performance` on %s; everything on this page '
             'was measured in' % time.strftime(
                 '%Y-%m-%d', time.gmtime(result['time'])),
             'one run, side by side. [How](#how-it-was-measured), and on what '
             'machine, is at the end.', 'Absolute numbers say little about '
             'another machine; the ratios say more.')
    try:
        if result.get('tickets') and result.get('ids'):
            targets(page, result)
        for name, part in PARTS:
            if result.get(name):
                part(page, result)
    except Unfit as e:
        print('write: %s' % e, file=sys.stderr)
        return 1
    rest(page, result)
    method(page, result)
    page.write(os.path.join(DOCS, 'performance.md'))
    print('docs/performance.md')
    return 0


if __name__ == '__main__':
    sys.exit(main())
