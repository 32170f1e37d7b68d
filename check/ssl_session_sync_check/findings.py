"""What is wrong with a fleet, in words, and the exit status of that."""

from dataclasses import dataclass, field

from . import watch as watches

FINE, WRONG, USAGE, UNREACHABLE = 0, 1, 2, 3


@dataclass
class Problem:
    """"what" is a word for machines; "pairs" are (giver, taker)."""

    what: str
    text: str
    kind: object = None
    pairs: list = field(default_factory=list)
    status: int = WRONG


def find(fleet, watch=None):
    """Every problem there is."""
    found = _unreachable(fleet)
    dead = {address for problem in found for address, _ in problem.pairs}
    for kind in fleet.kinds:
        found += _kind(fleet, kind, dead)
    if not any(source.given for source in fleet.sources.values()) \
            and len(dead) < len(fleet.addresses):
        found.append(Problem('no_sessions', 'no address gives sessions: '
                             'every connection begins anew'))
    if watch is not None:
        found += _old(watch)
        if watch.finished:
            found += _kept_keys(fleet, watch)
    return found


def status(problems):
    """What certainly does not resume counts more than what is not known."""
    return min((problem.status for problem in problems), default=FINE)


def _unreachable(fleet):
    """Addresses with which no handshake of any kind succeeded."""
    found = []
    for address in fleet.addresses:
        sources = [fleet.sources[kind.name, address] for kind in fleet.kinds]
        if not any(source.visits for source in sources):
            errors = dict.fromkeys(error for source in sources
                                   for error in source.errors)
            found.append(Problem(
                'unreachable', '%s: %s' % (address, '; '.join(errors)),
                pairs=[(address, address)], status=UNREACHABLE))
    return found


def _kind(fleet, kind, dead):
    alive = [address for address in fleet.addresses if address not in dead]
    sources = [fleet.sources[kind.name, address] for address in alive]
    found = []
    if not any(source.given for source in sources):
        return found                # nobody offers this kind
    for source in sources:
        if not source.visits:
            found.append(Problem(
                'refuses', '%s: %s refuses it, and others do not: %s' % (
                    kind.title, source.address, '; '.join(source.errors)),
                kind, [(source.address, source.address)],
                WRONG if source.refused else UNREACHABLE))
        elif source.errors:
            found.append(Problem(
                'failed', '%s: connections to %s failed: %s' % (
                    kind.title, source.address, '; '.join(source.errors)),
                kind, [(source.address, source.address)], UNREACHABLE))
        elif not source.given:
            found.append(Problem(
                'gives_none', '%s: %s gives no session, and others do' % (
                    kind.title, source.address),
                kind, [(source.address, source.address)]))
    cells = [cell for cell in fleet.cells.values() if cell.kind is kind]
    return found + _failed(kind, cells) + _pairs(kind, cells, sources) \
        + _other(fleet, kind, cells)


def _failed(kind, cells):
    """Handshakes that offered a session and came to nothing."""
    bad = [cell for cell in cells if cell.errors]
    if not bad:
        return []
    errors = dict.fromkeys(error for cell in bad for error in cell.errors)
    return [Problem('failed', '%s: connections that offered a session '
                    'failed: %s' % (kind.title, '; '.join(errors)), kind,
                    [(cell.giver, cell.taker) for cell in bad], UNREACHABLE)]


def _pairs(kind, cells, sources):
    tried = [cell for cell in cells if cell.tried]
    bad = [cell for cell in tried if cell.resumed < cell.tried]
    if not bad:
        return []
    text = _pattern(tried, bad, sources)
    if _same_keys(bad, sources):
        text = ('addresses have keys of the same name, and yet do not take '
                'each other\'s tickets: their certificates or settings '
                'differ, or what is in the keys')
    return [Problem('not_resumed', '%s: %s' % (kind.title, text), kind,
        [(cell.giver, cell.taker) for cell in bad])]


def _same_keys(bad, sources):
    """Whether it cannot be for want of a key that sessions do not resume."""
    names = {source.address: set() if source.unnamed else set(source.names)
             for source in sources}
    return all(cell.giver != cell.taker
               and names[cell.giver] & names[cell.taker] for cell in bad)


def _pattern(tried, bad, sources):
    """What the pairs that do not resume have in common."""
    if not any(cell.resumed for cell in tried):
        return 'no session resumes, not even on the address that gave it'
    if any(cell.resumed for cell in bad):
        return ('sessions resume now and then: several servers or workers '
                'are behind an address, and do not have the same %s'
                % _shared(sources))
    across = [cell for cell in tried if cell.giver != cell.taker]
    if sorted(map(id, bad)) == sorted(map(id, across)):
        return ('sessions resume where they come from and nowhere else: '
                'the addresses share no %s' % _shared(sources))
    for source in sources:
        one = source.address
        given = [cell for cell in across if cell.giver == one]
        taken = [cell for cell in across if cell.taker == one]
        for cells, text in (
                (given + taken, '%s is apart from the others: it does not '
                 'have their %s'),
                (given, 'the sessions of %s resume nowhere else: the others '
                 'do not have its %s'),
                (taken, '%s resumes only its own sessions: it does not have '
                 'the %s of the others')):
            if sorted(map(id, bad)) == sorted(map(id, cells)):
                return text % (one, _shared(sources))
    return 'some sessions do not resume'


def _shared(sources):
    """What addresses that resume these sessions have in common."""
    return 'ticket keys' if any(source.names for source in sources) \
        else 'sessions'


def _other(fleet, kind, cells):
    bad = [cell for cell in cells if cell.other_resumed]
    if not bad:
        return []
    return [Problem('other_name', '%s: sessions of %s resume under the '
                    'name %s' % (kind.title, fleet.name, fleet.other), kind,
                    [(cell.giver, cell.taker) for cell in bad])]


def _old(watch):
    return [Problem('early', '%s, %s: a session was refused when it was %s '
                    'old, and the server says that it lasts %s' % (
                        old.source.address, old.source.kind.title,
                        span(old.refused), span(old.lifetime)),
                    old.source.kind, [(old.source.address,) * 2])
            for old in watch.old if old.early]


def _kept_keys(fleet, watch):
    return [Problem('key_kept', '%s, %s: tickets have been under the same '
                    'key all the time' % (source.address, source.kind.title),
                    source.kind, [(source.address,) * 2])
            for source in fleet.sources.values()
            if watches.rotated(source, watch.first) is False]


def span(seconds):
    """A duration, in as few words as tell enough of it."""
    seconds = round(seconds)
    parts = []
    for unit, size in (('d', 86400), ('h', 3600), ('m', 60), ('s', 1)):
        if seconds >= size:
            parts.append('%d%s' % (seconds // size, unit))
            seconds %= size
    return ' '.join(parts[:2]) or '0s'
