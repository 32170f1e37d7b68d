"""The time from the publication of a key by one host until all hosts have it.
"""

import time
from dataclasses import dataclass

from hosts import Host, Unfit, settle

POLL_MS = 200
ROTATION = 4
HOSTS = 3


@dataclass
class Spread:
    """One key: when the first host and when the last one had it."""

    name: str
    ms: float


def measure(site, memcached, keys):
    """Watches hosts until so many keys have reached all of them."""
    cluster = site.cluster(memcached, rotation='%ds' % ROTATION,
                           poll='%dms' % POLL_MS, namespace='propagation')
    hosts = [Host(site, 'propagation%d' % i, cluster, core=site.other_core)
             for i in range(HOSTS)]
    settle(*hosts)

    # keys that are there already were published earlier
    seen = {key: {} for key in set().union(*(names(h) for h in hosts))}
    old = set(seen)
    spreads = []
    end = time.monotonic() + (keys + 3) * ROTATION + 10

    while len(spreads) < keys:
        if time.monotonic() > end:
            raise Unfit('only %d keys in time' % len(spreads))
        for host in hosts:
            for name in names(host):
                seen.setdefault(name, {}).setdefault(host.label,
                                                     time.monotonic())
        spreads = [Spread(name, (max(at.values()) - min(at.values())) * 1e3)
                   for name, at in seen.items()
                   if name not in old and len(at) == HOSTS]
        time.sleep(0.002)

    site.stop([host.process for host in hosts])
    return spreads


def names(host):
    return {key['name'] for key in host.status()['clusters'][0]['keys']}
