"""make staging starts and stops twice, and leaves nothing behind."""

import os
import re
import subprocess
import sys

import pytest

from harness import conf, process

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture
def command(tmp_path):
    """Runs staging.py with a small cluster."""
    settings = tmp_path / 'small.conf'
    with open(os.path.join(HERE, 'staging.conf'), encoding='utf-8') as f:
        text = f.read()
    for name, number in (('hosts', 2), ('memcached', 1), ('clients', 1)):
        text = re.sub(r'(?m)^%s *=.*' % name, '%s = %d' % (name, number),
                      text)
    settings.write_text(text)
    name = 'test-%d' % os.getpid()

    def run(what, **environment):
        done = subprocess.run(
            [sys.executable, '-B', os.path.join(HERE, 'staging.py'), what],
            env={**os.environ, 'NAME': name, 'STAGING': str(settings),
                 **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout

    run.directory = os.path.join(conf.REPOSITORY, 'build', 'staging-' + name)
    yield run
    run('down')


def shown(text, label):
    """The address of a machine in the output."""
    return re.search(r'(?m)^  %s +(\S+) ' % label, text).group(1)


@pytest.mark.parametrize('loopback', ['', '1'])
def test_twice(command, lab, loopback):
    first = command('up', SSS_LOOPBACK=loopback)
    if loopback or lab.why_no_namespaces:
        assert 'namespaces are not allowed' in first
    else:
        assert 'Every machine is a network namespace' in first
    second = command('up', SSS_LOOPBACK=loopback)
    assert second == 'It runs already.\n' + first

    def there(machine, *argv):
        return process.run([os.path.join(command.directory, 'in'), machine,
                            *argv])

    # each host answers through the balancer, and sessions resume
    where = '%s:%d' % (shown(first, 'lb'), conf.PORT[conf.HTTP])
    file = os.path.join(command.directory, 'session.pem')
    ask = ['openssl', 's_client', '-connect', where, '-tls1_2', '-servername',
           'a.example']
    assert 'New, TLSv1.2' in there('c1', *ask, '-sess_out', file)
    for _ in range(2):
        assert 'Reused, TLSv1.2' in there('c1', *ask, '-sess_in', file)
    seen = {re.search(r'host=(\S+)', there(
        'c1', 'curl', '-sk', 'https://%s/' % where)).group(1)
        for _ in range(4)}
    assert seen == {'h1', 'h2'}

    files = re.search(r'(?m)^files +(\S+)$', first).group(1)
    assert process.inside(files)
    assert command('down') == 'The staging cluster is gone.\n'
    assert not process.inside(files)
    assert not os.path.exists(os.path.dirname(files))
    assert not os.path.exists(command.directory)
    assert command('down') == 'The staging cluster does not run.\n'
