#!/usr/bin/python3
"""What sharing keys costs: nginx with the module beside plain nginx.

BENCH_ROUNDS        rounds of measurements (15)
BENCH_HANDSHAKES    of each measurement (1000)
BENCH_SECONDS       after which no further round begins (240)
BENCH_INSTRUCTIONS  handshakes counted under callgrind (200), 0: none
BENCH_KEYS          keys watched on their way over the hosts (5), 0: none

Ends with 0 however slow anything was, and with 1 if something could not run,
a handshake failed or a session did not resume.
"""

import os
import shutil
import signal
import sys
import tempfile
import time

import client
import instructions
import machine
import memory
import propagation
import ratios
from hosts import Host, Memcached, Site, Unfit, REPOSITORY, until

ZONE = 1024 * 1024
RESULT = os.path.join(REPOSITORY, 'build', 'bench', 'result.json')


def setting(name, default):
    try:
        return max(int(os.environ.get(name) or default), 0)
    except ValueError as e:
        raise Unfit('%s is not a number' % name) from e


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write('\r\033[K' + text)
        sys.stderr.flush()


def heading(text):
    print('\n%s\n%s' % (text, '-' * len(text)))


def show_machine(site):
    heading('Machine')
    found = machine.describe(site)
    for name, value in found:
        print('  %-10s %s' % (name, value))
    return dict(found)


def show_ratios(series, handshakes):
    rounds = max(len(one.cpu) for work in series.values()
                 for one in work.values())
    heading('Server CPU per handshake, %d rounds of %d handshakes'
            % (rounds, handshakes))
    print('  %-28s%-20s%8s  %-22s%8s%8s%9s%9s'
          % ('', '', 'CPU us', 'ratio (middle half)', 'cheapest', 'target',
             'p50 us', 'p99 us'))
    result = []
    for work in ratios.WORKS:
        title = work.title
        for label, one in series[work.title].items():
            row = describe_series(work, label, one,
                                  series[work.title][ratios.PLAIN])
            result.append(row)
            spread, cheapest, target = '', '', ''
            if label != ratios.PLAIN:
                spread = '%.3f (%.3f-%.3f)' % (row['ratio'], *row['middle'])
                cheapest = '%.3f' % row['cheapest']
                target = '%.2f' % (1 if label == ratios.AGAIN
                                    else work.target)
            print('  %-28s%-20s%8.1f  %-22s%8s%8s%9.0f%9.0f'
                  % (title, label, row['cpu_us'], spread, cheapest, target,
                     row['p50_us'], row['p99_us']))
            title = ''
    print('\n  "plain nginx again" is a second plain nginx: how far its '
          'ratio is from 1 is\n  what this run cannot tell apart.')
    return result


def describe_series(work, label, one, plain):
    low, middle, high = ratios.quartiles(ratios.ratios(one, plain) or [0])
    return {'work': work.title, 'variant': label, 'target': work.target,
            'cpu_us': ratios.quartiles(one.cpu)[1], 'ratio': middle,
            'middle': [low, high], 'rounds_cpu_us': one.cpu,
            'cheapest': ratios.cheapest(one.cpu) / ratios.cheapest(plain.cpu),
            'p50_us': ratios.quartiles(one.p50 or [0])[1],
            'p99_us': ratios.quartiles(one.p99 or [0])[1],
            'max_us': one.worst, 'handshakes': one.handshakes,
            'resumed': one.resumed, 'tickets': one.tickets,
            'failures': one.failures, 'reasons': one.reasons}


def complaints(rows):
    """What is wrong in the rows, whatever their timing."""
    found = []
    plain = {row['work']: row for row in rows
             if row['variant'] == ratios.PLAIN}
    for row in rows:
        where = '%s, %s: ' % (row['work'], row['variant'])
        if row['failures']:
            found.append(where + '%d handshakes failed %s'
                         % (row['failures'], row['reasons']))
        expected = 0 if 'full' in row['work'] else row['handshakes']
        if row['resumed'] != expected:
            found.append(where + '%d of %d resumed' % (
                row['resumed'], row['handshakes']))
        if row['tickets'] != plain[row['work']]['tickets']:
            found.append(where + '%d tickets received, %d of plain nginx'
                         % (row['tickets'],
                            plain[row['work']]['tickets']))
    return found


def show_instructions(found, handshakes):
    heading('Instructions per handshake, %d handshakes under callgrind'
            % handshakes)
    print('  %-28s%14s%14s%9s%8s'
          % ('', 'plain nginx', 'module', 'ratio', 'target'))
    for work, plain, module in found:
        print('  %-28s%14s%14s%9.4f%8.2f' % (
            work.title, '{:,.0f}'.format(plain), '{:,.0f}'.format(module),
            module / plain, work.target))
    return [{'work': work.title, 'plain': plain, 'module': module,
             'ratio': module / plain} for work, plain, module in found]


def show_propagation(spreads):
    heading('From the publication of a key to all of %d hosts holding it'
            % propagation.HOSTS)
    ms = sorted(spread.ms for spread in spreads)
    middle = ratios.quartiles(ms)[1]
    print('  %d keys, poll_interval %d ms: median %.0f ms (%.2f polls), '
          'longest %.0f ms (%.2f polls)'
          % (len(ms), propagation.POLL_MS, middle,
             middle / propagation.POLL_MS, ms[-1],
             ms[-1] / propagation.POLL_MS))
    return {'poll_ms': propagation.POLL_MS, 'hosts': propagation.HOSTS,
            'ms': ms}


def show_memory(plain, module):
    heading('Memory')
    result = {}
    for label, host in (('plain nginx', plain), ('module', module)):
        found = memory.worker(host.worker)
        if found is None:
            print('  %-14s (the system does not tell)' % label)
            continue
        result[label] = vars(found)
        print('  worker, %-14s Rss %6d kB   Pss %6d kB   private %6d kB'
              % (label, found.rss, found.pss, found.private))
    cluster = module.status()['clusters'][0]
    used = memory.zone(module.worker, ZONE)
    print('  zone                   %d kB, %s kB of it touched; %d keys in '
          'it, room for %d' % (ZONE // 1024, '?' if used is None else used,
                               len(cluster['keys']),
                               cluster['ring_capacity']))
    result['zone'] = {'size_kb': ZONE // 1024, 'touched_kb': used,
                      'keys': len(cluster['keys']),
                      'capacity': cluster['ring_capacity']}
    return result


def run(site):
    rounds = max(setting('BENCH_ROUNDS', 15), 1)
    handshakes = max(setting('BENCH_HANDSHAKES', 1000), 1)
    seconds = setting('BENCH_SECONDS', 240)
    counted = setting('BENCH_INSTRUCTIONS', 200)
    keys = setting('BENCH_KEYS', 5)

    result = {'machine': show_machine(site), 'rounds': rounds,
              'handshakes': handshakes, 'time': int(time.time())}
    sys.stdout.flush()

    progress('starting hosts')
    memcached = Memcached(site)
    cluster = site.cluster(memcached)
    plain, again = Host(site, 'plain'), Host(site, 'again')
    module, other = Host(site, 'module', cluster), Host(site, 'other',
                                                        cluster)
    for host in (module, other):
        until(host.settled, host.label + ' with a key')

    series = ratios.measure(
        site, (plain, again, module, other), rounds, handshakes, seconds,
        lambda number, of: progress('round %d of %d' % (number + 1, of)))
    progress('')
    result['cpu'] = show_ratios(series, handshakes)
    sys.stdout.flush()
    result['memory'] = show_memory(plain, module)
    sys.stdout.flush()

    if counted and instructions.available():
        progress('counting instructions')
        found = instructions.measure(
            site, plain, module, site.cluster(memcached, poll='60s'), counted)
        progress('')
        result['instructions'] = show_instructions(found, counted)
        sys.stdout.flush()

    if keys:
        progress('watching keys')
        spreads = propagation.measure(site, memcached, keys)
        progress('')
        result['propagation'] = show_propagation(spreads)

    result['complaints'] = complaints(result['cpu'])
    return result


def interrupted(number, _):
    raise SystemExit(128 + number)


def main():
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    directory = tempfile.mkdtemp(prefix='sss-bench-')
    try:
        client.build()
        with Site(directory) as site:
            result = run(site)
    except Unfit as e:
        progress('')
        print('bench: %s' % e, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)

    machine.save(RESULT, result)
    print('\nAll numbers: %s' % os.path.relpath(RESULT))
    for complaint in result['complaints']:
        print('bench: %s' % complaint, file=sys.stderr)
    return 1 if result['complaints'] else 0


if __name__ == '__main__':
    sys.exit(main())
