"""Parts of docs/performance.md that a command of their own writes.

Such a part is between two comments with the command's name.  When the rest of
the page is written anew, it stays as it is.
"""

import os

from hosts import REPOSITORY

PAGE = os.path.join(REPOSITORY, 'docs', 'performance.md')


def around(name):
    """The two comments."""
    return '<!-- make %s -->\n' % name, '<!-- end of make %s -->\n' % name


def part(name):
    """The part with its comments; an empty one if the page has none."""
    begin, end = around(name)
    with open(PAGE, encoding='utf-8') as f:
        _, found, rest = f.read().partition(begin)
    return begin + (rest.partition(end)[0] if found else '') + end


def replace(name, text):
    """Puts a text into the page, where that has such a part."""
    begin, end = around(name)
    with open(PAGE, encoding='utf-8') as f:
        head, found, rest = f.read().partition(begin)
    if found:
        with open(PAGE, 'w', encoding='utf-8') as f:
            f.write(head + begin + text + end + rest.partition(end)[2])
