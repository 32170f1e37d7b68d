#!/usr/bin/python3
"""make model: what a fleet asks of memcached, by formulas and as measured.

Starts memcached and more and more nginx hosts on loopback, and then the
staging cluster, reads memcached's statistics, and writes both numbers into
docs/operations.md.  The exit status is 1 if memcached was asked for something
else than the formulas say; no timing decides that.

    MODEL_HOSTS="1 2 4"     numbers of hosts; docs/operations.md is not changed
    MODEL_SECONDS=N         how long each point is measured (40)
    MODEL_SESSIONS=N        sessions that are opened and resumed (1000)
    MODEL_RATES="20 40 80"  handshakes a second through the balancer
"""

import math
import os
import shutil
import signal
import statistics
import sys
import tempfile

import counted
import formulas
import machine
import model_claims
import model_keys
import model_sessions
import model_staging
from hosts import Memcached, REPOSITORY, Site, Unfit

PAGE = os.path.join(REPOSITORY, 'docs', 'operations.md')
BEGIN, END = '<!-- make model: %s -->\n', '<!-- end of make model -->'
FLEETS = ((10, 2), (100, 2), (1000, 2), (10000, 2), (10000, 30))
RATES = ((1000, '1.2', 2), (1000, '1.3', 2), (10000, '1.2', 4),
         (10000, '1.3', 4))
RESUMED = 0.8
RECORD = 298        # bytes of a session's record, see model_sessions.py
WORKERS = 8
CLAIMS = 1000       # flights of early data


class Options:

    def __init__(self, environment):
        hosts = environment.get('MODEL_HOSTS')
        self.write = not hosts
        self.hosts = [int(n) for n in (hosts or '1 2 4 8 16').split()]
        self.seconds = float(environment.get('MODEL_SECONDS') or 40)
        self.sessions = int(environment.get('MODEL_SESSIONS') or 1000)
        self.rates = [float(n) for n in (environment.get('MODEL_RATES')
                                         or '20 40 80').split()]


def say(text=''):
    print(text, flush=True)


def table(head, rows, left=0):
    rule = ['---' if n < left else '---:' for n in range(len(head))]
    return ''.join('| %s |\n' % ' | '.join(row) for row in
                   [head, rule, *rows])


def both(measured, model, form='%.0f'):
    return '%s / %s' % (form % model, form % measured)


def keys_row(point):
    fleet, s = point.fleet(), point.seconds
    spreads = sorted(point.spreads) or [math.nan]
    return [
        str(point.hosts), str(point.workers), str(point.servers),
        both(point.connections, fleet.connections()),
        both(point.counted['cmd_get'] / s, fleet.gets(), '%.1f'),
        both(point.counted['bytes_read'] / s, fleet.read()),
        both(point.counted['bytes_written'] / s, fleet.written()),
        both(max(size for _, size in point.sizes),
             formulas.ring_bytes(fleet.keys)),
        '%.0f / %.0f' % (1e3 * fleet.spread(),
                         1e3 * statistics.mean(spreads)),
        '%.0f' % (1e3 * spreads[-1])]


KEYS_HEAD = ['hosts', 'workers', 'servers', 'connections', 'names/s',
             'read B/s', 'written B/s', 'ring bytes', 'spread ms', 'longest']


def sessions_row(sessions):
    value = round(sessions.value)
    single, many = sessions.model(), sessions.model(64)
    return [
        'TLS ' + sessions.tls, str(sessions.in_flight),
        both(sessions.opened['cmd_set'] / sessions.n,
             model_sessions.FULL[sessions.tls]),
        '%d' % value,
        both(sessions.item, formulas.item_bytes(value)),
        both(sessions.stored(), formulas.store(value,
                                               model_sessions.TIMEOUT)),
        '%.0f-%.0f / %.0f' % (many[0], single[0], sessions.read()),
        '%.0f-%.0f / %.0f' % (many[1], single[1], sessions.written())]


SESSIONS_HEAD = ['', 'in flight', 'stores', 'record', 'item', 'store',
                 'lookup, read', 'lookup, written']


def claims_row(claims):
    cells = [str(claims.n), both(claims.read(), formulas.claim()),
             both(claims.written(), formulas.claimed())]
    for value, item in (min(claims.after.logs.values()), claims.longest()):
        cells += ['%d' % value, both(item, formulas.item_bytes(value))]
    return [*cells, '%.0f' % claims.memory()]


CLAIMS_HEAD = ['claims', 'claim, read', 'claim, written', 'shortest log',
               'item', 'longest log', 'item', 'memory']


def by_server(measured, shares):
    """Formats shares in per cent."""
    all_ = max(1, sum(measured))
    return '%s / %s' % (' '.join('%.0f' % (100 * n) for n in shares),
                        ' '.join('%.0f' % (100 * n / all_)
                                 for n in measured))


def staging_row(point):
    fleet, sessions = point.fleet(), point.sessions()

    def rate(numbers):
        return sum(numbers) / point.servers / point.seconds

    spreads = point.spreads or [math.nan]
    asked = point.expected()[1] / max(1, len(point.handshakes))
    return [
        '%.1f' % point.rate(), '%.0f %%' % (100 * asked),
        both(max(point.connections), fleet.connections()),
        both(point.mean('cmd_get'),
             fleet.gets() + sessions.lookups + sessions.probes(), '%.1f'),
        both(rate(point.lookups()), sessions.lookups, '%.1f'),
        both(rate(point.probes()), sessions.probes(), '%.1f'),
        both(rate(point.stores()), sessions.stores, '%.1f'),
        both(rate(point.removals()), sessions.removals, '%.1f'),
        both(point.mean('bytes_read'), fleet.read() + sessions.read()),
        both(point.mean('bytes_written'),
             fleet.written() + sessions.written()),
        by_server(point.lookups(), point.shares),
        by_server(point.stores(), point.shares),
        both(max(size for *_, size in point.rings),
             formulas.ring_bytes(max(most for _, most, _ in point.rings))),
        '%.0f / %.0f' % (1e3 * fleet.spread(),
                         1e3 * statistics.mean(spreads)),
        '%.0f' % (1e3 * max(spreads))]


STAGING_HEAD = ['handshakes/s', 'look up', 'connections', 'names/s',
                'lookups/s', 'probes/s', 'stores/s', 'removals/s',
                'read B/s', 'written B/s', 'lookups by server, %',
                'stores by server, %', 'ring bytes', 'spread ms', 'longest']


def rate_row(rate, tls, servers, hosts=100, timeout=3600):
    """A row for a fleet of which each session comes back once, to any host."""
    full, again = model_sessions.FULL[tls], model_sessions.AGAIN[tls]
    stores = rate * ((1 - RESUMED) * full + RESUMED * again) / servers
    lookups = rate * RESUMED / servers
    removals = lookups * again
    if tls == '1.2':
        lookups *= (hosts - 1) / hosts
    load = formulas.Sessions(stores, lookups, removals, RECORD, timeout,
                             hosts * WORKERS)
    kept = (stores - removals) * timeout * formulas.item_bytes(RECORD)
    return ['{:,}'.format(rate), 'TLS ' + tls, str(servers),
            '{:,.0f}'.format(load.lookups), '{:,.0f}'.format(load.stores),
            '{:,.0f}'.format(load.removals),
            '%.1f' % ((load.read() + load.written()) * 8 / 1e6),
            '{:,.0f}'.format(kept * 1.25 / 1e6)]


RATES_HEAD = ['handshakes/s', '', 'servers', 'lookups/s', 'stores/s',
              'removals/s', 'Mbit/s', 'MB']


def fleet_row(hosts, poll):
    fleet = formulas.Fleet(hosts, poll, 3600, 300, WORKERS, version=10 ** 7)
    total = fleet.read() + fleet.written()
    return ['{:,}'.format(hosts), '%d s' % poll,
            '{:,}'.format(hosts), '{:,}'.format(fleet.connections()),
            '{:,.0f}'.format(fleet.polls()), '%.2f' % (total * 8 / 1e6),
            '%.1f' % (total * 86400 / 1e9),
            '%.1f' % (total * 86400 / hosts / 1e6),
            '%.1f s' % fleet.spread()]


FLEETS_HEAD = ['hosts', 'poll_interval', 'connections', 'and with IDs',
               'polls/s', 'Mbit/s', 'GB a day', 'MB a day and host',
               'new key spreads in']


def show(head, rows):
    rows = list(rows)
    width = [max(len(row[n]) for row in [head, *rows])
             for n in range(len(head))]
    for row in [head, *rows]:
        say('  ' + '  '.join(field.rjust(n) for field, n in zip(row, width)))
    say()


def put(text, name, rows):
    before, rest = text.split(BEGIN % name)
    _, after = rest.split(END, 1)
    return before + BEGIN % name + rows + END + after


def lonely(points):
    """Seconds of memcached's CPU time for a poll when there are few, without
    its own work.
    """
    one = [point for point in points if point.servers == 1]
    few, many = one[0], one[-1]
    if few is many:
        return few.cpu / few.told['polls']
    return max(0, (many.cpu / many.seconds - few.cpu / few.seconds)
               / (many.told['polls'] / many.seconds
                  - few.told['polls'] / few.seconds))


def run(site, options):
    """{name of a part of the page: its text}, and complaints."""
    say('model / measured')
    say('sessions by ID, opened on one host and redeemed on another, bytes:')
    sessions = model_sessions.measure(site, options.sessions)
    rows = [sessions_row(s) for s in sessions]
    show(SESSIONS_HEAD, rows)
    page = {'sessions': table(SESSIONS_HEAD, rows, 1)}

    say('claims of early data, bytes:')
    claims = model_claims.measure(site, CLAIMS)
    rows = [claims_row(claims)]
    show(CLAIMS_HEAD, rows)
    page['claims'] = table(CLAIMS_HEAD, rows)

    server = Memcached(site, 'connections')
    say('a connection takes %.1f kB of memcached' % (
        counted.connection(server) / 1e3))
    say()
    points, poll = run_keys(site, options)
    rows = [keys_row(point) for point in points]
    show(KEYS_HEAD, rows)
    page['keys'] = table(KEYS_HEAD, rows)

    stages = run_staging(options)
    page['staging'] = table(STAGING_HEAD, map(staging_row, stages))
    page.update(larger())
    page['polls'] = (
        'Over loopback (%s) a poll that wakes memcached takes %.0f us\nof its '
        'CPU, one of many at once %.1f us; 5,000 of these are %.1f %% of a '
        'core for a\nsecond. Each worker tried %.1f times a second to reach '
        'a server that was gone.\n' % (
            machine.processor(), 1e6 * lonely(points), 1e6 * poll,
            5000 * poll * 100, model_sessions.attempts(site)))
    say(page['polls'])
    return page, (
        [text for point in points for text in model_keys.complaints(point)]
        + [text for s in sessions for text in s.complaints()]
        + claims.complaints()
        + [text for p in stages for text in model_staging.complaints(p)])


def run_keys(site, options):
    points = []
    say('keys, for each memcached server; every host looks at them every %g s,'
        % model_keys.POLL)
    say('key_rotation %d s, ssl_session_timeout %d s:'
        % (model_keys.ROTATION, model_keys.TIMEOUT))
    for label, counts, servers, workers in (
            ('one', options.hosts, 1, 1), ('two', options.hosts[-1:], 2, 2)):
        fleet = model_keys.Fleet(site, label, servers, workers)
        for n in counts:
            fleet.grow(min(n, 4) if servers > 1 else n)
            points.append(fleet.measure(options.seconds))
            say('  %s, %d hosts: %d new keys, looked at every %.0f ms; '
                'memcached ran for %.1f ms a second' % (
                    label, len(fleet.hosts), len(points[-1].spreads),
                    1e3 * points[-1].step,
                    1e3 * points[-1].cpu / points[-1].seconds))
        poll = fleet.busy()
        fleet.stop()
    return points, poll


def run_staging(options):
    points = model_staging.measure(options.rates, options.seconds)
    one = points[0]
    say('the staging cluster: %d hosts of %d workers, %d memcached servers; '
        'key_rotation %g s,' % (one.hosts, one.workers, one.servers,
                                one.rotation))
    say('poll_interval %g s, ssl_session_timeout %g s; of each server:'
        % (one.poll, one.timeout))
    for point in points:
        say('  %d handshakes in %.0f s, %d fewer than asked for; %d may have '
            'gone another way' % (len(point.handshakes), point.seconds,
                                  point.skipped, point.unsure()))
    show(STAGING_HEAD, map(staging_row, points))
    return points


def larger():
    """The numbers of the model for larger fleets."""
    say('by the model, key_rotation 1h, ssl_session_timeout 5m, %d workers, '
        'for each server:' % WORKERS)
    fleets = [fleet_row(*fleet) for fleet in FLEETS]
    show(FLEETS_HEAD, fleets)
    say('and sessions by ID of 100 hosts, ssl_session_timeout 1h, %d %% '
        'resumed:' % (100 * RESUMED))
    rates = [rate_row(*rate) for rate in RATES]
    show(RATES_HEAD, rates)
    return {'fleets': table(FLEETS_HEAD, fleets),
            'rates': table(RATES_HEAD, rates)}


def write(page):
    with open(PAGE, encoding='utf-8') as f:
        text = f.read()
    for name, part in page.items():
        text = put(text, name, part)
    with open(PAGE, 'w', encoding='utf-8') as f:
        f.write(text)
    say(os.path.relpath(PAGE))


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    options = Options(os.environ)
    directory = tempfile.mkdtemp(prefix='sss-model-')
    try:
        with Site(directory) as site:
            page, bad = run(site, options)
    except Unfit as e:
        say('model: %s' % e)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)

    if options.write:
        write(page)
    for text in bad:
        say('model: ' + text)
    say('model: %s' % ('%d differences' % len(bad) if bad else 'passed'))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
