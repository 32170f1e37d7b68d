"""A Prometheus that scrapes as docs/operations.md says, and its API."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from harness import conf, process

PORT = 9090
DOCS = os.path.join(conf.REPOSITORY, 'docs')


def documented():
    """The configuration on the page."""
    with open(os.path.join(DOCS, 'operations.md'), encoding='utf-8') as f:
        return re.search(r'```yaml\n(scrape_configs:\n.*?)```', f.read(),
                         re.S)[1]


class Prometheus:
    """A context. Rules and scrapes are more frequent than usual."""

    def __init__(self, address, directory, hosts):
        self.address = '%s:%d' % (address, PORT)
        self.directory = directory
        self.targets = ['%s:%d' % (host.address, conf.STATUS_PORT)
                        for host in hosts]
        self.child = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def _configuration(self):
        text = documented()
        for old, new in (
                (r'targets: \[.*\]', 'targets: [%s]' % ', '.join(
                    "'%s'" % target for target in self.targets)),
                (r'metrics_path: /session_sync', 'metrics_path: /status'),
                (r'- prometheus\.rules\.yml', '- %s/prometheus.rules.yml'
                 % DOCS)):
            text, count = re.subn(old, new, text)
            assert count == 1, old
        return ('global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n'
                '  evaluation_interval: 1s\n' + text)

    def __enter__(self):
        with open(self.path('prometheus.yml'), 'w', encoding='ascii') as f:
            f.write(self._configuration())
        process.run(['promtool', 'check', 'config',
                     self.path('prometheus.yml')])
        with open(self.path('log'), 'wb') as log:
            self.child = subprocess.Popen(
                ['prometheus', '--config.file=prometheus.yml',
                 '--storage.tsdb.path=data', '--web.listen-address='
                 + self.address, '--log.level=warn'],
                cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        try:
            process.wait_until(self._ready, 'Prometheus to be ready')
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.child.terminate()
        try:
            self.child.wait(30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def _ready(self):
        if self.child.poll() is not None:
            with open(self.path('log'), encoding='utf-8') as f:
                raise RuntimeError('Prometheus ended:\n' + f.read())
        try:
            return self._get('/-/ready') is not None
        except OSError:
            return False

    def _get(self, path):
        with urllib.request.build_opener(urllib.request.ProxyHandler(
                {})).open('http://%s%s' % (self.address, path),
                          timeout=30) as answer:
            return answer.read().decode()

    def api(self, path, **arguments):
        """What it answers; an error is one of the test."""
        query = urllib.parse.urlencode(arguments, doseq=True)
        try:
            answer = json.loads(self._get('/api/v1/%s?%s' % (path, query)))
        except urllib.error.HTTPError as error:
            raise AssertionError('%s: %s' % (arguments or path,
                                             error.read().decode())) from error
        assert answer['status'] == 'success', answer
        assert not answer.get('warnings'), answer
        return answer['data']

    def query(self, expression):
        """[(labels, value)] of now."""
        return [(sample['metric'], float(sample['value'][1]))
                for sample in self.api('query', query=expression)['result']]
