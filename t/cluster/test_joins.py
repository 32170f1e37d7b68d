"""Requests and answers at the door that are late, changed, or come again."""

import contextlib
import hmac

import pytest

from harness import clients, doorman, opener, process

POLL = '500ms'
LATE = 3                # looks at a slot before an answer is seen
MAC = 16


def identity(host):
    return host.group()['group'].get('id')


def joins(host):
    return host.group()['group']['joins']


def issue(hosts):
    """A ticket of each host in each version, with its client."""
    made = []
    for host in hosts:
        for version in clients.VERSIONS:
            client = clients.Client(version)
            made.append((client, client.full(host).session))
    return made


def all_resume(hosts, made):
    for client, session in made:
        for host in hosts:
            result = client.connect(host, session=session)
            assert result.error is None and result.reused, result


class Door:
    """A group of two, and a third host that comes through doormen."""

    def __init__(self, cluster, address):
        self.cluster = cluster
        self.old = cluster.hosts[:2]
        self.late = cluster.hosts[2]
        self.opener = opener.Opener(bytes.fromhex(cluster.secret), 'main')
        self.doormen = [doorman.Doorman(server, address, self.opener.door)
                        for server in cluster.memcached]
        self.late.config.groups[0].memcached = [one.server
                                                for one in self.doormen]
        self.group = None
        self.made = []

    def open(self):
        for host in self.old:
            host.start()
        self.cluster.wait_agreed(self.old)
        process.wait_until(lambda: len({identity(host)
                                        for host in self.old}) == 1,
                           'one group')
        self.group = identity(self.old[0])
        self.made = issue(self.old)

    def change(self, comes=None, goes=None):
        """What becomes of values on their way, at all servers."""
        for one in self.doormen:
            one.comes = comes or (lambda key, value: value)
            one.goes = goes or (lambda key, value: value)

    def is_answer(self, value):
        return self.opener.answer(value) is not None

    def is_request(self, value):
        return self.opener.request(value) is not None

    def enter(self):
        """The third host starts, and is in the group in the end."""
        self.late.start()
        self.made += issue([self.late])
        self.wait_in()

    def wait_in(self):
        self.cluster.wait_agreed()
        process.wait_until(
            lambda: all(identity(host) == self.group
                        and host.group()['state'] == 'ok'
                        for host in self.cluster.hosts),
            'all to be in the group of before')
        all_resume(self.cluster.hosts, self.made)

    def restart(self):
        """The third host comes once more, with nothing."""
        self.late.stop()
        self.enter()


@pytest.fixture(name='door')
def fixture_door(make_cluster, lab):
    cluster = make_cluster(hosts=3, rotation='7d', poll=POLL, start=False,
                           tls=False)
    with contextlib.ExitStack() as stack:
        door = Door(cluster, lab.network.address)
        for one in door.doormen:
            stack.enter_context(one)
        # connections end before those who accept them
        stack.callback(door.late.stop)
        door.open()
        yield door


class Memory:
    """What was seen of each slot, by its kind."""

    def __init__(self, door):
        self.door = door
        self.requests = {}
        self.answers = {}

    def keep(self, key, value):
        if self.door.is_request(value):
            self.requests[key] = value
        if self.door.is_answer(value):
            self.answers[key] = value
        return value


def test_answer_is_late(door):
    """The host sees its request for a while although it was answered."""
    seen, looks = Memory(door), {}

    def goes(key, value):
        if not door.is_answer(value):
            return seen.keep(key, value)
        looks[key] = looks.get(key, 0) + 1
        return seen.requests.get(key) if looks[key] <= LATE else value

    door.change(comes=seen.keep, goes=goes)
    door.enter()
    assert max(looks.values()) > LATE
    assert joins(door.late)['made'] == 1
    assert joins(door.late)['given_up'] == 0


def test_answer_is_too_late(door):
    """It founds a group of its own, and still comes home with its keys."""
    seen = Memory(door)

    def goes(key, value):
        if door.is_answer(value):
            return seen.requests.get(key)
        return seen.keep(key, value)

    door.change(comes=seen.keep, goes=goes)
    door.late.start()
    door.made += issue([door.late])
    process.wait_until(lambda: joins(door.late)['given_up'] >= 1
                       and identity(door.late) not in (None, door.group),
                       'the host to give up')
    door.made += issue([door.late])
    door.change()
    door.wait_in()
    assert joins(door.late)['refused'] == 0


@pytest.mark.parametrize('share', [0.0, 0.5, 0.99])
def test_answer_is_truncated(door, share):
    """What is left of it is nothing, and the host asks again."""
    cut = []

    def goes(key, value):
        if not door.is_answer(value) or len(cut) >= 2 * LATE:
            return value
        cut.append(key)
        return value[:int(len(value) * share)]

    door.change(goes=goes)
    door.enter()
    assert len(cut) >= LATE
    assert joins(door.late)['made'] == 1


def test_request_is_truncated(door):
    """Members find no request; the host does not find its own."""
    cut = []

    def comes(key, value):
        if not door.is_request(value) or len(cut) >= 2 * LATE:
            return value
        cut.append(key)
        return value[:-1]

    door.change(comes=comes)
    door.enter()
    assert len(cut) >= LATE
    assert joins(door.late)['made'] == 1


def test_answered_twice(door):
    """Every answer that there ever was is there again, in each slot."""
    seen = Memory(door)
    door.change(comes=seen.keep, goes=seen.keep)
    door.enter()
    assert seen.answers
    last = list(seen.answers.values())[-1]
    shown = []

    def goes(key, value):
        shown.append(key)
        return last

    server = door.cluster.memcached[0]
    door.change(goes=goes)
    for key in door.opener.door:
        server.set(key, last, 60)
    process.wait_until(lambda: set(shown) == set(door.opener.door),
                       'the host to look at every slot')
    polls = door.late.group()['servers'][0]['polls']
    process.wait_until(
        lambda: door.late.group()['servers'][0]['polls'] > polls + 2,
        'some polls')
    door.change()
    door.wait_in()
    assert joins(door.late) == {**joins(door.late), 'made': 1, 'refused': 0,
                                'given_up': 0}


def test_replayed(door):
    """The requests and answers of an earlier start, in all slots for good.

    At one server alone: who fills all slots of all servers keeps everybody
    out, as he might by other means.
    """
    seen = Memory(door)
    door.change(comes=seen.keep, goes=seen.keep)
    door.enter()
    door.late.stop()
    answers, requests = (list(kind.values()) for kind in (seen.answers,
                                                          seen.requests))
    assert answers and requests
    server = door.cluster.memcached[0]
    answered = sum(joins(host)['answered'] for host in door.old)
    for number, key in enumerate(door.opener.door):
        server.set(key, (answers, requests)[number % 2][0], 60)
    # a member answers who asks, whenever that was: it opens to nobody
    process.wait_until(
        lambda: sum(joins(host)['answered'] for host in door.old) > answered,
        'an old request to be answered')

    def goes(key, value):
        return answers[0] if door.is_answer(value) else value

    door.doormen[0].comes = door.doormen[1].comes = lambda key, value: value
    door.doormen[0].goes = goes
    door.doormen[1].goes = lambda key, value: value
    door.enter()
    assert joins(door.late)['made'] == 1
    assert joins(door.late)['given_up'] == 0


def test_answered_with_another_secret(door):
    """Right but for its MAC: it is no answer, and no request of anybody."""
    forged = []
    key_of_other = opener.Opener(bytes(31) + b'\1', 'main').join_key

    def goes(key, value):
        if not door.is_answer(value) or len(forged) >= 2 * LATE:
            return value
        body = value[:-MAC]
        forged.append(key)
        return body + hmac.digest(key_of_other, body + b'main',
                                  'sha256')[:MAC]

    door.change(goes=goes)
    door.enter()
    assert len(forged) >= LATE
    assert joins(door.late)['made'] == 1


def test_restarted_again_and_again(door):
    """Its slots are left free: a host that comes often always gets in."""
    door.enter()
    for _ in range(3):
        door.restart()
    for server in door.cluster.memcached:
        process.wait_until(
            lambda server=server: not any(
                door.is_request(server.get(key) or b'')
                for key in door.opener.door), 'no request to be left')


def test_clocks_differ(make_cluster):
    """By half a rotation: one group, whoever founds it and joins."""
    cluster = make_cluster(hosts=4, rotation='1h', session_timeout='2h',
                           start=False)
    hosts = cluster.hosts
    for host, offset in zip(hosts, ('+0', '+29m', '+15m', '+5m')):
        host.shift_clock(offset)
    cluster.start()
    made = issue(hosts)
    cluster.wait_agreed()
    process.wait_until(lambda: len({identity(host) for host in hosts}) == 1,
                       'one group')
    group = identity(hosts[0])
    all_resume(hosts, made)
    for host in hosts:
        host.stop()
        host.start()
        made += issue([host])
        cluster.wait_agreed()
        process.wait_until(lambda host=host: identity(host) == group,
                           'the host to be back')
        all_resume(hosts, made)
    assert not any(joins(host)['refused'] for host in hosts)
