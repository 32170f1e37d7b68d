"""What an orchestrator does to pods, as docs/kubernetes.md describes it."""

import os
import re
import secrets
import shutil
import subprocess

import pytest
import yaml

from harness import clients, conf, dns, load, process, sessions
from harness import staging, steady

PAGE = os.path.join(conf.REPOSITORY, 'docs', 'kubernetes.md')


def manifests():
    """Each object of the page's YAML."""
    with open(PAGE, encoding='utf-8') as f:
        blocks = re.findall(r'```yaml\n(.*?)```', f.read(), re.S)
    return [one for block in blocks for one in yaml.safe_load_all(block)]


def find(kind, name):
    found, = [one for one in manifests()
              if (one['kind'], one['metadata']['name']) == (kind, name)]
    return found


def lay(volume, files, mode):
    """Puts files into a directory as the volume of a Secret has them.

    Names are symbolic links through the link "..data" to a directory of this
    version.  An update replaces "..data" in one step.
    """
    version = os.path.join(volume, '..' + secrets.token_hex(4))
    os.mkdir(version)
    for name, text in files.items():
        path = os.path.join(version, name)
        with open(path, 'w', encoding='ascii') as f:
            f.write(text)
        os.chmod(path, mode)
        link = os.path.join(volume, name)
        if not os.path.lexists(link):
            os.symlink('..data/' + name, link)
    os.symlink(os.path.basename(version), os.path.join(volume, '..new'))
    os.replace(os.path.join(volume, '..new'), os.path.join(volume, '..data'))


def test_names_in_the_manifests():
    """The volumes, Secrets and names that nginx.conf uses exist."""
    pod = find('Deployment', 'nginx')['spec']['template']['spec']
    container, = pod['containers']
    mounts = {m['name']: m['mountPath'] for m in container['volumeMounts']}
    assert mounts.keys() == {v['name'] for v in pod['volumes']}
    text = find('ConfigMap', 'nginx')['data']['nginx.conf']
    for name in ('session-sync', 'tls'):
        assert ' %s/' % os.path.basename(mounts[name]) in text
        volume, = [v for v in pod['volumes'] if v['name'] == name]
        assert volume['secret']['defaultMode'] == 0o400
    service = find('Service', 'memcached')
    assert service['spec']['clusterIP'] == 'None'
    assert service['spec']['selector'] == find(
        'StatefulSet', 'memcached')['spec']['template']['metadata']['labels']
    assert 'memcached:%d;' % service['spec']['ports'][0]['port'] in text


@pytest.mark.parametrize('mode', [0o644, 0o440, 0o400])
def test_mode_of_a_volume(make_cluster, mode):
    """Files of a volume cannot be changed, so the error does not advise chmod.
    """
    cluster = make_cluster(hosts=1, start=False)
    host, = cluster.hosts
    host.write()
    volume = host.path('volume')
    os.mkdir(volume)
    lay(volume, {'secret': cluster.secret + '\n'}, mode)
    file = os.path.join(volume, 'secret')
    text = host.read('nginx.conf').replace(
        host.config.secret_file(host.config.groups[0]), file)
    with open(host.path('nginx.conf'), 'w', encoding='utf-8') as f:
        f.write(text)
    done = subprocess.run(
        ['unshare', '--mount', 'sh', '-c',
         'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" '
         '&& exec "$@"', volume, *host.command('-t')],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    said = done.stdout + host.log()
    assert (done.returncode == 0) == (mode != 0o644), said
    assert ('"defaultMode: 0400"' in said) == (mode == 0o644)
    assert 'chmod' not in said
    host.expected.append('is open to every user of this host')


def test_secret_changes_in_the_volume(make_cluster):
    """The three steps of a change of the secret, each by an update of the
    volume.
    """
    cluster = make_cluster(hosts=3, rotation='7d', start=False)
    volumes = []
    for host in cluster.hosts:
        volume = host.path('volume')
        os.mkdir(volume)
        volumes.append(volume)
        host.config.secret_file = (
            lambda _, file=os.path.join(volume, 'secret'): file)
    old, new = cluster.secret, secrets.token_hex(32)

    def give(*lines):
        for host, volume in zip(cluster.hosts, volumes):
            lay(volume, {'secret': ''.join(s + '\n' for s in lines)}, 0o400)
            host.config.groups[0].secrets = lines

    give(old)
    cluster.start()
    cluster.wait_agreed()
    keys = cluster.hosts[0].keys()
    client = clients.Client(clients.VERSIONS[0])
    session = client.full(cluster.hosts[0]).session
    with load.Load(cluster.hosts, lifetime=250):
        for lines in ((old, new), (new, old), (new,)):
            give(*lines)
            for host in cluster.hosts:
                host.reload()
            cluster.wait_whole()
    for host in cluster.hosts:
        assert host.group()['state'] == 'ok' and host.keys() >= keys
        assert client.connect(host, session=session).reused


class Pods:
    """Pods of nginx: each one that starts has no state of the one before.

    Waits for a new pod to be let in, which is what minReadySeconds is for.
    """

    def __init__(self, cluster):
        self.cluster = cluster
        self.keys = cluster.hosts[0].keys()

    def empty(self, host):
        for name in os.listdir(host.directory):
            path = host.path(name)
            if name.endswith('.log'):
                continue        # for whoever looks for the cause of a failure
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

    def start(self, *hosts):
        for host in hosts:
            self.empty(host)
        for host in hosts:
            host.start()
        process.wait_until(self.cluster.balancer.all_up, 'pods to be ready')
        process.wait_until(lambda: all(host.keys() >= self.keys
                                       for host in hosts), 'pods to be let in')

    def restart(self, host):
        """Stops new connections, then sends "quit", as preStop does."""
        self.cluster.balancer.drain(host)
        host.stop()
        self.cluster.balancer.admit(host)
        self.start(host)

    def kill(self, *hosts):
        for host in hosts:
            host.kill()
        self.start(*hosts)


def some(running, number):
    count = len(running.handshakes)
    process.wait_until(lambda: len(running.handshakes) >= count + number,
                       'some load')


def test_rolling_restart(lab):
    """Every pod is restarted, one after the other; nearly all sessions resume.
    """
    settings = staging.Settings()
    settings.rotation, settings.lookup_timeout = '1h', '10s'
    with staging.Staging(lab, settings) as cluster:
        pods = Pods(cluster)
        with steady.Steady(cluster, 60) as running:
            some(running, 300)
            first = len(running.handshakes)
            for host in cluster.hosts:
                pods.restart(host)
            some(running, 300)
        assert not running.errors
        offered = [h for h in running.handshakes[first:] if h.issued]
        lost = [h for h in offered if h.error or not h.reused]
        assert len(offered) > 200
        assert len(lost) <= 0.01 * len(offered), lost
        bad = [line for host in cluster.hosts for line in host.bad_lines()]
        assert not bad


def test_pods_killed_without_grace(lab):
    """Half of the pods are killed: connections that they had accepted fail,
    and no session is lost.
    """
    settings = staging.Settings()
    settings.rotation, settings.lookup_timeout = '1h', '10s'
    with staging.Staging(lab, settings) as cluster:
        pods = Pods(cluster)
        with steady.Steady(cluster, 60) as running:
            some(running, 200)
            pods.kill(*cluster.hosts[:2])
            pods.kill(*cluster.hosts[2:])
            some(running, 200)
        assert not running.errors
        offered = [h for h in running.handshakes if h.issued and not h.error]
        lost = [h for h in offered if not h.reused]
        assert len(offered) > 100
        assert len(lost) <= 0.01 * len(offered), lost


def test_pods_of_memcached_replaced(lab, make_cluster):
    """Pods of memcached are replaced one by one, with other addresses: no
    ticket is lost.
    """
    if not lab.network.can_cut:
        pytest.skip('each host needs a network of its own')
    cluster = make_cluster(hosts=3, memcached_servers=2, rotation='7d',
                           start=False)
    resolvers = []
    try:
        for host in cluster.hosts:
            host.config.groups[0].memcached = [dns.NAME + ':11211']
            resolvers.append(dns.Dns(host))
        running = list(cluster.memcached)

        def tell():
            for resolver in resolvers:
                resolver.answer([server.address for server in running])

        def known():
            wanted = {server.server for server in running}
            for host in cluster.hosts:
                servers = host.group()['servers']
                if ({s['address'] for s in servers} != wanted
                        or not all(s['whole'] for s in servers)):
                    return False
            return True

        tell()
        cluster.start()
        process.wait_until(known, 'both servers')
        cluster.wait_agreed()
        keys = cluster.hosts[0].keys()
        with load.Load(cluster.hosts, lifetime=250):
            for old in list(running):
                new = cluster.add_memcached()
                new.start()
                running[running.index(old)] = new
                tell()
                old.kill()
                process.wait_until(known, 'the new pod of memcached', 120)
        assert all(host.keys() >= keys for host in cluster.hosts)
        sessions.redeem(sessions.Client(clients.VERSIONS[0]),
                        *cluster.hosts[:2])
    finally:
        cluster.close()
        for resolver in resolvers:
            resolver.stop()
