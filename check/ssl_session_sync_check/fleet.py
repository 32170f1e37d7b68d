"""Rounds: each address gives sessions, which are offered to every address."""

import concurrent.futures
import time
from dataclasses import dataclass, field

from . import client, hello

KEEP = 5            # errors of which a cell has the words


@dataclass
class Source:
    """What the sessions of one kind were like that an address gave."""

    address: object
    kind: client.Kind
    visits: int = 0         # handshakes that succeeded
    given: int = 0          # sessions
    ids: int = 0            # tickets that are nothing but an ID
    names: dict = field(default_factory=dict)   # {name of a key: when first}
    lifetimes: set = field(default_factory=set)
    errors: list = field(default_factory=list)
    refused: bool = False   # the last error was one of the TLS handshake

    @property
    def tickets(self):
        """How many tickets were seen that a key has encrypted."""
        return self.given - self.ids if self.kind.tickets else 0

    @property
    def unnamed(self):
        """Whether what is in front of tickets is not the name of a key."""
        return self.tickets > 2 and len(self.names) == self.tickets

    def add(self, visit, when):
        if visit.error:
            self.refused = visit.refused
            if len(self.errors) < KEEP and visit.error not in self.errors:
                self.errors.append(visit.error)
            return
        self.visits += 1
        if visit.session is None:
            return
        self.given += 1
        if visit.lifetime is not None:
            self.lifetimes.add(visit.lifetime)
        if len(visit.ticket) == hello.ID:
            self.ids += 1
        elif visit.ticket:
            self.names.setdefault(visit.ticket[:hello.NAME].hex(), when)


@dataclass
class Cell:
    """Sessions of one address that were offered to one address."""

    kind: client.Kind
    giver: object
    taker: object
    tried: int = 0
    resumed: int = 0
    missed: list = field(default_factory=list)      # when, in seconds
    other_tried: int = 0                            # under the other name
    other_resumed: int = 0
    errors: list = field(default_factory=list)

    def add(self, visit, other, when):
        if visit.error:
            if len(self.errors) < KEEP and visit.error not in self.errors:
                self.errors.append(visit.error)
        elif other:
            self.other_tried += 1
            self.other_resumed += visit.resumed
        else:
            self.tried += 1
            self.resumed += visit.resumed
            if not visit.resumed:
                self.missed.append(when)


class Fleet:
    """Addresses that serve one name, and what is known of their sessions.

    "kinds", "tries" and the like are the options of the command. A context,
    as it has threads.
    """

    def __init__(self, addresses, options):
        self.addresses = addresses
        self.name = options.name
        self.other = options.other_name
        self.kinds = options.only
        self.age = options.age
        self.began = time.monotonic()
        self.clients = {kind.name: client.Client(kind, options.timeout,
                                                 options.ca)
                        for kind in self.kinds}
        self.sources = {(kind.name, address): Source(address, kind)
                        for kind in self.kinds for address in addresses}
        self.cells = {(kind.name, giver, taker): Cell(kind, giver, taker)
                      for kind in self.kinds for giver in addresses
                      for taker in addresses}
        self.threads = concurrent.futures.ThreadPoolExecutor(options.jobs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # who interrupts a watch does not wait for what was to come
        self.threads.shutdown(wait=False)

    def now(self):
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    def each(self, work, items):
        """Does something with every item, several at a time."""
        waiting = [self.threads.submit(work, item) for item in items]
        try:
            return [one.result() for one in waiting]
        except BaseException:
            for one in waiting:
                one.cancel()
            raise

    def take(self, source):
        """A full handshake, and the session it brings."""
        visit = self.clients[source.kind.name].visit(source.address,
                                                     self.name)
        return visit, self.now()

    def take_all(self, sources):
        """Of each of them one, in this order."""
        found = self.each(self.take, sources)
        for source, (visit, when) in zip(sources, found):
            source.add(visit, when)
        return [visit for visit, _ in found]

    def present(self):
        """Who answers now, and who of these gives sessions of a kind."""
        sources = list(self.sources.values())
        visits = self.take_all(sources)
        answering = [source for source, visit in zip(sources, visits)
                     if not visit.error]
        return answering, [source for source, visit in zip(sources, visits)
                           if visit.session is not None]

    def round(self):
        """A session for every pair of addresses, and kind; offered once."""
        takers, givers = self.present()
        plan = [(giver, self.cells[giver.kind.name, giver.address,
                                   taker.address], other)
                for giver in givers for taker in takers
                if taker.kind is giver.kind
                for other in (False, True)[:2 if self.other else 1]]
        visits = self.take_all([giver for giver, _, _ in plan])
        offers = [(cell, other, visit.session)
                  for (_, cell, other), visit in zip(plan, visits)
                  if visit.session is not None]
        if offers:
            time.sleep(self.age)
        for (cell, other, _), (visit, when) in zip(
                offers, self.each(self._offer, offers)):
            cell.add(visit, other, when)

    def _offer(self, offer):
        cell, other, session = offer
        visit = self.clients[cell.kind.name].visit(
            cell.taker, self.other if other else self.name, session)
        return visit, self.now()
