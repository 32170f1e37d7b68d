#!/usr/bin/python3
"""The cost of sharing keys and sessions: nginx with the module beside others.

Environment variables, with their defaults in parentheses:

BENCH_ROUNDS        most rounds of measurements (20)
BENCH_SLICES        slices in a round (20); half as many if slices are long
BENCH_HANDSHAKES    handshakes in a slice (100); at least four times those in
                    flight
BENCH_SECONDS       seconds after which no further round begins, for all
                    tables together (800)
BENCH_URGENCY       by how much its processes are less nice than others (10)
BENCH_ONLY          a regular expression that selects "row: variant"; Worker,
                    Starts and Steps are tables without rows
BENCH_SESSIONS      most live sessions while scaling is measured (100000)
BENCH_SPLIT=1       also prints CPU time by process and thread
BENCH_INSTRUCTIONS  handshakes counted under callgrind (30), 0: none
BENCH_KEYS          keys whose way to all hosts is timed (5), 0: none
BENCH_SERVERS       servers of a host whose start and reload are measured
                    (2000), 0: none; BENCH_ROUNDS applies, up to 8

The exit status is 0 however slow anything was, and 1 if something could not
run, a handshake failed or a session did not resume.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time

import client
import compare
import early
import ids
import instructions
import machine
import mass
import memory
import propagation
import ratios
import residents
import scaling
import secured
import servers
import starts
import steps
import tables
import tickets
from hosts import (CORES, Host, Memcached, Site, Unfit, REPOSITORY,
                   settle)

SHARES = {'Tickets': 0.2, 'Early data': 0.1, 'Sessions by ID': 0.3,
          'Peers': 0.25, 'Scaling': 0.1,
          'TLS to memcached': 0.05}     # of the time for all tables
FROZEN_LOOKUP = '50ms'      # the default of the module
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
        print('  %-14s %s' % (name, value))
    return dict(found)


def show_rows(site, title, rows, options):
    """Measures the chosen ones of the rows, and prints them."""
    rows = ratios.chosen(rows, title)
    if not rows:
        return []
    plan = ratios.Plan(options.rounds, options.slices, options.handshakes,
                       options.seconds * SHARES[title], site.other_core)
    stolen = machine.Stolen(site.server_core)
    found = ratios.measure(rows, plan, progress)
    progress('')
    slices = max(len(one.cpu) for _, series in found
                 for one in series.values())
    heading('%s: server CPU per handshake, %d slices of %d handshakes'
            % (title, slices, options.handshakes))
    result = tables.describe(found)
    tables.show(result, options.split)
    options.stolen[title] = stolen.share()
    print('  %.1f %% of the time of the servers\' core went to other machines'
          % (100 * options.stolen[title]))
    sys.stdout.flush()
    return result


def show_instructions(found, handshakes):
    heading('Instructions per handshake in user space, %d handshakes under '
            'callgrind' % handshakes)
    print('  %-40s%12s%12s%12s%12s%9s%8s'
          % ('', 'plain nginx', 'module:', 'other', 'memcached', 'ratio',
             'target'))
    print('  %-40s%12s%12s%12s' % ('', '', 'worker', 'threads'))
    result = []
    for work, plain, module in found:
        result.append({'work': work.title, 'plain': plain, 'module': module,
                       'ratio': sum(module) / plain, 'target': work.target})
        print('  %-40s%12s%12s%12s%12s%9.4f%8.2f' % (
            work.title, *('{:,.0f}'.format(n) for n in (plain, *module)),
            sum(module) / plain, work.target))
    return result


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


def show_early(rows, counted):
    heading('Early data beside plain nginx: its early data, and its tickets '
            'with a round trip more')
    print('  %-44s%-19s%9s%11s%22s%11s%22s%12s' % (
        '', '', 'accepted', 'CPU ratio', 'p50 beyond, us', 'to 1-RTT',
        'p50 beyond, us', 'longest ms'))
    for row, beside in early.compared(rows):
        cells = []
        for found in beside.values():
            cells += ['', ''] if found is None else [
                '%.3f' % found['ratio'][0],
                '%+.0f (p99 %+.0f)' % (found['beyond_us']['p50'][0],
                                       found['beyond_us']['p99'][0])]
        print('  %-44s%-19s%9s%11s%22s%11s%22s%12.1f' % (
            row['work'] if row['base'] else '', row['variant'],
            '%.1f %%' % (100 * row['resumed'] / max(row['handshakes'], 1))
            if early.offered(row) else '',
            *cells, row['longest_us'] / 1e3))
    print('  the host has counted: %s' % ', '.join(
        '%s %d' % item for item in counted.items() if item[1]))


def show_servers(found):
    heading('Start and reload of a host with %d servers by name, %s'
            % (found['servers'], scaling.plural(found['rounds'], 'round')))
    print('  %-33s%-8s%12s%10s%8s  %-13s%8s%8s'
          % ('', '', 'plain nginx', 'module', 'ratio', '95 %', 'again',
             'target'))
    for row in found['rows']:
        print('  %-33s%-8s%12s%10s%8.3f  %-13s%8.3f%8.2f %s' % (
            row['what'], row['unit'],
            *('{:,.0f}'.format(row[name]) for name in ('plain', 'module')),
            row['ratio'], tables.between(row['interval']), row['again'],
            row['target'], row['verdict']))


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
    size, used = memory.zone(module.worker, cluster['ring_capacity'])
    print('  zone                   %d kB, %s kB of it touched; %d keys in '
          'it, room for %d' % (size, '?' if used is None else used,
                               len(cluster['keys']),
                               cluster['ring_capacity']))
    result['zone'] = {'size_kb': size, 'touched_kb': used,
                      'keys': len(cluster['keys']),
                      'capacity': cluster['ring_capacity']}
    return result


def show_residents(found):
    heading('A worker, with %d memcached servers' % found['servers'])
    print('  %-24s%-14s%14s%14s%10s%12s%10s'
          % ('', '', 'to memcached', 'descriptors', 'threads', 'private kB',
             'Rss kB'))
    for row in found['rows']:
        print('  %-24s%-14s%14d%14d%10d%12s%10s' % (
            row['host'], row['variant'], row['connections'],
            row['descriptors'], row['threads'], row['private_kb'],
            row['rss_kb']))


def show_starts(found):
    heading('From the start, or the signal to reload, to the first answer, %s'
            % scaling.plural(found['rounds'], 'round'))
    print('  %-10s%-28s%10s%12s%10s  %s'
          % ('', '', 'ms', 'longest ms', 'ratio', '95 %'))
    for row in found['rows']:
        print('  %-10s%-28s%10.1f%12.1f%10.3f  %s' % (
            row['what'], row['variant'], row['ms'], row['longest_ms'],
            row['ratio'], tables.between(row['interval'])))


def show_mass(rows):
    heading('Hosts that start at once on 3 empty servers, simulated; requests '
            'at a server')
    for line in mass.lines(rows):
        print(line)


def show_steps(found):
    heading('Steps of a poll with %d keys, CPU us, median of %s'
            % (found['keys'], scaling.plural(found['rounds'], 'round')))
    print('  %-28s%-24s%8s%12s' % ('', '', 'steps', 'longest us'))
    for row in found['rows']:
        print('  %-28s%-24s%8d%12.0f' % (row['case'], row['kind'], row['n'],
                                         row['us']))
    print('  longest of all: %.0f us, target %d: %s'
          % (found['longest_us'], found['target_us'], steps.verdict(found)))


def show_polls(found):
    heading('A poll of the keys, CPU us, both at the same time')
    for label, spent in found.items():
        print('  %-28sworker %8.1f   memcached %8.1f   ratio %.3f' % (
            label, *spent, sum(spent) / sum(found[secured.PLAIN])))


def show_secured(rows):
    heading('Instructions of the worker in user space')
    print('  %-36s%26s%26s%9s' % ('', secured.PLAIN, secured.SECURE,
                                  'ratio'))
    for row in rows:
        print('  %-36s%26s%26s%9.4f' % (
            row['what'], *('{:,.0f}'.format(row[label]) for label in (
                secured.PLAIN, secured.SECURE)), row['ratio']))


class Options:
    """The environment."""

    def __init__(self):
        self.rounds = max(setting('BENCH_ROUNDS', 20), 1)
        self.slices = max(setting('BENCH_SLICES', 20), 1)
        self.handshakes = max(setting('BENCH_HANDSHAKES', 100), 1)
        self.seconds = setting('BENCH_SECONDS', 800)
        self.stolen = {}
        self.counted = setting('BENCH_INSTRUCTIONS', 30)
        self.keys = setting('BENCH_KEYS', 5)
        self.servers = setting('BENCH_SERVERS', 2000)
        self.sessions = setting('BENCH_SESSIONS', 100000)
        self.split = setting('BENCH_SPLIT', 0)


def tickets_part(site, memcached, options):
    cluster = site.cluster(memcached)
    plain, again = Host(site, 'plain'), Host(site, 'again')
    module, other = Host(site, 'module', cluster), Host(site, 'other',
                                                        cluster)
    settle(module, other)
    result = {'tickets': show_rows(
        site, 'Tickets', tickets.rows(plain, again, module, other), options)}
    if ratios.wanted('Memory'):
        result['memory'] = show_memory(plain, module)
    site.stop([host.process for host in (plain, again, module, other)])
    return result


def early_part(site, memcached, options):
    if not early.wanted():
        return {}
    cluster = site.cluster(memcached, namespace='early')
    plain, again = (Host(site, label, more=early.MORE)
                    for label in ('plain-early', 'again-early'))
    module, other = (Host(site, label, cluster, more=early.MORE)
                     for label in ('module-early', 'other-early'))
    freezing = Memcached(site, 'memcached-early')
    quick = Host(site, 'quick-early', site.cluster(
        freezing, namespace='early', lookup=FROZEN_LOOKUP), more=early.MORE)
    settle(module, other)
    settle(quick)
    progress('waiting until early data is accepted')
    early.wait(module, other, quick)
    before = early.counts(module)
    found = show_rows(
        site, 'Early data', early.rows(plain, again, module, other, quick,
                                       memcached, freezing), options)
    after = early.counts(module)
    site.stop([host.process for host in (plain, again, module, other,
                                         quick)])
    site.stop([freezing.process])
    if not found:
        return {}
    counted = {name: after[name] - before[name] for name in after}
    show_early(found, counted)
    return {'early': found, 'early_counted': counted,
            'early_wrong': early.complaints(before, after, found)}


def ids_part(site, memcached, options):
    cluster = site.cluster(memcached, namespace='ids')
    plain, again = (Host(site, label, cache='64m')
                    for label in ('plain-ids', 'again-ids'))
    module, other = (Host(site, label, cluster, cache='64m')
                     for label in ('module-ids', 'other-ids'))
    apart = compare.module(site, 'ids-apart', Memcached(
        site, 'memcached-apart', core=site.other_core))
    quick = compare.module(site, 'ids-quick', Memcached(
        site, 'memcached-freezing'), lookup=FROZEN_LOOKUP)
    settle(module, other)
    result = {'ids': show_rows(
        site, 'Sessions by ID',
        ids.rows(plain, again, module, other, memcached, apart, quick),
        options)}
    site.stop([host.process for host in (plain, again, module, other)])
    for pair in apart, quick:
        site.stop([*pair.processes(), pair.memcached.process])
    return result


def peers_part(site, options):
    if not any(ratios.wanted('Peers, ' + work.title)
               for work in compare.WORKS) and not ratios.wanted('Frozen'):
        return {}
    progress('starting peers')
    memcached = Memcached(site, 'memcached-module')
    backend = Host(site, 'backend', core=site.other_core)
    pairs, absent = compare.start(site, memcached, backend.port)
    rows, wrong = compare.rows(pairs, absent, site.other_core, progress)
    found = {'peers': show_rows(site, 'Peers', rows, options),
             'wrong': wrong}
    if ratios.wanted('Frozen'):
        pairs.append(compare.module(site, 'quick', memcached,
                                    lookup=FROZEN_LOOKUP))
        found['frozen'] = compare.frozen(pairs[:-1], pairs[-1],
                                         site.other_core, progress)
        progress('')
        show_frozen(found['frozen'])
    for pair in pairs:
        site.stop(pair.processes())
    site.stop([backend.process, memcached.process])
    return found


def show_frozen(rows):
    heading('While memcached is frozen, TLS 1.2, %d handshakes at once, %d s'
            % (compare.FROZEN, compare.FROZEN_PATIENCE))
    print('  %-40s%-20s%8s%9s%10s%12s' % ('', '', 'done', 'resumed', 'p50 ms',
                                          'longest ms'))
    for row in rows:
        print('  %-40s%-20s%8d%9d%10s%12s  %s' % (
            row['work'], row['variant'], row['done'], row['resumed'],
            *('%.1f' % (row['latency_us'][name] / 1e3)
              if row['latency_us'] else '' for name in ('p50', 'max')),
            ', '.join(row['reasons'])))


def scaling_part(site, options):
    if not ratios.wanted('Scaling'):
        return {}
    stage = scaling.Stage(site)
    progress('starting hosts')
    rows = [scaling.workers(stage), scaling.hosts(stage),
            scaling.memcached(stage),
            scaling.sessions(stage, options.sessions, progress)]
    found = show_rows(site, 'Scaling', rows, options)
    site.stop(stage.processes)
    return {'scaling': found}


def instructions_part(site, options):
    if not options.counted or not instructions.available():
        return {}
    progress('counting instructions')
    found = instructions.measure(site, options.counted)
    progress('')
    return {'instructions': show_instructions(found, options.counted)} \
        if found else {}


def propagation_part(site, memcached, options):
    if not options.keys or not ratios.wanted('Propagation'):
        return {}
    progress('watching keys')
    spreads = propagation.measure(site, memcached, options.keys)
    progress('')
    return {'propagation': show_propagation(spreads)}


def servers_part(site, memcached, options):
    if not options.servers or not ratios.wanted('Servers'):
        return {}
    found = servers.measure(site, memcached, options.servers,
                            min(options.rounds, servers.ROUNDS), progress)
    progress('')
    show_servers(found)
    return {'servers': found}


def secured_part(site, options):
    if not ratios.wanted('TLS to memcached'):
        return {}
    progress('starting hosts')
    pairs = secured.start(site)
    result = {'secured': show_rows(site, 'TLS to memcached',
                                   secured.rows(pairs), options)}
    for pair in pairs.values():
        site.stop(pair.processes())
    progress('polling')
    result['secured_polls'] = secured.cpu(site)
    progress('')
    show_polls(result['secured_polls'])
    if options.counted and instructions.available():
        progress('counting instructions')
        result['secured_instructions'] = secured.counted(site,
                                                         options.counted)
        progress('')
        show_secured(result['secured_instructions'])
    return result


def worker_part(site, options):
    result = {}
    if ratios.wanted('Worker'):
        result['residents'] = residents.measure(site)
        show_residents(result['residents'])
    if ratios.wanted('Starts'):
        result['starts'] = starts.measure(
            site, min(options.rounds, starts.ROUNDS), progress)
        progress('')
        show_starts(result['starts'])
    if ratios.wanted('Mass'):
        result['mass'] = mass.measure()
        show_mass(result['mass'])
    if ratios.wanted('Steps'):
        result['steps'] = steps.measure(site.server_core)
        show_steps(result['steps'])
    return result


def settings():
    """What the environment says."""
    return ['%s=%s' % item for item in sorted(os.environ.items())
            if item[0].startswith('BENCH_')]


def run(site):
    options = Options()
    result = {'machine': show_machine(site), 'settings': settings(),
              'frozen_patience': compare.FROZEN_PATIENCE,
              'handshakes': options.handshakes, 'slices': options.slices,
              'time': int(time.time())}
    sys.stdout.flush()

    unfit = []
    memcached = Memcached(site)
    for part in (
            lambda: tickets_part(site, memcached, options),
            lambda: early_part(site, memcached, options),
            lambda: ids_part(site, memcached, options),
            lambda: peers_part(site, options),
            lambda: scaling_part(site, options),
            lambda: instructions_part(site, options),
            lambda: propagation_part(site, memcached, options),
            lambda: servers_part(site, memcached, options),
            lambda: secured_part(site, options),
            lambda: worker_part(site, options)):
        try:
            result.update(part())
        except Unfit as e:
            # the others are worth having
            progress('')
            unfit.append(str(e))

    print('\n"plain nginx again" is a second plain nginx: how far its ratio '
          'is from 1 is what\nthis run cannot tell apart.')
    result['stolen'] = options.stolen
    result['complaints'] = unfit + [
        complaint for part in ('tickets', 'early', 'ids', 'peers', 'scaling',
                               'secured')
        for complaint in tables.complaints(result.get(part, []))]
    for name in 'wrong', 'early_wrong':
        result['complaints'] += result.pop(name, [])
    return result


def come_first():
    """This process works while clients wait, and not where servers do; what
    it starts is not to be pushed aside by what else runs.
    """
    if CORES[1:]:
        os.sched_setaffinity(0, {CORES[1]})
    with contextlib.suppress(PermissionError):
        os.nice(-setting('BENCH_URGENCY', 10))


def interrupted(number, _):
    raise SystemExit(128 + number)


def main():
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    directory = tempfile.mkdtemp(prefix='sss-bench-')
    try:
        come_first()
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
