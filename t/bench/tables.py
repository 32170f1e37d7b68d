"""The results of the rows: numbers, a table, and what is wrong in them."""

import ratios

HELD, MISSED, UNKNOWN = 'held', 'missed', 'not told apart'


def describe(found):
    """A dict for each variant of each row, in order."""
    result = []
    for row, series in found:
        base = series[row.variants[0].label]
        for v in row.variants:
            one = series[v.label]
            each = ratios.ratios(one, base)
            spread = ratios.quartiles(each or [0])
            interval = ratios.interval(each)
            target = row.target if v.aimed else None
            result.append({
                'work': row.title, 'variant': v.label, 'target': target,
                'base': one is base, 'resumes': v.resumes, 'least': v.least,
                'same_tickets': row.same_tickets,
                'in_flight': row.in_flight,
                'cpu_us': ratios.middle(one.cpu),
                'ratio': spread[1], 'middle': [spread[0], spread[2]],
                'interval': interval,
                'verdict': verdict(interval, target),
                'cheapest': ratios.cheapest(one.cpu)
                / (ratios.cheapest(base.cpu) or 1),
                'slices_cpu_us': [round(us, 2) for us in one.cpu],
                'slices_p50_us': one.p50,
                'cannot': row.cannot,
                'latency_us': {name: ratios.middle(values) for name, values
                               in one.latency.items()},
                'longest_us': max(one.latency.get('max') or [0]),
                'split_us': {name: ratios.middle(values) for name, values
                             in one.split.items()},
                'rate': ratios.middle(one.rate),
                'handshakes': one.handshakes, 'resumed': one.resumed,
                'tickets': one.tickets, 'failures': one.failures,
                'unfinished': one.unfinished, 'reasons': one.reasons})
    return result


def by_work(rows):
    """{work: {variant: row}}, in the order of the rows."""
    found = {}
    for row in rows:
        found.setdefault(row['work'], {})[row['variant']] = row
    return found


def beside(a, b):
    """(median, interval) of the ratios of two rows, step by step."""
    each = [x / y for x, y in zip(a['slices_cpu_us'], b['slices_cpu_us'])
            if y]
    return ratios.middle(each), ratios.interval(each)


def verdict(interval, target):
    if target is None:
        return ''
    if interval and interval[1] <= target:
        return HELD
    if interval and interval[0] > target:
        return MISSED
    return UNKNOWN


def between(two):
    return '%.3f-%.3f' % tuple(two) if two else '?'


def show(rows, split):
    print('  %-40s%-20s%7s%7s  %-12s%-12s%8s%7s %-15s%8s%8s%8s%9s'
          % ('', '', 'CPU us', 'ratio', '95 %', 'middle half', 'cheapest',
             'target', '', 'resumed', 'p50 us', 'p99 us', 'p99.9 us'))
    last = None
    for row in rows:
        if last and last['work'] != row['work']:
            show_cannot(last)
        cells = [''] * 6
        if not row['base']:
            cells = ['%.3f' % row['ratio'], between(row['interval']),
                     between(row['middle']), '%.3f' % row['cheapest'],
                     '' if row['target'] is None else '%.2f' % row['target'],
                     row['verdict']]
        if row['variant'] == ratios.AGAIN:
            cells[4:] = ['1.00', '']
        resumed = 100 * row['resumed'] / max(row['handshakes'], 1)
        print('  %-40s%-20s%7.1f%7s  %-12s%-12s%8s%7s %-15s%7.0f%%%8.0f%8.0f'
              '%9.0f' % (row['work'] if row['base'] else '', row['variant'],
                         row['cpu_us'], *cells, resumed,
                         *(row['latency_us'].get(name, 0)
                           for name in ('p50', 'p99', 'p99.9'))))
        last = row
        if split:
            print('  %-40s  %s' % ('', '   '.join(
                '%s %.1f' % item for item in row['split_us'].items())))
    if last:
        show_cannot(last)


def show_cannot(row):
    for name, why in row['cannot'].items():
        print('  %-40s%-20s      - %s' % ('', name, why))


def complaints(rows):
    """What is wrong in the rows, apart from timings."""
    found = []
    base = None
    for row in rows:
        base = row if row['base'] else base
        where = '%s, %s: ' % (row['work'], row['variant'])
        if row['failures']:
            found.append(where + '%d handshakes failed %s'
                         % (row['failures'], row['reasons']))
        if row['unfinished']:
            found.append(where + 'out of time')
        expected = {True: row['handshakes'], False: 0,
                    None: row['resumed']}[row['resumes']]
        if (row['resumed'] != expected
                or row['resumed'] < row['least'] * row['handshakes']):
            found.append(where + '%d of %d resumed%s' % (
                row['resumed'], row['handshakes'], row['least']
                and ', %g %% must' % (100 * row['least']) or ''))
        if row['same_tickets'] and row['tickets'] != base['tickets']:
            found.append(where + '%d tickets received, %d of plain nginx'
                         % (row['tickets'], base['tickets']))
    return found
