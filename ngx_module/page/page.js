/*
 * Keeps the status page up to date and draws the chart over time. The page is
 * whole without it.
 *
 * Every few seconds it asks for the page and for the JSON of the same location.
 * Of the page it takes over what has changed, node by node, so that what is
 * open stays open, the focus stays where it is, and a screen reader tells what
 * is new. Text becomes text nodes: nothing here makes markup of a string.
 */

'use strict';

(() => {

const EVERY = 2000;             // ms between two looks
const PATIENCE = 8000;          // ms for an answer
const SPANS = [60, 120, 300];   // s that the chart shows: what there is, and
const SPAN = 300;               // no more than this
const PART = 30;                // s in a row of its table
const NARROW = 480;             // px of a chart with fewer words
const SVG = 'http://www.w3.org/2000/svg';

// from the bottom of the chart to its top
const KINDS = [
    { name: 'resumed_ticket', title: 'by ticket', short: 'ticket' },
    { name: 'resumed_id_local', title: 'by ID, this host',
      short: 'ID, here' },
    { name: 'resumed_id_remote', title: 'by ID, memcached',
      short: 'ID, mem\u00adcached' },
    { name: 'full', title: 'full', short: 'full' },
];


function element(name, text, parent) {
    const made = document.createElement(name);

    made.textContent = text;
    parent?.append(made);
    return made;
}

function drawn(name, attributes, parent, text) {
    const made = document.createElementNS(SVG, name);

    for (const [key, value] of Object.entries(attributes)) {
        made.setAttribute(key, value);
    }
    if (text !== undefined) {
        made.textContent = text;
    }
    parent?.append(made);
    return made;
}

function number(value, digits = 0) {
    return value.toLocaleString('en', { maximumFractionDigits: digits });
}

// Rounded down, as on the page: 100 % are all of them.

function share(part, whole) {
    return part >= whole ? '100\u00a0%'
        : (Math.floor(part / whole * 1000) / 10).toFixed(1) + '\u00a0%';
}

function sum(numbers) {
    return numbers.reduce((a, b) => a + b, 0);
}

function resumed(counts) {
    return sum(counts) - counts[KINDS.length - 1];
}

// One digit and zeros, and not less than what is asked for.

function round(value) {
    const power = 10 ** Math.floor(Math.log10(value));

    return power * [1, 2, 3, 4, 5, 6, 8, 10].find(
        (step) => step * power >= value);
}

function ago(seconds) {
    return seconds < 60 ? Math.round(seconds) + ' s ago'
        : number(seconds / 60, 1) + ' min ago';
}


// Samples of a cluster's counters, and what became of them between two.

class Series {

    constructor() {
        this.last = null;
        this.steps = [];        // { from, to, counts }, seconds
    }

    add(time, handshakes) {
        const now = KINDS.map((kind) => handshakes[kind.name]);
        const before = this.last;

        if (before && time <= before.time) {
            return;
        }

        // counters that have begun anew say nothing of the time in between
        if (before && now.every((value, i) => value >= before.counts[i])) {
            this.steps.push({
                from: before.time, to: time,
                counts: now.map((value, i) => value - before.counts[i]),
            });
        }

        this.last = { time, counts: now };
        this.steps = this.steps.filter((step) => step.to > time - SPAN);
    }

    // For how long there is something to show.

    get span() {
        const age = this.steps.length ? this.last.time - this.steps[0].from
            : 0;

        return SPANS.find((span) => span >= age) ?? SPAN;
    }

    // What came between these two times.

    between(from, to) {
        const steps = this.steps.filter((step) => step.to > from
                                                  && step.to <= to);

        return KINDS.map((_, i) => sum(steps.map((step) => step.counts[i])));
    }
}


class Chart {

    constructor(figure, recent) {
        this.figure = figure;
        this.recent = recent;
        this.series = new Series();
        this.pointer = null;
        figure.querySelector('noscript')?.remove();

        this.plot = element('div', '', figure);
        this.plot.className = 'plot';
        this.svg = drawn('svg', { role: 'img', width: '100%' }, this.plot);

        this.readout = element('p', '', figure);
        this.readout.className = 'readout';
        this.legend();

        const details = element('details', '', figure);

        element('summary', 'As a table', details);
        this.table = element('table', '', details);

        new ResizeObserver(() => this.draw()).observe(this.plot);
        this.plot.addEventListener('pointermove', (event) => {
            this.pointer = event.clientX;
            this.draw();
        });
        this.plot.addEventListener('pointerleave', () => {
            this.pointer = null;
            this.draw();
        });
    }

    legend() {
        const list = element('ul', '', this.figure);

        list.className = 'legend';
        for (const kind of [...KINDS].reverse()) {
            const item = element('li', '', list);
            const swatch = drawn('svg', { class: 'swatch', width: 12,
                                          height: 12, 'aria-hidden': 'true' },
                                 item);

            drawn('rect', { class: kind.name, width: 12, height: 12, rx: 3 },
                  swatch);
            item.append(kind.title);
        }
    }

    add(time, handshakes) {
        this.series.add(time, handshakes);
        this.draw();
        this.tabulate();
        this.tell();
    }

    tell() {
        const { time } = this.series.last;
        const counts = this.series.between(time - 60, time);
        const all = sum(counts);
        const text = all ? share(resumed(counts), all) + ' of '
                           + number(all) + ' in the last minute'
            : 'none in the last minute';

        if (this.recent.textContent !== text) {
            this.recent.textContent = text;
        }
    }

    draw() {
        const width = this.plot.clientWidth;
        const height = this.plot.clientHeight - 24;
        const { last, steps, span } = this.series;

        if (!last || !width) {
            return;
        }

        const rates = steps.map((step) => step.counts.map(
            (count) => count / (step.to - step.from)));
        const most = round(Math.max(1, ...rates.map(sum)));
        const x = (time) => width * (1 - (last.time - time) / span);
        const y = (rate) => height - (height - 20) * rate / most;

        this.svg.replaceChildren();
        this.svg.setAttribute('height', height + 24);
        this.grid(width, height, span, most, y);

        const floor = rates.map(() => 0);

        KINDS.forEach((kind, i) => {
            this.area(kind, steps, floor, rates.map((rate) => rate[i]), x, y);
            rates.forEach((rate, n) => {
                floor[n] += rate[i];
            });
        });

        this.cursor(steps, rates, height, x);
        this.describe();
    }

    grid(width, height, span, most, y) {
        for (const part of [0, 0.5, 1]) {
            const at = Math.round(y(most * part)) + 0.5;

            drawn('line', { x1: 0, x2: width, y1: at, y2: at }, this.svg);
            drawn('text', { x: 0, y: at - 4 }, this.svg,
                  part === 0 ? '' : number(most * part, 1)
                                    + (part === 1 ? most === 1
                                       ? ' handshake a second'
                                       : ' handshakes a second' : ''));
        }
        const step = span < SPAN ? span / 6 : 60;

        for (let back = 0; back <= span; back += step) {
            const at = width * (1 - back / span);

            drawn('line', { x1: at, x2: at, y1: height, y2: height + 5 },
                  this.svg);
            if (width < NARROW && back / step % 2) {
                continue;
            }
            drawn('text', {
                x: at, y: height + 19,
                'text-anchor': back === 0 ? 'end'
                    : back === span ? 'start' : 'middle',
            }, this.svg, back === 0 ? 'now'
                  : back === span ? ago(back)
                  : '\u2212' + (step < 60 ? back + '\u00a0s'
                                 : back / 60 + '\u00a0min'));
        }
    }

    // Between two samples the rate is one number, so that edges are steps.

    area(kind, steps, floor, rates, x, y) {
        let path = '';

        steps.forEach((step, i) => {
            if (rates[i] === 0) {
                return;
            }
            const left = Math.max(0, x(step.from)).toFixed(1);
            const right = x(step.to).toFixed(1);

            path += 'M' + left + ' ' + y(floor[i]).toFixed(1)
                + 'V' + y(floor[i] + rates[i]).toFixed(1)
                + 'H' + right + 'V' + y(floor[i]).toFixed(1) + 'Z';
        });
        if (path) {
            drawn('path', { class: kind.name, d: path }, this.svg);
        }
    }

    cursor(steps, rates, height, x) {
        let text = '';

        if (this.pointer !== null) {
            const at = this.pointer
                       - this.plot.getBoundingClientRect().left;
            const i = steps.findIndex((step) => x(step.from) <= at
                                                && at <= x(step.to));

            if (i >= 0) {
                const middle = (x(steps[i].from) + x(steps[i].to)) / 2;

                drawn('line', { class: 'cursor', x1: middle, x2: middle,
                                y1: 12, y2: height }, this.svg);
                text = ago(this.series.last.time - steps[i].to) + ', a second: '
                    + KINDS.map((kind, k) => number(rates[i][k], 1) + ' '
                                             + kind.title).join('; ');
            }
        }
        if (this.readout.textContent !== text) {
            this.readout.textContent = text;
        }
    }

    describe() {
        const { time } = this.series.last;
        const counts = this.series.between(time - SPAN, time);
        const all = sum(counts);

        this.svg.setAttribute('aria-label',
            'Handshakes a second in the last ' + SPAN / 60 + ' minutes: '
            + (all ? share(resumed(counts), all) + ' of ' + number(all)
                     + ' resumed a session' : 'none')
            + '. The table that follows has the numbers.');
    }

    tabulate() {
        const { time } = this.series.last;
        const table = document.createDocumentFragment();

        element('caption', 'Handshakes of the last '
                + SPAN / 60 + ' minutes', table);

        const head = element('tr', '', element('thead', '', table));

        for (const title of ['ago',
                             ...KINDS.map((kind) => kind.short),
                             'resumed']) {
            element('th', title, head).scope = 'col';
        }

        const body = element('tbody', '', table);

        for (let from = 0; from < SPAN; from += PART) {
            const counts = this.series.between(time - from - PART,
                                               time - from);
            const all = sum(counts);

            if (!this.series.steps.some((step) => step.from < time - from)) {
                break;
            }

            const row = element('tr', '', body);

            element('th', from + '\u2013' + (from + PART) + '\u00a0s',
                    row).scope = 'row';
            for (const count of counts) {
                element('td', number(count), row);
            }
            element('td', all ? share(resumed(counts), all) : '\u2013', row);
        }
        this.table.replaceChildren(table);
    }
}


// The page as it is becomes the page as it was sent now.

function renew(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
        old.replaceWith(document.importNode(fresh, true));
        return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
        if (old.nodeValue !== fresh.nodeValue) {
            old.nodeValue = fresh.nodeValue;
        }
        return;
    }
    if (old.hasAttribute('data-keep')) {
        return;
    }

    for (const { name, value } of fresh.attributes) {
        if (old.getAttribute(name) !== value) {
            old.setAttribute(name, value);
        }
    }
    for (const { name } of [...old.attributes]) {
        // what somebody has opened stays open
        if (!fresh.hasAttribute(name) && name !== 'open') {
            old.removeAttribute(name);
        }
    }

    const now = [...old.childNodes];
    const then = [...fresh.childNodes];

    then.forEach((child, i) => {
        if (i < now.length) {
            renew(now[i], child);
        } else {
            old.append(document.importNode(child, true));
        }
    });
    now.slice(then.length).forEach((child) => child.remove());
}


function ask(format, type) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();

        request.open('GET', '?format=' + format);
        request.responseType = type;
        request.timeout = PATIENCE;
        request.onload = () => {
            if (request.status === 200 && request.response) {
                resolve(request.response);
            } else {
                reject(new Error('answered ' + request.status));
            }
        };
        request.onerror = () => reject(new Error('does not answer'));
        request.ontimeout = request.onerror;
        request.send();
    });
}


class Page {

    constructor() {
        const live = document.getElementById('live');

        this.charts = new Map();
        this.paused = false;
        this.timer = null;
        this.said = element('span', '', live);
        this.said.setAttribute('role', 'status');
        this.button = element('button', '', live);
        this.button.type = 'button';
        this.button.addEventListener('click', () => this.pause(!this.paused));
        this.pause(false);
        document.addEventListener('visibilitychange', () => this.look());
    }

    say(text, bad) {
        if (this.said.textContent !== text) {
            this.said.textContent = text;
            this.said.className = bad ? 'state bad' : '';
        }
    }

    pause(paused) {
        this.paused = paused;
        this.button.textContent = paused ? 'Go on' : 'Pause';
        if (paused) {
            this.say('Paused');
        }
        this.look();
    }

    // At once if the last answer is there, and from then on again and again.

    async look() {
        if (this.busy || this.paused || document.hidden) {
            return;
        }
        clearTimeout(this.timer);
        this.busy = true;
        try {
            const [status, page] = await Promise.all([
                ask('json', 'json'), ask('html', 'document')]);

            if (!this.paused) {
                this.show(status, page);
                this.say('Updated every ' + EVERY / 1000 + ' seconds');
            }
        } catch (error) {
            this.say('No news: this host ' + error.message, true);
        } finally {
            this.busy = false;
        }
        this.timer = setTimeout(() => this.look(), EVERY);
    }

    show(status, page) {
        renew(document.getElementById('taken'),
              page.getElementById('taken'));
        renew(document.querySelector('main'), page.querySelector('main'));

        const sections = document.querySelectorAll('.cluster');

        status.clusters.forEach((cluster, i) => {
            const figure = sections[i]?.querySelector('.chart');

            if (figure && this.charts.get(figure)?.name !== cluster.name) {
                figure.querySelectorAll(':scope > :not(figcaption)').forEach(
                    (part) => part.remove());
                this.charts.set(figure, {
                    name: cluster.name,
                    chart: new Chart(figure,
                                     sections[i].querySelector('.recent')),
                });
            }
            this.charts.get(figure)?.chart.add(status.time,
                                               cluster.handshakes);
        });
    }
}

new Page();

})();
