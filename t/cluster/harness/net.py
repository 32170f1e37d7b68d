"""A machine in the network: a namespace, or a loopback address.

This process enters a network namespace of its own, so that runs do not meet;
every site is another namespace on a bridge in it.  Where namespaces are not
allowed, a site is an address of 127.0.0.0/8, and nothing can be cut off.
"""

import ctypes
import os
import socket
import subprocess

from . import process

CLONE_NEWNET = 0x40000000


class Site:
    """One machine: an address, and commands that run there."""

    can_cut = False

    def __init__(self, address):
        self.address = address

    def command(self, argv):
        return list(argv)

    def cut_from(self, addresses, ports=()):
        raise NotImplementedError('nothing can be cut without namespaces')

    def lose(self, percent, port):
        raise NotImplementedError('nothing gets lost without namespaces')

    def heal(self):
        pass

    def enter(self, libc):
        """Makes the calling thread open its sockets at this site from now on.
        """

    def close(self):
        pass


class NamespaceSite(Site):

    can_cut = True

    def __init__(self, number, directory):
        super().__init__('10.200.%d.%d' % (number // 250, number % 250 + 2))
        self.link = 'site%d' % number
        # a namespace lives as long as a process is in it; this one ends when
        # its standard input is closed
        self.holder = subprocess.Popen(['unshare', '--net', 'cat'],
                                       stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL,
                                       cwd=directory)
        own = os.readlink('/proc/self/ns/net')
        try:
            process.wait_until(lambda: self._namespace() not in (None, own),
                               'a network namespace')
            process.run(['ip', '-batch', '-'], input='\n'.join([
                'link add %s type veth peer name eth0 netns %d'
                % (self.link, self.holder.pid),
                'link set %s master hub up' % self.link]))
            process.run(self.command(['ip', '-batch', '-']), input='\n'.join([
                'link set lo up',
                'addr add %s/16 dev eth0' % self.address,
                'link set eth0 up']))
        except BaseException:
            self.close()
            raise

    def _namespace(self):
        try:
            return os.readlink('/proc/%d/ns/net' % self.holder.pid)
        except OSError:
            return None

    def command(self, argv):
        return ['nsenter', '--net=/proc/%d/ns/net' % self.holder.pid,
                *argv]

    def cut_from(self, addresses, ports=()):
        """Drops every packet from these addresses, without a word.

        If there are TCP ports, those from them alone.
        """
        come = 'ip saddr { %s }' % ', '.join(addresses)
        if ports:
            come += ' tcp sport { %s }' % ', '.join(map(str, ports))
        process.run(self.command(['nft', '-f', '-']), input='''
            table ip cut
            delete table ip cut
            table ip cut {
                chain arriving {
                    type filter hook input priority 0;
                    %s drop
                }
            }''' % come)

    def lose(self, percent, port):
        """Drops packets of a TCP port at random, in both directions."""
        drop = 'numgen random mod 100 < %d drop' % percent
        process.run(self.command(['nft', '-f', '-']), input='''
            table ip loss
            delete table ip loss
            table ip loss {
                chain arriving {
                    type filter hook input priority 0;
                    tcp dport %d %s
                }
                chain leaving {
                    type filter hook output priority 0;
                    tcp sport %d %s
                }
            }''' % (port, drop, port, drop))

    def heal(self):
        process.run(self.command(['nft', 'flush', 'ruleset']))

    def enter(self, libc):
        space = os.open('/proc/%d/ns/net' % self.holder.pid,
                        os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(space, CLONE_NEWNET) != 0:
                number = ctypes.get_errno()
                raise OSError(number, 'setns: %s' % os.strerror(number))
        finally:
            os.close(space)

    def close(self):
        # the kernel would do this as well, but later
        subprocess.run(['ip', 'link', 'delete', self.link], check=False,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.holder.stdin.close()
        try:
            self.holder.wait(5)
        except subprocess.TimeoutExpired:
            self.holder.kill()
            self.holder.wait()


class Namespaces:
    """Sites in namespaces, on a bridge in a namespace of this process."""

    address = '10.200.250.1'
    can_cut = True

    def __init__(self, libc, directory):
        self.libc = libc
        self.directory = directory
        self.count = 0
        self.home = os.open('/proc/self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.unshare(CLONE_NEWNET) != 0:
                number = ctypes.get_errno()
                raise OSError(number, 'unshare: %s' % os.strerror(number))
            process.run(['ip', '-batch', '-'], input='\n'.join([
                'link set lo up',
                'link add hub type bridge',
                'addr add %s/16 dev hub' % self.address,
                'link set hub up']))
        except BaseException:
            self.close()
            raise

    def site(self):
        self.count += 1
        return NamespaceSite(self.count, self.directory)

    def links(self):
        """The network interfaces of sites that still exist."""
        return [line.split(':')[1].strip() for line in
                process.run(['ip', '-oneline', 'link']).splitlines()
                if line.split(':')[1].strip().startswith('site')]

    def close(self):
        self.libc.setns(self.home, CLONE_NEWNET)
        os.close(self.home)


class Loopback:
    """Sites on loopback addresses, of which this process uses a range."""

    can_cut = False

    def __init__(self):
        pid = os.getpid()
        self.prefix = '127.%d.%d' % (pid // 250 % 250 + 2, pid % 250)
        self.address = self.prefix + '.1'
        self.count = 1

    def site(self):
        while self.count < 250:
            self.count += 1
            address = '%s.%d' % (self.prefix, self.count)
            if self._is_free(address):
                return Site(address)
        raise RuntimeError('no loopback address left below ' + self.prefix)

    @staticmethod
    def _is_free(address):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((address, 11211))
            except OSError:
                return False
        return True

    @staticmethod
    def links():
        return []

    def close(self):
        pass


def open_network(libc, directory):
    """The best network that this system allows, and why there is no better
    one.
    """
    if os.environ.get('SSS_LOOPBACK'):
        return Loopback(), 'SSS_LOOPBACK is set'
    try:
        network = Namespaces(libc, directory)
    except (OSError, RuntimeError) as error:
        return Loopback(), str(error)
    try:
        network.site().close()
    except (OSError, RuntimeError, AssertionError) as error:
        network.close()
        return Loopback(), str(error)
    return network, None
