"""The command line."""

import argparse
import re

from . import addresses, client

UNITS = {'': 1, 's': 1, 'm': 60, 'h': 3600, 'd': 86400}
DURATION = re.compile(r'([0-9]+(?:\.[0-9]+)?)([smhd]?)')

SHORTEST = 1        # seconds between the rounds of a watch that chooses them
LONGEST = 600
ROUNDS = 20


def duration(text):
    found = DURATION.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(
            '%r is no duration such as 30s, 10m, 2h, 1d' % text)
    return float(found[1]) * UNITS[found[2]]


def positive(text):
    seconds = duration(text)
    if not seconds:
        raise argparse.ArgumentTypeError('more than nothing')
    return seconds


def number(text):
    if not text.isdigit() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError(
            '%r is no number from 1 to 1000' % text)
    return int(text)


def server_name(text):
    try:
        good = text and not text.startswith('.') and text.encode('idna')
    except UnicodeError:
        good = False
    if not good:
        raise argparse.ArgumentTypeError('%r is no name of a server' % text)
    return text


def kinds(text):
    known = {kind.name: kind for kind in client.KINDS}
    unknown = [name for name in text.split(',') if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError('%r is none of %s' % (
            unknown[0], ', '.join(known)))
    return tuple(known[name] for name in known if name in text.split(','))


def parser():
    made = argparse.ArgumentParser(
        prog='ssl-session-sync-check',
        description='Checks whether TLS sessions that one address gave '
        'resume on every other one.',
        epilog='Exit status: 0 everything resumes, 1 something does not, or '
        'a key or a name is not as it should be, 2 the command cannot be '
        'understood, 3 an address could not be asked. Certificates are not '
        'verified unless there is --ca.')
    made.add_argument('name', metavar='NAME', type=server_name,
                      help='the server name that clients send (SNI)')
    made.add_argument('addresses', metavar='ADDRESS', nargs='+',
                      help='HOST, HOST:PORT or [IPv6]:PORT; port 443 if none '
                      'is given. A host with several addresses is all of '
                      'them')
    made.add_argument('--other-name', metavar='NAME', type=server_name,
                      help='no session may resume when this name is sent')
    made.add_argument('--watch', metavar='DURATION', type=positive,
                      help='repeat for so long (30s, 10m, 2h): each ticket '
                      'key has to change within that, and no session may '
                      'fail to resume before it expires')
    made.add_argument('--every', metavar='DURATION', type=positive,
                      help='the time between two rounds of --watch (a '
                      'twentieth of it, at most 10m)')
    made.add_argument('--only', metavar='KINDS', type=kinds,
                      default=client.KINDS,
                      help='some of %s, with commas in between' % ', '.join(
                          kind.name for kind in client.KINDS))
    made.add_argument('--tries', metavar='N', type=number, default=3,
                      help='sessions for each pair of addresses (3)')
    made.add_argument('--age', metavar='DURATION', type=duration, default=1,
                      help='how old a session is when it is offered (1s)')
    made.add_argument('--ca', metavar='FILE',
                      help='verify certificates, for NAME, by the '
                      'authorities of this file')
    made.add_argument('--timeout', metavar='DURATION', type=positive,
                      default=10, help='for each connection (10s)')
    made.add_argument('--jobs', metavar='N', type=number, default=8,
                      help='connections at a time (8)')
    made.add_argument('--json', action='store_true',
                      help='for machines')
    return made


def parse(argv):
    """Options, with pairs of host and port; or the program ends with 2."""
    made = parser()
    options = made.parse_args(argv)
    try:
        options.addresses = [addresses.split(text)
                             for text in options.addresses]
    except addresses.Unusable as error:
        made.error(str(error))
    if options.other_name == options.name:
        made.error('--other-name is for another name')
    if options.every and not options.watch:
        made.error('--every is for --watch')
    if options.watch and not options.every:
        options.every = min(max(options.watch / ROUNDS, SHORTEST), LONGEST)
    return options
