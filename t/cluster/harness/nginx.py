"""One nginx host."""

import http.client
import json
import os
import re
import signal
import subprocess

from . import conf, faketime, process

# whatever the program is called; Angie counts configurations
WORKER = re.compile(r'\w+: worker process( #\d+)?')

# lines that must never be logged, whatever a test does to a host
BAD_LINES = ('[emerg]', '[alert]', '[crit]', 'AddressSanitizer',
             'LeakSanitizer', 'runtime error:')


def write_private(file, lines):
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
              'w', encoding='ascii') as f:
        f.write('\n'.join(lines) + '\n')


class Host:

    def __init__(self, lab, build, name, directory):
        self.name = name
        self.directory = directory
        self.build = build
        self.site = lab.network.site()
        self.address = self.site.address
        self.config = conf.Config(build, self.address, directory,
                                  lab.certificates)
        self.environment = {}
        # bad lines that are allowed, since a test causes them
        self.expected = []
        self.pid = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def shift_clock(self, offset, timers=False):
        """Sets the host's clock by libfaketime, to "+20m" or "-20m" for
        example.

        A second call moves the clock of a running host.  Timers are either not
        affected, or see the time pass as well.
        """
        self.environment = faketime.environment(
            self.path('clock'), offset,
            timers or not faketime.clocks_apart())

    def _environment(self):
        """Environment variables of nginx, in addition to those of this
        process.
        """
        environment = dict(self.environment)
        clock = environment.get('LD_PRELOAD')
        if clock and self.build.preload:
            # with AddressSanitizer libfaketime would hang
            environment['ASAN_OPTIONS'] = ':'.join(
                [os.environ.get('ASAN_OPTIONS', ''),
                 'verify_asan_link_order=0']).lstrip(':')
        preload = ' '.join(filter(None, [clock, self.build.preload]))
        if preload:
            environment['LD_PRELOAD'] = preload
        return environment

    def write(self):
        for group in self.config.groups:
            if group.secrets:
                write_private(self.config.secret_file(group), group.secrets)
            if group.password is not None:
                write_private(self.config.auth_file(group), [group.password])
        sanitizers = {name for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS',
                                        'LSAN_OPTIONS') if name in os.environ}
        self.config.environment = sorted({*self._environment(), *sanitizers})
        with open(self.path('nginx.conf'), 'w', encoding='utf-8') as f:
            f.write(self.config.text())

    def command(self, *options):
        return self.site.command(
            ['env', *('%s=%s' % item for item in self._environment().items()),
             self.build.binary, '-p', self.directory + '/', '-c',
             self.path('nginx.conf'),
             *self.build.log_option(self.path('error.log')), *options])

    def start(self):
        self.write()
        # workers inherit the pipe, so waiting for its end would not return
        with open(self.path('start.log'), 'w', encoding='utf-8') as f:
            done = subprocess.run(self.command(), cwd=self.directory,
                                  stdin=subprocess.DEVNULL, stdout=f,
                                  stderr=f, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError('nginx of %s does not start:\n%s\n%s'
                               % (self.name, self.read('start.log'),
                                  self.log()))
        self.pid = self._read_pid('nginx.pid')

    def _read_pid(self, name):
        return process.wait_until(lambda: self._pid(name),
                                  '%s of %s' % (name, self.name))

    def _pid(self, name):
        try:
            return int(self.read(name))
        except (FileNotFoundError, ValueError):
            return None

    def read(self, name):
        with open(self.path(name), encoding='utf-8', errors='replace') as f:
            return f.read()

    def log(self):
        try:
            return self.read('error.log')
        except FileNotFoundError:
            return ''

    def warnings(self, text):
        """The lines of the error log that contain a text."""
        return [line for line in self.log().splitlines() if text in line]

    def workers(self, master=None):
        """The workers that accept connections."""
        return [pid for pid in process.children(master or self.pid)
                if WORKER.fullmatch(process.title(pid))]

    def family(self):
        return [pid for pid in process.inside(self.directory)]

    def stop(self):
        """Ends nginx with TERM, and kills it if that takes too long."""
        if self.pid is None:
            return
        pid, self.pid = self.pid, None
        process.kill(pid, signal.SIGQUIT)
        process.wait_until(lambda: not process.alive(pid),
                           'nginx of %s to end' % self.name)
        process.wait_until(lambda: not self.family(),
                           'every process of %s to end' % self.name)

    def kill(self):
        """Kills all processes, as a power cut would."""
        master, self.pid = self.pid, None
        for _ in range(20):
            # the master first, or it would log how its workers ended
            family = sorted(self.family(), key=lambda pid: pid != master)
            if not family:
                for name in ('nginx.pid', 'nginx.pid.oldbin'):
                    if os.path.exists(self.path(name)):
                        os.unlink(self.path(name))
                return
            for pid in family:
                process.kill(pid)
            process.wait_until(
                lambda: not any(process.alive(pid) for pid in family),
                'killed processes of %s to end' % self.name)

    def reload(self):
        """Returns when all connections go to workers of the new configuration.
        """
        self.write()
        old = set(self.workers())
        mistakes = self.log().count('[emerg]')
        process.kill(self.pid, signal.SIGHUP)

        def renewed():
            if self.log().count('[emerg]') > mistakes:
                raise RuntimeError('%s refuses to reload:\n%s'
                                   % (self.name, self.log()))
            new = self.workers()
            return len(new) == self.config.workers and not old & set(new)

        process.wait_until(renewed, '%s to reload' % self.name)

    def second_master(self):
        """Starts the new binary beside the old one; returns the old one's pid.
        """
        old = self.pid
        process.kill(old, signal.SIGUSR2)
        process.wait_until(lambda: self._pid('nginx.pid.oldbin') == old
                           and self._pid('nginx.pid') not in (None, old),
                           'a second master on ' + self.name)
        self.pid = self._read_pid('nginx.pid')
        process.wait_until(
            lambda: len(self.workers()) == self.config.workers,
            'new workers on ' + self.name)
        return old

    def upgrade(self):
        """Replaces the binary without losing a connection."""
        old = self.second_master()
        process.kill(old, signal.SIGQUIT)
        process.wait_until(lambda: not process.alive(old),
                           'the old master of %s to end' % self.name)

    def get(self, path):
        c = http.client.HTTPConnection(self.address, conf.STATUS_PORT,
                                       timeout=30)
        try:
            c.request('GET', path)
            answer = c.getresponse()
            body = answer.read().decode()
        finally:
            c.close()
        if answer.status != 200:
            raise RuntimeError('%s: %s: %d' % (self.name, path,
                                               answer.status))
        return body

    def status(self):
        return json.loads(self.get('/status'))

    def group(self, name='main'):
        """The status of one cluster."""
        for group in self.status()['clusters']:
            if group['name'] == name:
                return group
        raise KeyError(name)

    def keys(self, name='main'):
        """The short names of a cluster's keys."""
        return {key['name'] for key in self.group(name)['keys']}

    def bad_lines(self):
        return [line for line in self.log().splitlines()
                if any(mark in line for mark in BAD_LINES)
                and not any(text in line for text in self.expected)]

    def close(self):
        try:
            self.stop()
        finally:
            self.kill()
            self.site.close()
