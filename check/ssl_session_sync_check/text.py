"""What was found, for people."""

import sys

from . import findings

GAP = '   '
MOST = 20           # pairs that are named


def report(fleet, problems, watch=None, out=sys.stdout):
    lines = ['Sessions of %s%s:' % (
        fleet.name, ', offered under the name %s as well (OTHER: it resumed)'
        % fleet.other if fleet.other else ''), '']
    numbers = {address: str(n) for n, address
               in enumerate(fleet.addresses, 1)}
    lines += ['%4s  %s' % (number, address)
              for address, number in numbers.items()]
    offered = [kind for kind in fleet.kinds if any(
        fleet.sources[kind.name, address].given
        for address in fleet.addresses)]
    for kind in offered:
        lines += ['', *_table(fleet, kind, numbers)]
    if offered:
        lines += ['', *_tickets(fleet, offered)]
    if watch is not None and watch.old:
        lines += ['', *_old(watch)]
    lines.append('')
    for kind in fleet.kinds:
        if kind not in offered:
            lines.append('%s: no address gives such sessions.' % kind.title)
    lines += _problems(problems)
    print('\n'.join(lines), file=out)


def _table(fleet, kind, numbers):
    """One kind: a row for who gave a session, a column for who is asked."""
    cells = {(giver, taker): _cell(fleet.cells[kind.name, giver, taker])
             for giver in numbers for taker in numbers}
    width = max(map(len, [*cells.values(), *numbers.values()]))
    lines = [kind.title, '  from \\ to' + ''.join(
        GAP + number.ljust(width) for number in numbers.values())]
    for giver, number in numbers.items():
        lines.append('%11s' % number + ''.join(
            GAP + cells[giver, taker].ljust(width) for taker in numbers))
    return [line.rstrip() for line in lines]


def _cell(cell):
    if cell.errors and not cell.tried:
        word = 'failed'
    elif not cell.tried:
        word = '-'
    elif cell.resumed == cell.tried:
        word = 'yes'
    elif not cell.resumed:
        word = 'NO'
    else:
        word = '%d of %d' % (cell.resumed, cell.tried)
    return word + (' OTHER' if cell.other_resumed else '')


def _tickets(fleet, kinds):
    rows = [('tickets', '', 'last', 'keys')]
    for kind in kinds:
        for address in fleet.addresses:
            source = fleet.sources[kind.name, address]
            if kind.tickets and source.given:
                rows.append((kind.title.partition(',')[0], str(address),
                             _lifetimes(source), _keys(source)))
    if len(rows) == 1:
        return []
    widths = [max(len(row[n]) for row in rows) for n in range(3)]
    return [(GAP.join(cell.ljust(width) for cell, width
                      in zip(row, widths)) + GAP + row[3]).rstrip()
            for row in rows]


def _lifetimes(source):
    return ', '.join(findings.span(seconds) if seconds else 'not told'
                     for seconds in sorted(source.lifetimes))


def _keys(source):
    if not source.names:
        return 'none: they are IDs of sessions which the server keeps'
    if source.unnamed:
        return 'not told: each ticket begins with other bytes'
    return ' '.join(name[:8] for name in source.names)


def _old(watch):
    rows = []
    for old in watch.old:
        if old.refused is not None:
            end = 'refused when it was %s old' % findings.span(old.refused)
        elif old.expired:
            end = 'it lasted as long as the server had said'
        else:
            end = 'the watch was over first'
        rows.append('  %s, %s: the first session %s; %s' % (
            old.source.address, old.source.kind.title,
            'never resumed' if old.resumed is None else
            'resumed when it was %s old' % findings.span(old.resumed), end))
    return ['Offered again to the address that gave them:', *rows]


def _problems(problems):
    if not problems:
        return ['Everything resumes everywhere.']
    lines = []
    for problem in problems:
        lines.append(problem.text[0].upper() + problem.text[1:] + '.')
        if problem.what in ('not_resumed', 'other_name'):
            pairs = ['%s -> %s' % pair for pair in problem.pairs]
            more = len(pairs) - MOST
            lines += ['    ' + pair for pair in pairs[:MOST]]
            if more > 0:
                lines.append('    and %d more pairs' % more)
    return lines
