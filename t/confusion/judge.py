"""Did the module do what the oracle says, and what does plain nginx do?"""

import collections
from dataclasses import replace

import oracle

FORBIDDEN = 'resumed, and must not'
LOST = 'did not resume, and must'
ANSWER = 'answered other than after a full handshake'
BROKEN = 'went wrong'


def complaints(planned, one, plain, module, full):
    """What is wrong with the outcomes of one combination.

    "plain" and "module" are two outcomes each, of the visit that made the
    session and of the one that offered it.
    """
    meetings = planned.meetings(one)
    if turned_away(plain, module) \
            and {meeting.server.sync for meeting in meetings} == {'off'}:
        return []
    wrong = list(mistakes(planned, one, module))
    if wrong:
        return wrong
    if module[1] is None:
        # who was refused got no session to offer
        return []
    answers = {full.answer()}
    did = module[1].resumed
    if oracle.left_to_nginx(*meetings):
        if did and not resumed(plain):
            wrong.append(FORBIDDEN)
        if resumed(plain):
            answers.add(plain[1].answer())
    else:
        reasons = planned.reasons(one)
        if did and reasons:
            wrong.append(FORBIDDEN)
        if not did and not reasons and not renamed(planned, one):
            wrong.append(LOST)
    if not meetings[1].left and module[1].answer() not in answers:
        wrong.append(ANSWER)
    return wrong


def turned_away(*sides):
    """Has it cost clients the connection that they offered a session?"""
    return all(offered and offered.how == 'refused'
               for _, offered in sides)


def renamed(planned, one):
    """Has the client another name after a HelloRetryRequest?

    RFC 8446, 4.1.2, forbids it.  A session by ID was looked for under the
    first name then, and may be worth nothing under the second.
    """
    first, second = one.offered.hellos
    return (one.form == 'id' and one.version == '13'
            and bool(planned.retries(one.offered, '13'))
            and first.lower() != second.lower())


def mistakes(planned, one, outcomes):
    """Where the visits themselves were not as planned."""
    if outcomes[0] and outcomes[0].how == 'empty' \
            and 'refused before' in planned.reasons(one):
        return
    for visit, meeting, outcome in zip(
            (one.made, one.offered), planned.meetings(one), outcomes):
        if outcome is None or outcome.how not in ('done', 'refused'):
            yield '%s: %s' % (BROKEN, outcome and outcome.how)
        elif outcome.how == 'refused':
            # for want of a version alone
            if meeting.version:
                yield BROKEN + ': refused'
        elif outcome.version != 'TLSv1.' + meeting.version[1] \
                or outcome.retried != bool(planned.retries(visit,
                                                           meeting.version)):
            yield BROKEN + ': another version, or HelloRetryRequest'
        elif outcome.text.startswith('name=') and not \
                outcome.text.startswith('name=%s_' % meeting.selected):
            yield BROKEN + ': another server'


def blind_spots(planned, some):
    """What fabricated outcomes a judge lets pass: none, if it is any good.

    "some" are combinations with their outcomes, none of them wrong.
    """
    missed = []
    wanted = {FORBIDDEN: None, LOST: None, ANSWER: None, BROKEN: None}
    for one, plain, module, full in some:
        made, now = module
        if now is None:
            continue
        known = 'verify=' in now.text
        fabricated = {
            FORBIDDEN: planned.reasons(one) and now.how == 'done'
            and replace(now, resumed=True),
            LOST: now.resumed and not renamed(planned, one)
            and replace(now, resumed=False),
            ANSWER: known and not planned.meetings(one)[1].left
            and replace(now, text=now.text.replace(
                'verify=', 'verify=NOT_')),
            BROKEN: replace(now, how='broken')}
        for what, outcome in fabricated.items():
            if not outcome or oracle.left_to_nginx(*planned.meetings(one)):
                continue
            found = complaints(planned, one, plain, (made, outcome), full)
            if not any(text.startswith(what) for text in found):
                missed.append('%s: not noticed in %s' % (what, one))
            wanted[what] = True
    return missed + [what + ': not tried' for what, tried in wanted.items()
                     if not tried]


def group(planned, one):
    """What a combination is about, for the table."""
    made, now = planned.meetings(one)
    if oracle.left_to_nginx(made, now):
        return 'both off, left to nginx'
    reasons = planned.reasons(one)
    if len(reasons) > 1:
        return 'no: several reasons'
    if reasons:
        return 'no: ' + reasons[0]
    host = 'same host' if one.made.host == one.offered.host else 'other host'
    if made.kind != now.kind:
        return 'yes: %s, other kind' % host
    if made.server.certificates != now.server.certificates:
        return 'yes: %s, other certificate' % host
    if made.server != now.server:
        return 'yes: %s, other settings' % host
    return 'yes: %s, same server' % host


class Table:
    """Where plain nginx resumes and the module does not, and the reverse."""

    COLUMNS = ('all', 'plain', 'module', 'only plain', 'only mod.')

    def __init__(self):
        self.rows = collections.defaultdict(collections.Counter)

    def add(self, name, plain, module):
        row = self.rows[name]
        row['all'] += 1
        row['plain'] += plain
        row['module'] += module
        row['only plain'] += plain and not module
        row['only mod.'] += module and not plain

    def lines(self):
        total = sum(self.rows.values(), collections.Counter())
        yield '%-34s' % 'who resumes' + ''.join(
            '%11s' % name for name in self.COLUMNS)
        for name, row in [*sorted(self.rows.items()), ('together', total)]:
            yield '%-34s' % name + ''.join(
                '%11d' % row[column] for column in self.COLUMNS)


def resumed(outcomes):
    return bool(outcomes[1] and outcomes[1].resumed)
