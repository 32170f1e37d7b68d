"""The command."""

import os
import signal
import sys

from . import addresses, arguments, data, findings, fleet, text, watch


def main(argv):
    """The exit status."""
    options = arguments.parse(argv)
    try:
        found = list(dict.fromkeys(
            address for host, port in options.addresses
            for address in addresses.resolve(host, port)))
    except addresses.Unusable as error:
        print('ssl-session-sync-check: %s' % error, file=sys.stderr)
        return findings.UNREACHABLE
    try:
        checked = fleet.Fleet(found, options)
    except OSError as error:
        print('ssl-session-sync-check: %s: %s' % (
            options.ca, error.strerror or error), file=sys.stderr)
        return findings.USAGE
    try:
        with checked:
            return check(checked, options)
    except BrokenPipeError:
        # the interpreter flushes what is left at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return findings.USAGE


def check(checked, options):
    def say(line):
        if not options.json:
            print('%s  %s' % (findings.span(checked.now()), line),
                  flush=True)

    def interrupt(*_):
        raise KeyboardInterrupt

    watching = None
    interrupted = False
    signal.signal(signal.SIGTERM, interrupt)
    try:
        if options.watch:
            watching = watch.Watch(checked, options.watch, options.every,
                                   say)
            watching.run()
        else:
            for _ in range(options.tries):
                checked.round()
    except KeyboardInterrupt:
        interrupted = True
    problems = findings.find(checked, watching)
    report = data.report if options.json else text.report
    report(checked, problems, watching)
    return findings.status(problems) or (130 if interrupted else 0)
