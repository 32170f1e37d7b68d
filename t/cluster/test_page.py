"""The status page in a real browser.

Nothing of the page comes from elsewhere, and its console has to stay empty:
whatever the policy of the page forbids would be told there.
"""

import time

import pytest

from harness import browser, clients, conf, process, sessions

if browser.missing():
    pytest.skip('this machine has no ' + browser.missing(),
                allow_module_level=True)

TICKETLESS = 8445               # of a server with "ssl_session_tickets off"
HOSTILE = '<img src=x onerror=alert(1)>' + 'x' * 90     # as long as it may be
KINDS = ('resumed_ticket', 'resumed_id_local', 'resumed_id_remote', 'full')
NARROW = 320                    # px of a small phone
AA = 4.5                        # contrast of text that everybody can read
AA_PICTURES = 3                 # and of what is no text

# What of all text contrasts least with what is behind it, and how much;
# pictures are compared with their card.
CONTRAST = '''
const paint = document.createElement('canvas').getContext(
    '2d', { willReadFrequently: true });
const parse = (color) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = color;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
};
const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((c) => c / 255).map(
        (c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (one, two) => {
    const [low, high] = [light(one), light(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
};
const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
        const color = parse(getComputedStyle(e).backgroundColor);
        if (color[3] === 255) {
            return color;
        }
    }
    return [255, 255, 255, 255];
};
const worst = { text: [99, ''], picture: [99, ''] };
const note = (kind, value, what) => {
    if (value < worst[kind][0]) {
        worst[kind] = [value, what];
    }
};
for (const e of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(e);
    const words = [...e.childNodes].filter((n) => n.nodeType === 3)
        .map((n) => n.data).join('').trim();
    if (!e.getClientRects().length) {
        continue;
    }
    if (words && e.localName !== 'title') {
        note('text', ratio(parse(e instanceof SVGElement ? style.fill
                                                         : style.color),
                           behind(e)), words);
    }
    if (e.matches('.swatch rect, .encrypts, .histogram rect, .chart path')
        && !e.matches('.decrypts, .waits')) {
        note('picture', ratio(parse(style.fill),
                              behind(e.closest('.card'))), e.outerHTML);
    }
}
return worst;
'''

# What a page that everybody can use has; returns what is missing.
STRUCTURE = '''
const missing = [];
const all = (selector) => [...document.querySelectorAll(selector)];
const count = (selector, n) => {
    if (all(selector).length !== n) {
        missing.push(selector + ': ' + all(selector).length);
    }
};
count('h1', 1);
count('body > header', 1);
count('body > main', 1);
count('body > footer', 1);
count('html[lang=en]', 1);
let level = 0;
for (const heading of all('h1, h2, h3, h4, h5, h6')) {
    const now = Number(heading.localName[1]);
    if (now > level + 1) {
        missing.push('a level above ' + heading.textContent);
    }
    level = now;
}
for (const section of all('section')) {
    const name = document.getElementById(
        section.getAttribute('aria-labelledby'));
    if (!section.contains(name)) {
        missing.push('the name of a section');
    }
    if (!section.querySelector('[aria-live=polite] > ul > li')) {
        missing.push('a live region of what is wrong');
    }
}
for (const table of all('table')) {
    if (!table.caption?.textContent) {
        missing.push('a caption of ' + table.outerHTML);
    }
}
for (const cell of all('th:not([scope])')) {
    missing.push('a scope of ' + cell.textContent);
}
for (const picture of all('svg')) {
    if (picture.closest('[aria-hidden=true]')) {
        continue;
    }
    if (picture.getAttribute('role') !== 'img'
        || !picture.getAttribute('aria-label')) {
        missing.push('words for ' + picture.outerHTML);
    }
}
for (const figure of all('figure')) {
    if (!figure.querySelector('figcaption') || !figure.querySelector(
        'details table')) {
        missing.push('a table for ' + figure.className);
    }
}
const ids = all('[id]').map((e) => e.id);
if (new Set(ids).size !== ids.length) {
    missing.push('an id of one element only');
}
return missing;
'''


@pytest.fixture(scope='module')
def cluster(make_module_cluster):
    cluster = make_module_cluster(
        hosts=2, start=False, rotation='60s', session_cache='shared:SSL:1m',
        servers=[conf.Server(), conf.Server(
            port=TICKETLESS, extra='ssl_session_tickets off;')])
    # whose keys begin and end on other days than this one, too
    cluster.hosts[0].config.groups.append(
        conf.Group(name='"%s"' % HOSTILE, rotation='2d'))
    cluster.start()
    cluster.wait_agreed()
    cluster.wait_whole()
    return cluster


@pytest.fixture(scope='module')
def window(lab):
    with browser.Browser(lab.make('browser')) as window:
        yield window


@pytest.fixture
def plain(window):
    """The window, as somebody has it who allows no scripts."""
    window.scripts(False)
    yield window
    window.scripts(True)


@pytest.fixture
def page(window, cluster):
    """The page of the first host, kept up to date by its script."""
    window.colors('light')
    window.resize(1280, 900)
    show(window, cluster)
    yield window
    assert window.complaints() == []


def address(cluster):
    host = cluster.hosts[0]
    return 'http://%s:%d/status' % (host.address, conf.STATUS_PORT)


def show(window, cluster):
    window.open(address(cluster))
    process.wait_until(
        lambda: (window.text('#live') or '').startswith('Updated'),
        'the script to have looked')


def wait_text(page, selector, part):
    process.wait_until(lambda: part in (page.text(selector) or ''),
                       '%s to say "%s"' % (selector, part))


def charted(page):
    """{kind: handshakes}, as the chart's table has them."""
    return page.run('''
        const kinds = arguments[0];
        const found = Object.fromEntries(kinds.map((kind) => [kind, 0]));
        for (const row of document.querySelectorAll(
            '#cluster0 .chart tbody tr')) {
            kinds.forEach((kind, i) => {
                found[kind] += Number(row.cells[i + 1].textContent);
            });
        }
        return found;''', KINDS)


def drawn(page):
    """{kind: what the chart draws for it}."""
    return page.run('''
        return Object.fromEntries(arguments[0].map((kind) => [kind,
            document.querySelector('#cluster0 .chart path.' + kind)
            ?.getAttribute('d') ?? '']));''', KINDS)


def handshakes(cluster):
    """Some of each kind on the first host."""
    host, other = cluster.hosts
    client = clients.Client('TLSv1.3')
    ticket = client.connect(host).session
    for _ in range(3):
        assert client.connect(host, ticket).reused
    client = sessions.Client('TLSv1.2')
    sessions.redeem(client, other, host, port=TICKETLESS)
    sessions.redeem(client, host, host, port=TICKETLESS)


def test_chart_goes_on(page, cluster):
    """What comes while the page is open is drawn, counted and told."""
    assert drawn(page) == dict.fromkeys(KINDS, '')
    for _ in range(2):
        drawings, counts = drawn(page), charted(page)
        before = cluster.hosts[0].group()['handshakes']
        handshakes(cluster)

        def moved(drawings=drawings, counts=counts, before=before):
            now = cluster.hosts[0].group()['handshakes']
            come = {kind: now[kind] - before[kind] for kind in KINDS}
            shown, pictures = charted(page), drawn(page)
            return all(come[kind] and shown[kind] - counts[kind] == come[kind]
                       and pictures[kind] not in ('', drawings[kind])
                       for kind in KINDS)

        process.wait_until(moved, 'the chart to have every handshake')
    now = cluster.hosts[0].group()['handshakes']
    share = 1000 * (sum(now.values()) - now['full']) // sum(now.values())
    wait_text(page, '#cluster0 .big', '%d.%d' % divmod(share, 10))
    wait_text(page, '#cluster0 .recent', 'in the last minute')
    label = page.run('return document.querySelector("#cluster0 .plot svg")'
                     '.getAttribute("aria-label");')
    assert 'resumed a session' in label


def test_memcached_is_killed(page, cluster):
    """States change, in words, and leave alone what somebody does."""
    wait_text(page, '#cluster0 .wrong', 'Nothing.')
    victim = cluster.memcached[0]
    # somebody reads a table in the meantime
    page.run('const d = document.querySelector(".server details");'
             'd.open = true; d.querySelector("summary").focus();')
    victim.kill()
    wait_text(page, '#cluster0 .wrong',
              'memcached %s is down.' % victim.server)
    wait_text(page, '#cluster0 .wrong', 'Start memcached there')
    wait_text(page, '#cluster0 .server .state', 'down')
    assert page.run('''
        const d = document.querySelector(".server details");
        return d.open
            && document.activeElement === d.querySelector("summary");''')
    victim.start()
    wait_text(page, '#cluster0 .server .state', 'up')
    wait_text(page, '#cluster0 .wrong', 'Nothing.')


def test_all_memcached_are_killed(page, cluster):
    for server in cluster.memcached:
        server.kill()
    wait_text(page, '#name0', 'cut off')
    wait_text(page, '#cluster0 .wrong', 'This host is cut off')
    for server in cluster.memcached:
        server.start()
    cluster.wait_whole()
    wait_text(page, '#name0', 'ok')


def test_keys_on_their_line(page, cluster):
    """Every key of now is there with its times, and where it belongs."""
    wait_text(page, '#cluster0 svg.line', 'current')

    # the one that encrypts now; at the end of a slot there may be two
    process.wait_until(lambda: page.run('''
        const line = document.querySelector('#cluster0 svg.line');
        const at = (e, name) => Number.parseFloat(e.getAttribute(name));
        const now = at(line.querySelector('line.now'), 'x1');
        return [...line.querySelectorAll('rect.encrypts')].filter(
            (bar) => at(bar, 'x') <= now
                     && now <= at(bar, 'x') + at(bar, 'width')).length;''')
                       == 1, 'one key to encrypt at the line of now')

    def shown():
        names = {key['name'] for key in cluster.hosts[0].group()['keys']}
        return names == set(page.run(
            'return [...document.querySelectorAll("#cluster0 .keys code")]'
            '.map((e) => e.textContent);'))

    process.wait_until(shown, 'every key in a table')


def test_names_are_text(page):
    """A name that would be markup is none, before and after a renewal."""
    before = page.text('#taken')
    process.wait_until(lambda: page.text('#taken') != before, 'news')
    assert page.text('#name1').startswith(HOSTILE)
    assert HOSTILE in page.text('nav')
    assert page.run('return document.images.length;') == 0


def test_policy(page):
    """Neither markup nor scripts from strings, and nothing from elsewhere."""
    assert page.run('''
        try {
            document.body.innerHTML += '<b>no</b>';
        } catch (error) {
            return error.name;
        }''') == 'TypeError'
    assert page.run('''
        const script = document.createElement('script');
        try {
            script.textContent = 'window.bad = 1;';
            document.body.append(script);
        } catch (error) {
            return error.name;
        }
        return window.bad;''') == 'TypeError'
    assert page.run('''
        const style = document.createElement('style');
        style.textContent = 'body { color: rgb(1, 2, 3) }';
        document.head.append(style);
        const color = getComputedStyle(document.body).color;
        style.remove();
        return color;''') != 'rgb(1, 2, 3)'
    assert page.complaints()
    assert page.run('''
        return performance.getEntriesByType('resource').filter(
            (entry) => !entry.name.startsWith(location.origin
                                              + location.pathname)).length;
        ''') == 0


def test_structure(page):
    """Landmarks, headings, captions, and words for pictures."""
    assert page.run(STRUCTURE) == []


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_colors(page, cluster, scheme):
    """Everything can be read in both, also what is wrong."""
    victim = cluster.memcached[0]
    victim.kill()
    wait_text(page, '#cluster0 .wrong', 'is down')
    handshakes(cluster)
    process.wait_until(lambda: all(drawn(page).values()), 'a chart')
    page.colors(scheme)
    dark = page.run('return getComputedStyle(document.body).backgroundColor'
                    '.match(/\\d+/g).every((part) => part < 64);')
    assert dark == (scheme == 'dark')
    page.run('document.querySelectorAll("details").forEach('
             '(e) => { e.open = true; });')
    worst = page.run(CONTRAST)
    assert worst['text'][0] >= AA, worst['text']
    assert worst['picture'][0] >= AA_PICTURES, worst['picture']
    victim.start()
    cluster.wait_whole()


def test_narrow(page, cluster):
    """A phone scrolls in one direction, whatever is open."""
    page.resize(NARROW, 640)
    handshakes(cluster)
    process.wait_until(lambda: all(drawn(page).values()), 'a chart')
    page.run('document.querySelectorAll("details").forEach('
             '(e) => { e.open = true; });')
    # a part of it is the bar for the other direction
    wide = page.run('''
        const room = document.documentElement.clientWidth;
        return [...document.querySelectorAll('html, body *')].filter((e) =>
            e.scrollWidth > room || e.getBoundingClientRect().right > room
            || e.getBoundingClientRect().left < 0).map((e) => e.outerHTML);
        ''')
    assert wide == []
    assert page.run('return innerWidth;') == NARROW


def test_keyboard(page):
    """Tab reaches whatever can be used, and Enter uses it."""
    # a key that comes or goes in the meantime would be one place more or less
    page.run('document.querySelector("#live button").click();')
    wait_text(page, '#live', 'Paused')
    wanted = page.run('''
        const all = [...document.querySelectorAll('a, button, summary')]
            .filter((e) => e.checkVisibility());
        all.forEach((e, i) => { e.wanted = i; });
        return all.length;''')
    reached = []
    for _ in range(wanted):
        page.press(browser.TAB)
        reached.append(page.run('return document.activeElement.wanted;'))
        assert page.run('return getComputedStyle(document.activeElement)'
                        '.outlineStyle;') == 'solid'
    assert reached == list(range(wanted))

    page.run('document.querySelector(".server summary").focus();')
    page.press(browser.ENTER)
    assert page.run('return document.querySelector(".server details").open;')

    page.run('document.querySelector("#live button").focus();')
    page.press(browser.ENTER)
    wait_text(page, '#live', 'Updated')
    page.press(browser.ENTER)
    wait_text(page, '#live', 'Paused')
    page.press(browser.ENTER)
    before = page.text('#taken')
    process.wait_until(lambda: page.text('#taken') != before, 'news')


def test_host_ends(page, cluster):
    """The page says that it is old, and goes on with the host."""
    host = cluster.hosts[0]
    host.stop()
    wait_text(page, '#live', 'No news: this host does not answer')
    host.start()
    cluster.wait_agreed()
    wait_text(page, '#live', 'Updated')
    told = page.complaints()
    assert told and all('net::ERR_' in line for line in told), told


def test_without_scripts(plain, cluster):
    """A plain page with everything but the chart."""
    handshakes(cluster)
    host = cluster.hosts[0]
    began = time.time()
    plain.open(address(cluster))
    text = plain.run('return document.querySelector("main").textContent;')
    status = host.group()
    assert plain.text('#live') == ''
    assert 'drawn by a script' in plain.text('#cluster0 .chart')
    assert plain.run('return document.querySelectorAll('
                      '"#cluster0 table.kinds data").length;') == len(KINDS)
    for server in status['servers']:
        assert server['address'] in text
    names = [key['name'] for key in status['keys']
             if key['created'] < began]
    assert names and all(name in text for name in names)
    for words in ('What is wrong', 'Sessions resumed', 'Keys of now',
                  'memcached servers', 'How long polls took', 'Tickets',
                  'Sessions by ID', 'Lookups', 'Group of hosts',
                  'forward secrecy', 'generation in force'):
        assert words in text
    assert plain.run(STRUCTURE) == ['a table for card chart'] * 2
    assert plain.complaints() == []
