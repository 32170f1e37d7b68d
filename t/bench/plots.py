"""Plots of a run: SVG by gnuplot, readable on light and dark pages."""

import os
import shutil
import subprocess

from hosts import Unfit

GREY = '#808080'
COLOURS = ('#4a90d9', '#d98b3a', '#58a868', '#a874c4')

STYLE = '''
set terminal svg size {width},{height} dynamic font "sans-serif,13"
set output "{path}"
set border 3 lc rgb "{grey}"
set tics nomirror textcolor rgb "{grey}"
set xlabel textcolor rgb "{grey}"
set ylabel textcolor rgb "{grey}"
set title textcolor rgb "{grey}"
set key top left textcolor rgb "{grey}"
set grid ytics lc rgb "{grey}" lw 0.4
set datafile separator "\\t"
set datafile missing "-"
set yrange [0:*]
{lines}
'''


def block(name, rows):
    """A table within a gnuplot script; None is a missing value."""
    lines = ['\t'.join('-' if cell is None else
                       '"%s"' % cell if isinstance(cell, str) else
                       '%.4f' % cell for cell in row) for row in rows]
    return '\n'.join(['$%s << END' % name, *lines, 'END', ''])


def draw(path, script, width=800, height=380):
    if not shutil.which('gnuplot'):
        raise Unfit('gnuplot is missing')
    lines = '\n'.join('set linetype %d lc rgb "%s" lw 2 pt 7 ps 0.6'
                      % (i + 1, colour) for i, colour in enumerate(COLOURS))
    text = STYLE.format(width=width, height=height, path=path, grey=GREY,
                        lines=lines) + script
    subprocess.run(['gnuplot'], input=text, text=True, check=True)
    with open(path, encoding='utf-8') as f:
        drawn = [line.rstrip() for line in f]
    with open(path, 'w', encoding='utf-8') as f:
        f.write('\n'.join(drawn).strip('\n') + '\n')


def bars(path, names, works, value):
    """CPU time of each name, a bar for each kind of work."""
    rows = [[name, *(value(work, name) for work in works)]
            for name in names]
    plots = ['$data using %d:xtic(1) title "%s" lt %d' % (i + 2, work, i + 1)
             for i, work in enumerate(works)]
    draw(path, block('data', rows) + '''
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.85 noborder
set key above
set ylabel "server CPU, microseconds"
plot ''' + ', '.join(plots) + '\n')


def spread(data, x, line):
    """Points with their intervals."""
    return ['$%s using %s:3:(0):($4-$3) with vectors nohead lt %d notitle'
            % (data, x, line),
            '$%s using %s:2 with points lt %d notitle' % (data, x, line)]


def curves(path, series, xlabel, targets):
    """{title: [(x, ratio, low, high)]}, and the target at each x."""
    script, plots = '', []
    for i, (title, points) in enumerate(series.items()):
        script += block('d%d' % i, points)
        plots += spread('d%d' % i, '1', i + 1) + [
            '$d%d using 1:2 with lines lt %d title "%s"' % (i, i + 1, title)]
    script += block('targets', targets)
    plots.append('$targets using 1:2 with points pt 2 lc rgb "%s" '
                 'title "target"' % GREY)
    draw(path, script + '''
set logscale x 2
set key top right
set xrange [%g:%g]
set xtics (%s)
set xlabel "%s"
set ylabel "CPU, ratio to a hit in plain nginx's own cache"
plot %s
''' % (targets[0][0] * 0.8, targets[-1][0] * 1.25,
       ', '.join(str(x) for x, _ in targets), xlabel, ', '.join(plots)))


def panels(path, tables):
    """{title: [(label, ratio, low, high)]}, each in a panel of its own."""
    script = 'set multiplot layout 1,%d\nset key off\n' % len(tables)
    for i, (title, rows) in enumerate(tables.items()):
        data = block('p%d' % i, rows)
        script = data + script + '''
set title "%s" textcolor rgb "%s"
set xrange [-0.5:%d.5]
plot $p%d using 0:2:xtic(1) with lines lt 1, %s
''' % (title, GREY, len(rows) - 1, i, ', '.join(spread('p%d' % i, '0', 1)))
    draw(path, script + 'unset multiplot\n', 800, 260)


def name(docs, what):
    return os.path.join(docs, 'performance-%s.svg' % what)
