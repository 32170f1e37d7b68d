#!/usr/bin/python3
"""Writes docs/performance.md and its plots from the numbers of a bench.

Every number in them is one of build/bench/result.json.  "write.py early"
writes the chapter of early data only, and leaves the rest of the page alone.
"""

import json
import os
import statistics
import sys
import time

import early
import kept
import plots
import ratios
import tables
from hosts import REPOSITORY, Unfit
from ids import VERSIONS
from peers import modules
from ratios import AGAIN, APART, HOME, MODULE, OTHER, PLAIN

DOCS = os.path.join(REPOSITORY, 'docs')
RESULT = os.path.join(REPOSITORY, 'build', 'bench', 'result.json')
SOAK = os.path.join(REPOSITORY, 'build', 'bench', 'soak.json')
PLAIN_TEXT, TLS = 'memcached in plain text', 'memcached with TLS'
OURS = (MODULE, OTHER, MODULE + ', forged')
EARLY, AFTER_EARLY = '## Early data', '## Sessions by ID'


class Page:
    """A page of Markdown."""

    def __init__(self):
        self.lines = []

    def say(self, *lines):
        self.lines += [*lines, '']

    def table(self, head, rows, right=1):
        """A table; columns from "right" on are numbers."""
        self.lines += ['| %s |' % ' | '.join(head), '| %s |' % ' | '.join(
            '---' if i < right else '---:' for i in range(len(head)))]
        self.lines += ['| %s |' % ' | '.join(row) for row in rows]
        self.lines.append('')

    def plot(self, what, text):
        self.say('![%s](performance-%s.svg)' % (text, what))

    def write(self, path):
        with open(path, 'w', encoding='utf-8') as f:
            f.write('\n'.join(self.lines).rstrip('\n') + '\n')


def around(row):
    return row['interval'] or row['middle']


def ms(us):
    return ('%.2f' if us < 9995 else '%.1f') % (us / 1e3)


def latencies(row):
    return [ms(row['latency_us'][name]) for name in ('p50', 'p99', 'p99.9')]


def ratio(row):
    """The median and its interval."""
    return '%.3f (%s)' % (row['ratio'], tables.between(row['interval']))


def aimed(result):
    """The rows of the module that have a target."""
    return [row for row in result['tickets'] + result['ids']
            if row['variant'] in OURS and row['target'] is not None
            and not row['base']]


def summary(page, result):
    """The most important results."""
    page.say('## In short')
    works = tables.by_work(result['tickets'] + result['ids'])
    lines = []
    for title, where in (('full handshake', MODULE),
                         ('ticket resumption', OTHER),
                         ('full handshake, session stored', MODULE),
                         ('ID, same host', MODULE),
                         ('ID, other host, 8 in flight', OTHER),
                         ('ID, other host, 1 in flight', OTHER)):
        found = [works.get('%s, TLS %s' % (title, tls), {}).get(where)
                 for tls in VERSIONS]
        if all(found):
            lines.append('* %s: %.2f times the CPU of plain nginx in TLS 1.2, '
                         '%.2f in TLS 1.3' % (title, *(row['ratio']
                                                       for row in found)))
    if lines:
        lines[-1] += ('; plain nginx cannot resume sessions of another host, '
                      'so the ratio is to its own')
    others = tables.by_work(result.get('peers', [])).get(
        'ID, other host, TLS 1.2')
    if others:
        lines.append('* a session of another host by ID, with servers that '
                     'can resume one: ' + ', '.join(
                         '%s %.0f us' % (name, row['cpu_us'])
                         for name, row in others.items() if name != HOME))
    late = [row for row in result.get('frozen', [])
            if row['work'] == 'ID, other host']
    if late:
        lines.append('* the same while memcached is frozen: ' + ', '.join(
            '%s %s' % (row['variant'], '%.0f ms at most' % (
                row['latency_us']['max'] / 1e3)
                if row['done'] == row['offered'] else 'not within %d s'
                % result['frozen_patience']) for row in late))
    page.say(*lines)


def targets(page, result):
    counted = {row['work']: row for row in result.get('instructions', [])}
    aims = aimed(result)
    page.say('## Targets')
    page.say('The CPU time of the server per handshake, as the ratio of nginx '
             'with the module to plain', 'nginx. For a session of another '
             'host plain nginx has a hit in its own cache; for a forged',
             'ID it has a full handshake without an ID. The CPU time of '
             'memcached is included. A ratio', 'is the median of many ratios, '
             'each of two measurements within milliseconds; in parentheses',
             'is the interval that has the true median with a probability of '
             '95 %. A target is held if', 'the whole interval is at most the '
             'target, and missed if the whole interval is above it;', 'else '
             'this run cannot tell. "Cheapest" compares the cheapest quarters '
             'of the measurements;', '"instructions" are '
             '[counted](#instructions).')
    page.table(['', 'target', 'measured', 'cheapest', 'instructions', ''], [
        ['%s: %s' % (row['work'], row['variant']), '%.2f' % row['target'],
         ratio(row), '%.3f' % row['cheapest'],
         '%.3f' % counted[row['work']]['ratio']
         if row['work'] in counted else '', row['verdict']]
        for row in aims])

    by = {verdict: [row for row in aims if row['verdict'] == verdict]
          for verdict in (tables.HELD, tables.MISSED, tables.UNKNOWN)}
    page.say('Targets: %d. Held: %d. Missed: %d. Not told apart: %d.'
             % (len(aims), *map(len, by.values())))
    for verdict, text in ((tables.MISSED, 'Missed:'),
                          (tables.UNKNOWN, 'Not told apart from the target:')):
        if by[verdict]:
            page.say(text)
            page.say(*('* %s: %s' % (title, '; '.join(ones)) for title, ones
                       in distances(by[verdict]).items()))
    page.say('The reasons are in [where the time goes]'
             '(internals.md#where-the-time-goes). The cost of',
             'messages to memcached depends on the machine, and is high on a '
             'virtual one; counts of', 'instructions do not include it. A '
             'TLS 1.3 session by ID is good for one handshake, so its',
             'resumption asks memcached even on the same host, which plain '
             'nginx does not have to.')
    apart = [row['ratio'] for row in result['ids']
             if row['variant'] == APART]
    if apart:
        page.say('With memcached on another core than the servers, so that '
                 'each message wakes it, sessions', 'of other hosts cost %.2f '
                 'to %.2f of a hit in plain nginx\'s own cache '
                 '([table](#sessions-by-id)).' % (min(apart), max(apart)))
    again = [row for row in result['tickets'] + result['ids']
             if row['variant'] == AGAIN]
    noise = [row['ratio'] for row in again]
    beyond = [row for row in again if row['interval']
              and not row['interval'][0] <= 1 <= row['interval'][1]]
    page.say('How far to trust this: the ratios of a second plain nginx to '
             'the first one are from %.3f' % min(noise), 'to %.3f, half of '
             'them within %.1f %% of 1; in %d of %d rows 1 is outside of the '
             'interval.'
             % (max(noise), 100 * ratios.middle([abs(x - 1) for x in noise]),
                len(beyond), len(again)))


def distances(rows):
    """{work: [how far each is from its target]}, without versions."""
    found = {}
    for row in rows:
        title, _, tls = row['work'].rpartition(', ')
        how = 100 * (row['ratio'] / row['target'] - 1)
        found.setdefault(title, []).append('%s%s %.1f %% %s' % (
            tls, ', other host,' if row['variant'] == OTHER
            and 'other host' not in title else '',
            abs(how), 'above' if how > 0 else 'below'))
    return found


def peers(page, result):
    works = tables.by_work(result['peers'])
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
    page.say('The CPU time of the server per handshake, in microseconds, '
             'including that of memcached', 'for servers that use it. Each '
             'server has one worker or thread on the same core, the same',
             'ECDSA P-256 certificate, and hosts that share whatever this '
             'server can share. There are', '%d handshakes in flight unless '
             'the row says otherwise.' % result['peers'][0]['in_flight'])
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
    rows = []
    for work, variants in works.items():
        if MODULE not in variants:
            continue
        cells = {tables.MISSED: [], tables.UNKNOWN: [], tables.HELD: []}
        for name, row in variants.items():
            if name not in (MODULE, HOME):
                middle, interval = tables.beside(variants[MODULE], row)
                cells[tables.verdict(interval, 1)].append(
                    (middle, '%s (%.2f)' % (name, middle)))
        rows.append([work, *(', '.join(text for _, text in
                                       sorted(ones, reverse=True)) or '-'
                             for ones in cells.values())])
    page.say('The ratios of the CPU time of nginx with the module to that of '
             'each server, judged by', 'the same rule as the targets:')
    page.table(['', 'the module costs more than', 'not told apart from',
                'less than'], rows, 4)


def frozen(page, result):
    page.say('### Memcached frozen')
    page.say('%d clients connect at once with TLS 1.2 while memcached does '
             'not answer, and wait for %d' % (result['frozen'][0]['offered'],
                                              result['frozen_patience']),
             'seconds. Servers that do not use memcached have nothing to wait '
             'for.')
    works = tables.by_work(result['frozen'])
    page.table(['', '', 'done', 'resumed', 'p50 ms', 'longest ms', ''], [
        [work if i == 0 else '', name, '%d of %d' % (row['done'],
                                                     row['offered']),
         '%d' % row['resumed'],
         *('%.1f' % (row['latency_us'][n] / 1e3) if row['latency_us'] else ''
           for n in ('p50', 'max')), ', '.join(row['reasons'])]
        for work, variants in works.items()
        for i, (name, row) in enumerate(variants.items())], 2)


def measured(page, title, rows):
    page.say('## ' + title)
    page.table(['', '', 'CPU us', 'ratio', 'middle half', 'cheapest',
                'p50 ms', 'p99 ms', 'p99.9 ms', 'longest ms'], [
        [row['work'] if row['base'] else '', row['variant'],
         '%.1f' % row['cpu_us'],
         *(('', '', '') if row['base'] else
           (ratio(row), tables.between(row['middle']),
            '%.3f' % row['cheapest'])),
         *latencies(row), ms(row['longest_us'])] for row in rows], 2)


def early_data(page, result):
    rows = early.compared(result['early'])
    page.say(EARLY)
    page.say('`ssl_session_sync_early_data once` beside plain nginx, which '
             'carries out a flight each time', 'that it comes. Each client '
             'has a ticket of TLS 1.3 of another host, and sends its request '
             'as', 'early data; no ticket is used twice. "1-RTT": it sends '
             'its request after the handshake, which', 'resumes such a '
             'ticket. Latency is the time from the connect to the first byte '
             'of the answer.', '"%s": a client starts every %.0f ms, however '
             'long others take.' % (early.STEADY, 1e3 / early.RATE))
    page.say('"Frozen": tickets are of the same host, which has the default '
             '`lookup_timeout`; memcached was', 'stopped (SIGSTOP) after they '
             'were given out. The first flights wait until the breaker opens;',
             'from then on none waits, but for those that try whether '
             'memcached is back. "Longest"', 'includes all of them.')
    page.say('The CPU time of the server, with that of memcached, and its '
             'ratios:')
    page.table(['', '', 'accepted', 'CPU us', 'to early data of plain nginx',
                'to its 1-RTT'], [
        [row['work'] if row['base'] else '', row['variant'], accepted(row),
         '%.1f' % row['cpu_us'],
         *('' if found is None else with_interval('%.3f', found['ratio'])
           for found in beside.values())] for row, beside in rows], 2)
    page.say('Latency in milliseconds, and by how much it is beyond that of '
             'plain nginx: as a difference, in', 'parentheses with the '
             'interval of 95 % where there is one, and as a ratio:')
    page.table(['', '', 'p50', 'beyond early data', 'ratio', 'beyond 1-RTT',
                'p99', 'beyond early data', 'ratio', 'beyond 1-RTT',
                'longest'], [
        [row['work'] if row['base'] else '', row['variant'],
         *latency_beside(row, beside, 'p50'),
         *latency_beside(row, beside, 'p99'), ms(row['longest_us'])]
        for row, beside in rows], 2)
    early_results(page, result)


def accepted(row):
    if not early.offered(row):
        return ''
    return '%d of %d' % (row['resumed'], row['handshakes'])


def with_interval(form, found, scale=1):
    middle, interval = found
    text = form % (middle * scale)
    if interval:
        text += ' (%s to %s)' % tuple(form % (x * scale) for x in interval)
    return text


def latency_beside(row, beside, name):
    cells = [ms(row['latency_us'][name])]
    for label, found in beside.items():
        cells.append('' if found is None else with_interval(
            '%+.2f', found['beyond_us'][name], 1e-3))
        if label == PLAIN:
            cells.append('' if found is None
                         else '%.2f' % found['times'][name])
    return cells


def early_results(page, result):
    """Whether it is as it should be, and where the time goes if not."""
    aims = [row for row in result['early']
            if row['target'] is not None and row['variant'] == OTHER]
    lines = ['* CPU, %s: %s times that of plain nginx, target %.2f: %s' % (
        row['work'].rpartition(', ')[2], ratio(row), row['target'],
        row['verdict']) for row in aims]
    lines += ['* of the %.0f us of CPU time that a flight costs beyond plain '
              "nginx's with %s, %.0f are memcached's, and the worker's others "
              'are for the claim and its answer, for the ticket, which is '
              'opened once more, and for the ClientHello, which is held' % (
                  beyond_plain(result, row), row['work'].rpartition(', ')[2],
                  row['split_us'].get('memcached', 0)) for row in aims[:1]]
    found = early.steady(result['early'])
    verdict = None
    if found:
        row, beside = found
        beyond = beside['beyond_us']['p50']
        verdict = tables.verdict(beyond[1], early.BEYOND_US)
        lines.append('* p50 at a steady load: %s ms beyond plain nginx, '
                     'target %.1f: %s' % (
                         with_interval('%+.2f', beyond, 1e-3),
                         early.BEYOND_US / 1e3, verdict))
    frozen_ = [row for row in result['early'] if 'frozen' in row['work']
               and row['variant'] == MODULE]
    for what, ones in (
            ('well', [row for row in result['early']
                      if row['variant'] == OTHER]),
            ('frozen', frozen_)):
        if ones:
            lines.append('* with memcached %s %d of %d flights were accepted, '
                         'and %d handshakes failed' % (
                             what, *(sum(row[name] for row in ones)
                                     for name in ('resumed', 'handshakes',
                                                  'failures'))))
    page.say(*lines)
    if verdict and verdict != tables.HELD and beyond[0] > 0:
        early_costs(page, result, *found)


def beyond_plain(result, row):
    plain = tables.by_work(result['early'])[row['work']][PLAIN]
    return row['cpu_us'] - plain['cpu_us']


def early_costs(page, result, row, beside):
    spent = row['split_us'].get('memcached', 0)
    work = beyond_plain(result, row)
    page.say('A flight waits until memcached has answered; the core goes to '
             'memcached and back. It costs', '%.0f us of CPU time more, %.0f '
             'of them in memcached. What is left of the %.0f us that it takes'
             % (work, spent, beside['beyond_us']['p50'][0]),
             'longer is waiting: to be woken up, and for the core, which '
             'hosts and memcached share here.')


def alone(result):
    """The chapter of early data, from a run of its own."""
    path = os.path.join(DOCS, 'performance.md')
    with open(path, encoding='utf-8') as f:
        text = f.read()
    page = Page()
    early_data(page, result)
    page.say('`make early` measured this chapter by itself, on %s:' % (
        time.strftime('%Y-%m-%d', time.gmtime(result['time']))),
             '%s; nginx %s, %s, memcached %s.' % (
                 result['machine']['processor'],
                 result['machine']['nginx'].rpartition('/')[2],
                 *(result['machine'][name].replace('/', ' ')
                   for name in ('openssl', 'memcached'))))
    end = text.find(AFTER_EARLY + '\n')
    if end == -1:
        raise Unfit('docs/performance.md has no chapter "%s"' % AFTER_EARLY)
    begin = text.find(EARLY + '\n')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text[:end if begin == -1 else begin] + '\n'.join(page.lines)
                + '\n' + text[end:])


def ids(page, result):
    measured(page, 'Sessions by ID', result['ids'])
    page.say('"%s": each session is opened on one host and resumed once, on '
             'another host, which' % OTHER, 'gets it from memcached. "%s": '
             'the same, but memcached is on another core, which' % APART,
             'each message wakes. "again": a second server of the same kind.')
    page.plot('ids', 'Ratio of a session of another host, by handshakes in '
                     'flight')
    rows = [row for row in result['ids'] if row['variant'] == OTHER
            and 'in flight' in row['work']]
    series, goals = {}, {}
    for row in rows:
        series.setdefault(row['work'].rpartition(', ')[2], []).append(
            [row['in_flight'], row['ratio'], *around(row)])
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
    works = tables.by_work(result['scaling'])
    page.say('## Scaling')
    page.say('Sessions by ID of another host, TLS 1.2, %d handshakes in '
             'flight. Ratios are to the' % result['scaling'][0]['in_flight'],
             'first row of each kind. Workers have a core each as long as '
             'there are enough cores, and the', 'client shares the last one. '
             'So with more workers than cores the numbers show how much',
             'workers hinder each other, not how much they can do. All hosts '
             'share one core, and the', 'handshakes in flight are '
             'distributed among them.')
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
                *around(row)]
               for name, row in variants.items()]
        for work, variants in works.items()})


def instructions(page, result):
    page.say('## Instructions')
    page.say('Instructions per handshake in user space, counted by callgrind, '
             'which emulates a simple', 'processor. On any machine they are '
             'the same to within a few parts in a thousand.')
    page.table(['', 'plain nginx', 'module: worker', 'other threads',
                'memcached', 'ratio'], [
        [row['work'], *('{:,.0f}'.format(n)
                        for n in (row['plain'], *row['module'])),
         '%.4f' % row['ratio']] for row in result['instructions']])


def servers(page, result):
    found = result['servers']
    page.say('## Many servers')
    page.say('Start and reload of a host with {:,} name-based servers, each '
             'with two names and a'.format(found['servers']),
             'certificate of its own. CPU time is that of the master and the '
             'new worker, until the', 'worker serves and, in a reload, the '
             'old one has gone; memory is that of both at this time.',
             '"Again" is the ratio of a second plain nginx. Rounds: %d.'
             % found['rounds'])
    page.table(['', '', 'plain nginx', 'module', 'ratio', 'again', 'target',
                ''], [
        [row['what'], row['unit'],
         *('{:,.0f}'.format(row[name]) for name in ('plain', 'module')),
         ratio(row), '%.3f' % row['again'], '%.2f' % row['target'],
         row['verdict']] for row in found['rows']], 2)


def secured(page, result):
    page.say('## TLS to memcached')
    page.say('Two clusters that differ in nothing else are measured in turns, '
             'with TLS 1.2 to the clients.', 'The CPU time of memcached is '
             'included. A lookup is the resumption of a session of another',
             'host. Connections to memcached exist already. Ratios are those '
             'of whole handshakes.')
    page.table(['', '', 'CPU us', 'ratio', 'p50 ms', 'p99 ms', 'p99.9 ms'], [
        [row['work'] if row['base'] else '', row['variant'],
         '%.1f' % row['cpu_us'], '' if row['base'] else ratio(row),
         *latencies(row)] for row in result['secured']], 2)
    found = result.get('secured_polls')
    if found:
        page.say('A poll of the keys, CPU time in microseconds, both clusters '
                 'at the same time:')
        page.table(['', 'worker', 'memcached', 'ratio'], [
            [label, *('%.1f' % us for us in spent), '%.3f' % (
                sum(spent) / sum(found[PLAIN_TEXT]))]
            for label, spent in found.items()])
    found = result.get('secured_instructions')
    if found:
        page.say('Instructions of the worker in user space, by callgrind:')
        page.table(['', PLAIN_TEXT, TLS, 'ratio'], [
            [row['what'], *('{:,.0f}'.format(row[label])
                            for label in (PLAIN_TEXT, TLS)),
             '%.4f' % row['ratio']] for row in found])


def residents(page, result):
    found = result['residents']
    page.say('## What a worker has')
    page.say('After its first poll, with %d memcached servers. There is one '
             'more thread for each name of' % found['servers'],
             'memcached servers, while it is being resolved.')
    page.table(['', '', 'connections to memcached', 'descriptors', 'threads',
                'private kB', 'Rss kB'], [
        [row['host'], row['variant'], *(str(row[name]) for name in (
            'connections', 'descriptors', 'threads', 'private_kb',
            'rss_kb'))] for row in found['rows']], 2)


def starts(page, result):
    found = result['starts']
    page.say('## Start and reload while memcached is ill')
    page.say('The time from the start of nginx, or from the signal to reload, '
             'to the end of the first', 'request over TLS that a new worker '
             'has answered. Ratios are to plain nginx in the same round.',
             'A host that starts waits for the keys for up to a second. '
             'Rounds: %d.' % found['rounds'])
    page.table(['', '', 'ms', 'longest', 'ratio'], [
        [row['what'], row['variant'], '%.0f' % row['ms'],
         '%.0f' % row['longest_ms'], ratio(row)] for row in found['rows']],
        2)


def steps(page, result):
    found = result['steps']
    page.say('## Steps of a poll')
    page.say('How long each step of a poll keeps the event loop busy, with a '
             'zone of {:,} keys and two'.format(found['keys']),
             'servers: CPU time in microseconds, the median of %d rounds for '
             'each step, and the longest' % found['rounds'],
             'step of each kind. The target is %d; the longest of all took '
             '%.0f.'
             % (found['target_us'], found['longest_us']))
    page.table(['', '', 'steps', 'longest'], [
        [row['case'], row['kind'], str(row['n']), '%.0f' % row['us']]
        for row in found['rows']], 2)


def soaked(page):
    """The result of the last "make soak", if there was one."""
    if not os.path.exists(SOAK):
        return
    with open(SOAK, encoding='utf-8') as f:
        found = json.load(f)
    page.say(
        '`make soak` on %s: %s handshakes on two hosts, full ones and tickets '
        'and'
        % (time.strftime('%Y-%m-%d', time.gmtime(found['time'])),
           '{:,}'.format(found['handshakes'])),
        'sessions by ID of both, TLS 1.2 and 1.3, through %d rotations of the '
        'key. %d failed;' % (found['rotations'], found['failed']),
        '%s of %s sessions offered were resumed. From number %s on the '
        'private memory'
        % ('{:,}'.format(found['resumed']), '{:,}'.format(found['offered']),
           '{:,}'.format(found['warm_at'])),
        'of the two workers, %s kB, grew by at most %s kB.'
        % (' and '.join(map(str, found['private_kb'])),
           ' and '.join(map(str, found['growth_kb']))))


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
        soaked(page)
    if 'propagation' in result:
        page.say('## Keys on their way')
        ms = result['propagation']['ms']
        page.say('The time from the publication of a key until all of %d '
                 'hosts have it: median %.0f ms,' % (
                                          result['propagation']['hosts'],
                                          statistics.median(ms)),
                 'longest %.0f ms, with a poll_interval of %d ms (%d keys).'
                 % (max(ms), result['propagation']['poll_ms'], len(ms)))


def quantum(page):
    """The table of the last "make quantum"."""
    page.say('## Post-quantum handshakes')
    page.say('What resumption saves grows with post-quantum algorithms: their '
             'keys and', 'signatures are large, and a resumption sends no '
             'certificate and signs nothing.', '`make quantum` writes this '
             'table, with the OpenSSL of Debian 13: TLS 1.3,', 'sessions of '
             'another host with the module on, bytes as `openssl s_client` '
             'counts', 'them, and instructions of nginx\'s worker under '
             'callgrind, where 1 is a full', 'handshake with X25519 and '
             'ECDSA.')
    page.say(kept.part('quantum').rstrip('\n'))


def newer(page):
    """The tables of the last "make newer"."""
    page.say('## Beside newer servers')
    page.say('[Other servers](#beside-other-servers) of newer releases of '
             'Debian, each release in a root', 'directory of its own: the CPU '
             'time per handshake, as the ratio to that of plain nginx there.',
             'For a session of another host that is a hit in plain nginx\'s '
             'own cache. `make newer`', 'writes these tables.')
    page.say(kept.part('newer').rstrip('\n'))


def method(page, result):
    page.say('## How it was measured')
    page.say('To write this page with the numbers of a new run:')
    page.say('```', ' '.join([*result['settings'], 'make performance']),
             '```')
    page.say('To see the numbers in the terminal; those of some rows only, '
             'and, with `BENCH_SPLIT=1`, by', 'thread; and to run each row '
             'once, to see that all sessions resume, as `make test` does:')
    page.say('```', 'make bench',
             "BENCH_ONLY='ID, other host, 8' BENCH_SPLIT=1 make bench",
             'make bench-once', '```')
    page.say('`make early` measures [early data](#early-data) only, and '
             'writes that chapter.')
    page.say('The top of `t/bench/bench.py` names all settings. It ran on')
    page.table(['', ''], [[name, value] for name, value
                          in result['machine'].items()], 2)
    slices = [len(row['slices_cpu_us']) for part in (
        'tickets', 'early', 'ids', 'peers', 'scaling')
              for row in result.get(part, [])]
    page.say(
        'The load client (`t/bench/load.c`) opens sessions on one host, and '
        'resumes each of them once,', 'on the same host or on another one, '
        'over loopback. Servers and their memcached share a core;', 'the '
        'client has the other one to itself, and decodes its sessions in '
        'advance. The CPU time of', 'the server is what the kernel has '
        'accounted to all threads of the host that resumes, and to',
        'memcached, while the sessions are resumed; opening them is not '
        'included. All variants of a row', 'take turns of %d handshakes (or '
        'four times those in flight), in an order that changes. Each'
        % result['handshakes'], 'ratio is that of two turns that follow one '
        'another; there are %d to %d ratios for a row. A' % (
            min(slices), max(slices)), 'turn ends when the CPU clocks of the '
        'servers stand still, so that stores which are sent late', 'count '
        'for the right turn. The bench fails if a handshake fails, or if a '
        'session does not resume', 'that must; it never fails because of a '
        'timing. Latency is the time from the connect to the end', 'of the '
        'handshake, and includes the client\'s work; with many handshakes in '
        'flight it is mostly', 'waiting for the one core.')
    if any(result.get('stolen', {}).values()):
        page.say(
            'The hypervisor gave the servers\' core to others for a part of '
            'the time: %s.' % ', '.join('%s %.1f %%' % (title, 100 * share)
                                        for title, share
                                        in result['stolen'].items()),
            'Linux does not count this as CPU time of a process, as far as it '
            'knows of it. What other', 'machines do to the caches is '
            'included.')
    page.say('The other servers:')
    page.say(*('* %s: %s' % (peer.NAME, peer.NOTE)
               for peer in modules()),
             '* not measured: OpenResty, where Lua can get sessions by ID '
             'from memcached, in TLS 1.2',
             '  only, and only with an OpenSSL that has a patch of '
             'OpenResty\'s; no package has that')


PARTS = (('peers', peers), ('frozen', frozen),
         ('tickets', lambda page, result: measured(
             page, 'Full handshakes and tickets', result['tickets'])),
         ('early', early_data), ('ids', ids), ('scaling', scaling),
         ('instructions', instructions), ('servers', servers),
         ('secured', secured),
         ('residents', residents), ('starts', starts), ('steps', steps))


def main():
    with open(RESULT, encoding='utf-8') as f:
        result = json.load(f)
    if sys.argv[1:] == ['early']:
        alone(result)
        print('docs/performance.md: ' + EARLY)
        return 0
    page = Page()
    page.say('# Performance')
    page.say('Written by `make performance` on %s; everything on this page '
             'was measured in' % time.strftime(
                 '%Y-%m-%d', time.gmtime(result['time'])),
             'one run, side by side, but for the tables that say which other '
             'command wrote them.', '[How](#how-it-was-measured), and on what '
             'machine, is at the end. Absolute numbers say', 'little about '
             'other machines; ratios say more.')
    try:
        if result.get('tickets') and result.get('ids'):
            summary(page, result)
            targets(page, result)
        for name, part in PARTS:
            if result.get(name):
                part(page, result)
    except Unfit as e:
        print('write: %s' % e, file=sys.stderr)
        return 1
    rest(page, result)
    newer(page)
    quantum(page)
    method(page, result)
    page.write(os.path.join(DOCS, 'performance.md'))
    print('docs/performance.md')
    return 0


if __name__ == '__main__':
    sys.exit(main())
