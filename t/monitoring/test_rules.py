"""docs/prometheus.rules.yml: each alert where it should be, and no other.

Two hosts of a cluster, h1 and h2. All is well with h2, and h1 has what a
scenario says. promtool reads that as a file of its own format, which is made
here: of the 22 metrics of a host a scenario changes one.
"""

import os
import re
import subprocess
from dataclasses import dataclass, field

import pytest

from harness import conf

RULES = os.path.join(conf.REPOSITORY, 'docs', 'prometheus.rules.yml')
PREFIX = 'ssl_session_sync_'
HOST = 'job="tls",cluster="main"'

# of a host, a sample a minute: metric and labels, and its values
WELL = {
    'state{state="ok"}': '1x120',
    'key_starts_seconds{name="aaaa",role="current"}': '0x60 3600x59',
    'foreign_secret{}': '0x120',
    'group_wait_seconds{}': '0x120',
    'group_joins_total{result="given_up"}': '0x120',
    'group_mixed{}': '0x120',
    'generation{}': '1x120',
    'generation_configured{}': '1x120',
    'server_clock_diff_seconds{server="m"}': '1x120',
    'clock_warning{}': '0x120',
    'server_up{server="m"}': '1x120',
    'server_whole{server="m"}': '1x120',
    'server_trouble{server="m",trouble=""}': '0x120',
    'server_bad_records_total{server="m"}': '0x120',
    'sessions_total{event="bad_records"}': '0x120',
    'sessions_total{event="dropped"}': '0x120',
    'sessions_total{event="forged"}': '0+1x120',
    'early_data_total{event="accepted"}': '0+60x120',
    'early_data_total{event="unsure"}': '0+1x120',
    'breakers_open{}': '0x120',
    'handshakes_total{event="full"}': '0+60x120',
    'handshakes_total{event="resumed_ticket"}': '0+180x120',
}


@dataclass
class Scenario:
    """"alert" fires "at" a time, with these labels, and not "before"."""

    name: str
    change: dict = field(default_factory=dict)
    alert: str = None
    labels: str = ''
    at: str = '30m'
    before: str = '0m'
    severity: str = 'warning'
    of_cluster: bool = False        # no host's alert
    everywhere: bool = False        # h2 is no better than h1

    def series(self, host):
        values = dict(WELL)
        if host == 'h1' or self.everywhere:
            for old, new in self.change.items():
                del values[old]
                values.update(new)
        for metric, samples in values.items():
            name, labels = metric.rstrip('}').split('{')
            yield '%s%s{%s}' % (PREFIX, name, ','.join(filter(
                None, [HOST, 'instance="%s"' % host, labels]))), samples

    def expected(self):
        if self.alert is None:
            return []
        labels = ['alertname="SessionSync%s"' % self.alert,
                  'alertstate="firing"', HOST,
                  'severity="%s"' % self.severity]
        if self.labels:
            labels.append(self.labels)
        if self.of_cluster:
            return ['ALERTS{%s}' % ','.join(labels)]
        return ['ALERTS{%s,instance="%s"}' % (','.join(labels), host)
                for host in ('h1', 'h2')[:2 if self.everywhere else 1]]


def other(metric, values):
    """The same metric with other values."""
    return {metric: {metric: values}}


SCENARIOS = [
    Scenario('well', at='59m'),
    Scenario('well, after a rotation', at='1h55m'),
    Scenario('cut off',
             {'state{state="ok"}': {'state{state="cut off"}': '1x120'}},
             'State', 'state="cut off"', '2m', '1m'),
    Scenario('joining',
             {'state{state="ok"}': {'state{state="joining"}': '1x120'}},
             'State', 'state="joining"', '2m', '1m'),
    Scenario('one host, no memcached',
             {'state{state="ok"}': {'state{state="local"}': '1x120'}}),
    Scenario('no key',
             {'key_starts_seconds{name="aaaa",role="current"}': {}},
             'NoKey', 'state="ok"', '1m', severity='critical'),
    Scenario('a key stays',
             other('key_starts_seconds{name="aaaa",role="current"}', '0x130'),
             'KeyOld', 'name="aaaa",role="current"', '2h1m', '2h',
             everywhere=True),
    Scenario('keys differ',
             {'key_starts_seconds{name="aaaa",role="current"}':
              {'key_starts_seconds{name="bbbb",role="current"}': '0x120'}},
             'KeysDiffer', '', '10m', '9m', of_cluster=True),
    Scenario('another secret', other('foreign_secret{}', '1x120'),
             'ForeignSecret', '', '10m', '9m'),
    Scenario('waits', other('group_wait_seconds{}', '0+15x120'),
             'Join', '', '3m', '2m'),
    Scenario('waits in vain, again and again',
             other('group_joins_total{result="given_up"}', '0+1x120'),
             'Groups', 'result="given_up"'),
    Scenario('waited in vain, once',
             other('group_joins_total{result="given_up"}', '0x20 1x99'),
             at='25m'),
    Scenario('forward_secrecy differs', other('group_mixed{}', '1x120'),
             'Mixed', '', '10m', '9m'),
    Scenario('generation was raised', other('generation{}', '2x120'),
             'Generation', '', '1h', '59m', severity='info'),
    Scenario("memcached's clock",
             other('server_clock_diff_seconds{server="m"}', '-61x120'),
             'Clock', 'server="m"', '5m', '4m'),
    Scenario("hosts' clocks", other('clock_warning{}', '1x120'),
             'Clock', '', '5m', '4m'),
    Scenario('memcached is down', other('server_up{server="m"}', '0x120'),
             'Server', 'server="m"', '5m', '4m'),
    Scenario('memcached lacks keys',
             other('server_whole{server="m"}', '0x120'),
             'Server', 'server="m"', '5m', '4m'),
    Scenario('memcached takes no keys',
             {'server_trouble{server="m",trouble=""}':
              {'server_trouble{server="m",trouble="full"}': '1x120'}},
             'Trouble', 'server="m",trouble="full"', '5m', '4m'),
    Scenario('records do not open',
             other('server_bad_records_total{server="m"}', '0x20 1x99'),
             'BadRecords', 'server="m"', '25m', '19m'),
    Scenario('sessions do not open',
             other('sessions_total{event="bad_records"}', '0x20 1x99'),
             'BadRecords', 'event="bad_records"', '25m', '19m'),
    Scenario('workers ask no memcached', other('breakers_open{}', '2x120'),
             'Breaker', '', '1m'),
    Scenario('sessions are dropped',
             other('sessions_total{event="dropped"}', '0+5x120'),
             'Dropped', 'event="dropped"', '10m', '5m'),
    Scenario("somebody else's IDs",
             other('sessions_total{event="forged"}', '0+60x120'),
             'Forged', '', '15m', '10m'),
    Scenario('early data that may have come before',
             other('early_data_total{event="unsure"}', '0+30x120'),
             'EarlyData', '', '30m', '9m'),
    Scenario('few resume',
             other('handshakes_total{event="resumed_ticket"}',
                   '0+180x60 10800x60'),
             'FewResume', '', '1h29m', '1h5m', of_cluster=True,
             everywhere=True),
]


def expression(query, when, samples):
    lines = ['  - expr: ' + query, '    eval_time: ' + when]
    if samples:
        lines.append('    exp_samples:')
    for labels, value in samples:
        lines += ["    - labels: '%s'" % labels, '      value: %s' % value]
    return lines


def promtool(*arguments):
    done = subprocess.run(
        ['promtool', *arguments], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=120, check=False)
    return done.returncode, done.stdout


def run(tmp_path, scenarios, *more):
    """What promtool says of the scenarios."""
    lines = ['rule_files:', '- ' + RULES, 'evaluation_interval: 1m',
             'tests:']
    for scenario in scenarios:
        lines += ['- name: "%s"' % scenario.name, '  interval: 1m',
                  '  input_series:']
        for host in ('h1', 'h2'):
            for series, values in scenario.series(host):
                lines += ["  - series: '%s'" % series,
                          "    values: '%s'" % values]
        firing = 'ALERTS{alertstate="firing"}'
        lines += ['  promql_expr_test:', *more]
        if scenario.alert:
            lines += expression(firing, scenario.before, [])
        lines += expression(firing, scenario.at, [
            (labels, 1) for labels in scenario.expected()])
    file = tmp_path / 'rules.test.yml'
    file.write_text('\n'.join(lines) + '\n')
    return promtool('test', 'rules', str(file))


def test_check():
    status, text = promtool('check', 'rules', RULES)
    assert status == 0, text


def test_scenarios(tmp_path):
    status, text = run(tmp_path, SCENARIOS)
    assert status == 0, text


@pytest.mark.parametrize('expected', [None, 'Mixed', 'Clock'])
def test_that_can_fail(tmp_path, expected):
    """A scenario of which something else is expected is no success."""
    wrong = Scenario('wrong', other('clock_warning{}', '1x120'), expected,
                     '', '5m', '4m')
    status, text = run(tmp_path, [wrong])
    assert (status == 0) == (expected == 'Clock'), text


def test_ratio(tmp_path):
    """Three of four handshakes of WELL resume a session."""
    name = 'cluster:ssl_session_sync_resumed:ratio_rate5m'
    status, text = run(tmp_path, SCENARIOS[:1], *expression(
        name, '59m', [('%s{%s}' % (name, HOST), 0.75)]))
    assert status == 0, text


def test_every_alert():
    """Each has a scenario, says what is wrong and what to do, and is in the
    documentation."""
    with open(RULES, encoding='utf-8') as f:
        rules = re.split(r'(?m)^  - (?=alert|record)', f.read())[1:]
    alerts = {re.match(r'alert: SessionSync(\w+)', rule)[1]: rule
              for rule in rules if rule.startswith('alert')}
    assert set(alerts) == {scenario.alert for scenario in SCENARIOS
                           if scenario.alert}
    for rule in alerts.values():
        assert re.search(r'(?m)^      severity: (critical|warning|info)$',
                         rule), rule
        assert re.search(r'(?m)^      summary: "\S', rule), rule
        assert re.search(r'(?m)^      description: >-\n {8}\S', rule), rule
    with open(os.path.join(conf.REPOSITORY, 'docs', 'operations.md'),
              encoding='utf-8') as f:
        told = re.findall(r'(?m)^\| `SessionSync(\w+)`', f.read())
    assert sorted(told) == sorted(alerts)
