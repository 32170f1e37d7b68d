"""Rounds over a time: do sessions last as long as they should, keys not?"""

import math
import time
from dataclasses import dataclass, field

MARGIN = 2          # seconds before its end, in which a ticket is not offered
MOST = 500          # sessions of an address that are kept to be offered


@dataclass
class Old:
    """Sessions from the beginning, which are offered to who gave them."""

    source: object
    sessions: list = field(default_factory=list)
    taken: float = 0.0          # when
    lifetime: int = None
    resumed: float = None       # the highest age at which one resumed
    refused: float = None       # the age at which one did not
    expired: bool = False

    @property
    def early(self):
        """Whether it was refused though the server promised more."""
        return (self.refused is not None and self.lifetime is not None
                and self.refused < self.lifetime)


class Watch:

    def __init__(self, fleet, duration, every, say):
        self.fleet = fleet
        self.duration = duration
        self.every = every
        self.say = say              # called with what has just been seen
        self.looks = math.ceil(duration / every)
        self.old = []
        self.known = {}             # {source: names of keys told of}
        self.missed = {}            # {cell: misses told of}
        self.first = 0.0            # when the first round was over
        self.finished = False

    def run(self):
        self._keep()
        for look in range(self.looks + 1):
            self.fleet.round()
            self.first = self.first or self.fleet.now()
            self._offer_old()
            self._tell()
            end = min(self.every * (look + 1), self.duration)
            if self.fleet.now() >= self.duration:
                break
            time.sleep(max(end - self.fleet.now(), 0))
        self.finished = True

    def _keep(self):
        """One session for each look: some are good for one use only."""
        _, givers = self.fleet.present()
        for source in givers:
            old = Old(source, taken=self.fleet.now())
            for visit in self.fleet.take_all(
                    [source] * min(self.looks + 1, MOST)):
                if visit.session is not None:
                    old.sessions.append(visit.session)
                    old.lifetime = visit.lifetime
            self.old.append(old)

    def _offer_old(self):
        def offer(old):
            return self.fleet.clients[old.source.kind.name].visit(
                old.source.address, self.fleet.name, old.sessions.pop())

        left = []
        for old in self.old:
            age = self.fleet.now() - old.taken
            # a lifetime of 0 is one that the server does not tell
            if old.lifetime and age > old.lifetime - MARGIN:
                old.expired = True
            if old.sessions and not old.expired and old.refused is None:
                left.append(old)
        for old, visit in zip(left, self.fleet.each(offer, left)):
            age = self.fleet.now() - old.taken
            if visit.error:
                continue
            if visit.resumed:
                old.resumed = age
            else:
                old.refused = age

    def _tell(self):
        for source in self.fleet.sources.values():
            told = self.known.setdefault(id(source), set())
            new = [name for name in source.names if name not in told]
            if told and new and not source.unnamed:
                self.say('%s, %s: a new key, %s' % (
                    source.address, source.kind.title, new[-1][:8]))
            told.update(new)
        for cell in self.fleet.cells.values():
            told = self.missed.get(id(cell), 0)
            if len(cell.missed) > told:
                self.say('%s: a session of %s did not resume on %s' % (
                    cell.kind.title, cell.giver, cell.taker))
            self.missed[id(cell)] = len(cell.missed)


def rotated(source, since):
    """Whether a key came after the first round; None if nobody can tell."""
    if source.unnamed or not source.names:
        return None
    return any(when >= since for when in source.names.values())
