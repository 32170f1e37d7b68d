"""A real browser: Debian's Chromium, driven through its WebDriver."""

import base64
import http.client
import json
import os
import re
import shutil
import subprocess

from . import process

DRIVER = 'chromedriver'
BINARY = 'chromium'

# makes it send some, which it does not by itself
EARLY_DATA = '--enable-features=EnableTLS13EarlyData'

PATIENCE = 120                  # seconds for a command
GRACE = 5                       # and for an end without being killed

NETWORK_CHANGED = 'net::ERR_NETWORK_CHANGED'

# as WebDriver names keys
TAB = '\ue004'
ENTER = '\ue007'


def missing():
    """What of it this machine lacks; None if it is all there."""
    for name in DRIVER, BINARY:
        if shutil.which(name) is None:
            return name
    return None


class Failure(Exception):
    """The driver or the browser says no."""


class Browser:
    """A context: one window, without anything of earlier ones.

    "more": further arguments of the browser.
    """

    def __init__(self, directory, width=1280, height=900, more=()):
        self.directory = directory
        self.more = more
        self.size = width, height
        self.driver = None
        self.session = None

    def __enter__(self):
        environment = dict(os.environ, HOME=self.directory,
                           TMPDIR=self.directory, LANG='C.UTF-8')
        log = os.path.join(self.directory, 'driver.log')
        with open(log, 'wb') as out:
            self.driver = subprocess.Popen(
                [DRIVER, '--port=0'], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, cwd=self.directory, env=environment)
        try:
            self.port = int(process.wait_until(
                lambda: self._port(log), 'chromedriver to listen'))
            self.session = self._ask('POST', '/session', {
                'capabilities': {'alwaysMatch': self._wishes()}})['sessionId']
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        """However slow driver and browser end, nothing of them stays."""
        try:
            if self.session is not None:
                self._ask('DELETE', '/session/' + self.session,
                          timeout=GRACE)
        except (OSError, http.client.HTTPException, Failure):
            pass
        self.driver.terminate()
        try:
            self.driver.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
        process.wait_until(self._gone, 'the browser to end')
        shutil.rmtree(self.directory, ignore_errors=True)

    def _gone(self):
        left = process.inside(self.directory)
        for pid in left:
            process.kill(pid)
        return not left

    def _port(self, log):
        if self.driver.poll() is not None:
            raise Failure('chromedriver ended')
        with open(log, encoding='utf-8') as f:
            found = re.search(r'successfully on port (\d+)', f.read())
        return found and found.group(1)

    def _wishes(self):
        return {
            'browserName': 'chrome',
            'goog:loggingPrefs': {'browser': 'ALL'},
            'goog:chromeOptions': {
                'binary': shutil.which(BINARY),
                'args': ['--headless=new', '--no-sandbox', '--disable-gpu',
                         '--disable-dev-shm-usage', '--no-first-run',
                         '--disable-background-networking',
                         '--disable-component-update', '--lang=en',
                         '--window-size=%d,%d' % self.size,
                         '--user-data-dir='
                         + os.path.join(self.directory, 'profile'),
                         *self.more]}}

    def _ask(self, method, path, body=None, timeout=PATIENCE):
        connection = http.client.HTTPConnection('127.0.0.1', self.port,
                                                timeout=timeout)
        try:
            connection.request(
                method, path,
                None if body is None else json.dumps(body).encode(),
                {'Content-Type': 'application/json'})
            value = json.load(connection.getresponse())['value']
        finally:
            connection.close()
        if isinstance(value, dict) and 'error' in value:
            raise Failure('%s: %s' % (value['error'], value.get('message')))
        return value

    def _command(self, path, **body):
        return self._ask('POST', '/session/%s/%s' % (self.session, path),
                         body)

    def open(self, url):
        self._command('url', url=url)

    def run(self, script, *arguments):
        """What a function of this body returns in the page."""
        return self._command('execute/sync', script=script,
                             args=list(arguments))

    def text(self, selector):
        """What is to be read of the first such element."""
        return self.run('const e = document.querySelector(arguments[0]);'
                        'return e && (e.innerText ?? e.textContent);',
                        selector)

    def tools(self, method, **parameters):
        """A command of Chromium's own protocol."""
        return self._command('goog/cdp/execute', cmd=method,
                             params=parameters)

    def colors(self, scheme):
        """ "light" or "dark", as the system would say. """
        self.tools('Emulation.setEmulatedMedia', features=[
            {'name': 'prefers-color-scheme', 'value': scheme}])

    def resize(self, width, height):
        """The size of what the page has, smaller than a window can be."""
        self.tools('Emulation.setDeviceMetricsOverride', width=width,
                   height=height, deviceScaleFactor=1, mobile=False)

    def scripts(self, allowed):
        """Whether pages that are opened from now on may run their own."""
        self.tools('Emulation.setScriptExecutionDisabled', value=not allowed)

    def press(self, key):
        self._command('actions', actions=[{
            'type': 'key', 'id': 'keys', 'actions': [
                {'type': 'keyDown', 'value': key},
                {'type': 'keyUp', 'value': key}]}])

    def complaints(self):
        """What the console has had since it was asked last.

        The browser gives up what it is loading when an interface of the
        machine comes or goes, as those of the tests' hosts do.
        """
        found = [entry['message'] for entry in self._command(
            'se/log', type='browser')]
        return [text for text in found if NETWORK_CHANGED not in text]

    def picture(self, file):
        """The whole page as a PNG."""
        size = self.tools('Page.getLayoutMetrics')['cssContentSize']
        shot = self.tools('Page.captureScreenshot', format='png',
                          captureBeyondViewport=True,
                          clip={'x': 0, 'y': 0, 'width': size['width'],
                                'height': size['height'], 'scale': 1})
        with open(file, 'wb') as f:
            f.write(base64.b64decode(shot['data']))
