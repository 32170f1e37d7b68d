"""Rows: full handshakes and tickets, with the module and without it."""

from dataclasses import dataclass

from ratios import AGAIN, MODULE, OTHER, PLAIN, Row, Variant


@dataclass
class Work:
    """What is measured, and the target of its ratio."""

    title: str
    mode: str
    tls: str
    target: float


WORKS = [
    Work('full handshake, TLS 1.2', 'full', '1.2', 1.01),
    Work('full handshake, TLS 1.3', 'full', '1.3', 1.01),
    Work('ticket resumption, TLS 1.2', 'ticket', '1.2', 1.01),
    Work('ticket resumption, TLS 1.3', 'ticket', '1.3', 1.01),
]


def rows(plain, again, module, other):
    found = []
    for work in WORKS:
        pairs = [(PLAIN, plain, plain), (AGAIN, again, again),
                 (MODULE, module, module)]
        if work.mode != 'full':
            pairs.append((OTHER, other, module))
        variants = [Variant(label, a.address, b.address, b.counted(),
                            work.mode, work.mode != 'full')
                    for label, a, b in pairs]
        found.append(Row(work.title, work.tls, work.target, variants,
                         same_tickets=True))
    return found
