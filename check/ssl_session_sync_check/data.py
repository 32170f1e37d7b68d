"""What was found, for machines."""

import json
import sys

from . import findings


def report(fleet, problems, watch=None, out=sys.stdout):
    data = {
        'name': fleet.name,
        'other_name': fleet.other,
        'addresses': [str(address) for address in fleet.addresses],
        'status': findings.status(problems),
        'sessions': [_source(source) for source in fleet.sources.values()],
        'pairs': [_cell(cell, fleet) for cell in fleet.cells.values()],
        'problems': [_problem(problem) for problem in problems],
    }
    if watch is not None:
        data['watch'] = {
            'seconds': round(fleet.now(), 3),
            'finished': watch.finished,
            'first_sessions': [_old(old) for old in watch.old],
        }
    json.dump(data, out, indent=1)
    print(file=out)


def _source(source):
    return {
        'kind': source.kind.name,
        'address': str(source.address),
        'handshakes': source.visits,
        'given': source.given,
        'by_id': source.ids if source.kind.tickets else source.given,
        'lifetimes': sorted(source.lifetimes),
        'keys': [] if source.unnamed else [
            {'name': name, 'first_seen': round(when, 3)}
            for name, when in source.names.items()],
        'errors': source.errors,
    }


def _cell(cell, fleet):
    data = {
        'kind': cell.kind.name,
        'from': str(cell.giver),
        'to': str(cell.taker),
        'tried': cell.tried,
        'resumed': cell.resumed,
        'missed': [round(when, 3) for when in cell.missed],
        'errors': cell.errors,
    }
    if fleet.other:
        data['other_name_tried'] = cell.other_tried
        data['other_name_resumed'] = cell.other_resumed
    return data


def _problem(problem):
    return {
        'what': problem.what,
        'kind': problem.kind.name if problem.kind else None,
        'text': problem.text,
        'pairs': [[str(address) for address in pair]
                  for pair in problem.pairs],
    }


def _old(old):
    def seconds(value):
        return None if value is None else round(value, 3)

    return {
        'kind': old.source.kind.name,
        'address': str(old.source.address),
        'lifetime': old.lifetime,
        'resumed_at_age': seconds(old.resumed),
        'refused_at_age': seconds(old.refused),
        'expired': old.expired,
    }
