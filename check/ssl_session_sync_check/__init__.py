"""ssl-session-sync-check: do TLS sessions resume on every host of a fleet?

    arguments   the command line
    addresses   what is given as ADDRESS, and where it leads
    client      one connection
    hello       the ticket that a ClientHello offers
    fleet       rounds: each address gives sessions, each is offered them
    watch       old sessions, and keys that change, in rounds over hours
    findings    what is wrong, and the exit status
    text, data  how it is told to people and to machines
    program     all of it together
"""
