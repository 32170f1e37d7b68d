"""What the rows came to: numbers, a table, and what is wrong in them."""

import ratios


def describe(found):
    """A dict for each variant of each row, in order."""
    result = []
    for row, series in found:
        base = series[row.variants[0].label]
        for v in row.variants:
            one = series[v.label]
            spread = ratios.quartiles(ratios.ratios(one, base) or [0])
            result.append({
                'work': row.title, 'variant': v.label, 'target': row.target,
                'base': one is base, 'resumes': v.resumes,
                'same_tickets': row.same_tickets,
                'in_flight': row.in_flight,
                'cpu_us': ratios.middle(one.cpu),
                'ratio': spread[1], 'middle': [spread[0], spread[2]],
                'cheapest': ratios.cheapest(one.cpu)
                / (ratios.cheapest(base.cpu) or 1),
                'rounds_cpu_us': one.cpu, 'cannot': row.cannot,
                'latency_us': {name: ratios.middle(values) for name, values
                               in one.latency.items()},
                'longest_us': max(one.latency.get('max') or [0]),
                'split_us': {name: ratios.middle(values) for name, values
                             in one.split.items()},
                'rate': ratios.middle(one.rate),
                'handshakes': one.handshakes, 'resumed': one.resumed,
                'tickets': one.tickets, 'failures': one.failures,
                'reasons': one.reasons})
    return result


def show(rows, split):
    print('  %-40s%-20s%7s  %-21s%8s%7s%9s%8s%8s%9s'
          % ('', '', 'CPU us', 'ratio (middle half)', 'cheapest', 'target',
             'resumed', 'p50 us', 'p99 us', 'p99.9 us'))
    last = None
    for row in rows:
        if last and last['work'] != row['work']:
            show_cannot(last)
        spread, cheapest, target = '', '', ''
        if not row['base']:
            spread = '%.3f (%.3f-%.3f)' % (row['ratio'], *row['middle'])
            cheapest = '%.3f' % row['cheapest']
            if row['variant'] == ratios.AGAIN:
                target = '1.00'
            elif row['target'] is not None:
                target = '%.2f' % row['target']
        resumed = 100 * row['resumed'] / max(row['handshakes'], 1)
        print('  %-40s%-20s%7.1f  %-21s%8s%7s%8.0f%%%8.0f%8.0f%9.0f'
              % (row['work'] if row['base'] else '',
                 row['variant'], row['cpu_us'], spread, cheapest, target,
                 resumed, *(row['latency_us'].get(name, 0)
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
    """What is wrong in the rows, whatever their timing."""
    found = []
    base = None
    for row in rows:
        base = row if row['base'] else base
        where = '%s, %s: ' % (row['work'], row['variant'])
        if row['failures']:
            found.append(where + '%d handshakes failed %s'
                         % (row['failures'], row['reasons']))
        expected = {True: row['handshakes'], False: 0,
                    None: row['resumed']}[row['resumes']]
        if row['resumed'] != expected:
            found.append(where + '%d of %d resumed' % (
                row['resumed'], row['handshakes']))
        if row['same_tickets'] and row['tickets'] != base['tickets']:
            found.append(where + '%d tickets received, %d of plain nginx'
                         % (row['tickets'], base['tickets']))
    return found
