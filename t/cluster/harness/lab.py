"""What one run shares: temporary directory, network, certificates."""

import ctypes
import os
import shutil
import tempfile

from . import certs, net, process


class Lab:

    def __init__(self):
        self.libc = libc = ctypes.CDLL(None, use_errno=True)
        process.adopt_orphans(libc)
        self.directory = os.path.realpath(tempfile.mkdtemp(prefix='sss-lab-'))
        # nginx's workers need access after they have dropped their privileges
        os.chmod(self.directory, 0o755)
        self.janitor = process.start_janitor(self.directory)
        self.clusters = 0
        try:
            self.network, self.why_no_namespaces = net.open_network(
                libc, self.directory)
            self.certificates = certs.Certificates(self.make('certs'))
        except BaseException:
            self.close()
            raise

    def make(self, *names):
        """Makes a directory of this run."""
        path = os.path.join(self.directory, *names)
        os.makedirs(path)
        return path

    def next_cluster(self):
        self.clusters += 1
        return 'cluster%d' % self.clusters

    def leftovers(self):
        """What should be gone: processes, network interfaces, directories."""
        found = ['process %d: %s' % (pid, process.title(pid))
                 for pid in process.inside(self.directory)]
        found += ['interface ' + name for name in self.network.links()]
        found += ['directory ' + name for name in os.listdir(self.directory)
                  if name != 'certs']
        return found

    def close(self):
        if hasattr(self, 'network'):
            self.network.close()
        self.janitor.stdin.close()
        self.janitor.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
