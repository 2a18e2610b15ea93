import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BRIDGE, deskOf, EVENT, MESSAGE, settled, until, type Answers }
    from './bridge.js';

test('the first view: who I am, my accounts, who waits', async (t) => {
    const { desk } = deskOf(BRIDGE);

    t.after(() => desk.stop());
    await desk.start();
    assert.equal(desk.me.value?.role, 'gm');
    assert.deepEqual(desk.sorted.value.map((one) => one.uid), ['71', '72']);
    assert.equal(desk.unread.value, 1);
    desk.filter.value = '72';
    assert.deepEqual(desk.sorted.value.map((one) => one.uid), ['72']);
});

test('what changes something is a POST with the header, the rest a GET',
    async (t) => {
        const { desk, calls } = deskOf(BRIDGE);

        t.after(() => desk.stop());
        await desk.start();
        await desk.openConversation('5001', '71');
        await desk.markRead('5001', '71');
        desk.outbox.add('5001', '71', 'hello');
        await desk.switchOnline('5001', true);
        await desk.switchOnline('5001', false);
        await settled();
        for (const call of calls) {
            const changes = ['read', 'send', 'online', 'offline', 'ack']
                .includes(call.action);

            assert.equal(call.method, changes ? 'POST' : 'GET', call.action);
            assert.equal(call.headers.has('X-GMChat'), changes, call.action);
        }
    });

test('a live message: counted once, told once, in the open log', async (t) => {
    const { desk, notified, seen } = deskOf(BRIDGE);

    t.after(() => desk.stop());
    await desk.start();
    await desk.openConversation('5001', '71');
    seen.now = false;
    desk.event('message', EVENT(1));
    assert.equal(desk.unread.value, 1, 'friends has counted it');
    desk.event('message', EVENT(2));
    desk.event('message', EVENT(2));
    assert.equal(desk.unread.value, 2);
    assert.deepEqual(notified, ['71']);
    assert.deepEqual(desk.logOf('5001', '71').value.messages.map(
        (one) => one.text), ['m1', 'm2']);
    seen.now = true;
    desk.event('message', EVENT(3));
    assert.deepEqual(notified, ['71'], 'the operator looks at it');
});

test('a message that comes while the list is on its way is kept', async (t) => {
    const { desk } = deskOf({ ...BRIDGE });

    t.after(() => desk.stop());
    await desk.start();
    const reading = desk.readFriends('5001');

    desk.event('message', EVENT(7));
    await reading;
    assert.equal(desk.conversation('5001', '71')?.unread, 2);
    assert.equal(desk.conversation('5001', '71')?.last?.line, 'm7');
});

test('read here is told once, read elsewhere is heard', async (t) => {
    const { desk, calls } = deskOf(BRIDGE);

    t.after(() => desk.stop());
    await desk.start();
    await desk.openConversation('5001', '71');
    await desk.markRead('5001', '71');
    await desk.markRead('5001', '71');
    assert.deepEqual(calls.filter((call) => call.action === 'read')
        .map((call) => call.params['id']), ['9-1']);
    assert.equal(desk.unread.value, 0);

    desk.event('message', EVENT(2));
    desk.event('message', EVENT(3));
    desk.event('read', { gm_account: '5001', uid: '71', id: '9-2' });
    assert.equal(desk.unread.value, 1);
    desk.event('read', { gm_account: '5001', uid: '71', id: '9-3' });
    assert.equal(desk.unread.value, 0);
});

test('what was sent is stored, and the host\'s silence seen', async (t) => {
    const { desk } = deskOf(BRIDGE);

    t.after(() => desk.stop());
    await desk.start();
    await desk.openConversation('5001', '71');
    desk.outbox.add('5001', '71', 'hello');
    assert.equal(desk.outbox.of('5001', '71')[0]?.state, 'sending');
    await settled();
    assert.deepEqual(desk.outbox.items.value, []);

    const one = desk.conversation('5001', '71');

    assert.equal(one?.waiting, 0);
    assert.equal(one?.silent, true);
    assert.equal(desk.logOf('5001', '71').value.messages.at(-1)?.delivered,
        false);
});

test('another tab\'s message comes by the event and the history', async (t) => {
    const answers = { ...BRIDGE };
    const { desk } = deskOf(answers);

    t.after(() => desk.stop());
    await desk.start();
    await desk.openConversation('5001', '71');
    answers['history'] = () => ({ res: 1, more: false,
        data: [MESSAGE(2, 'to_player'), MESSAGE(1)] });
    desk.event('desk', { gm_account: '5001', action: 'send', uid: '71',
        id: '9-2' });
    await settled(400);
    assert.equal(desk.logOf('5001', '71').value.messages.length, 2);
    assert.equal(desk.conversation('5001', '71')?.waiting, 0);
});

test('an open conversation whose friendship ended stays until it is left',
    async (t) => {
        const answers = { ...BRIDGE };
        const { desk } = deskOf(answers);

        t.after(() => desk.stop());
        await desk.start();
        await desk.openConversation('5001', '71');
        answers['friends'] = () => ({ res: 1, data: [] });
        await desk.readFriends('5001');
        assert.equal(desk.conversation('5001', '71')?.ended, true);
        assert.equal(desk.conversation('5001', '72'), undefined);
        desk.close();
        assert.equal(desk.sorted.value.length, 0);
    });

test('an account that was taken away leaves nothing behind', async (t) => {
    const answers = { ...BRIDGE };
    const { desk } = deskOf(answers);

    t.after(() => desk.stop());
    await desk.start();
    await desk.switchOnline('5001', true);
    await desk.openConversation('5001', '71');
    answers['accounts'] = () => ({ res: 1, data: [] });
    await desk.readAccounts();
    assert.deepEqual(desk.sorted.value, []);
    assert.equal(desk.open.value, undefined);
    assert.equal(desk.present.value.size, 0);
    assert.equal(desk.logOf('5001', '71').value.loaded, false);
});

test('what was never mine stays open, and says that it is refused', async (t) => {
    const answers = { ...BRIDGE,
        history: () => ({ res: 0, errno: -7, error: 'not allowed' }) };
    const { desk } = deskOf(answers);

    t.after(() => desk.stop());
    desk.show({ gm: '9001', uid: '71' });
    await desk.start();
    await assert.rejects(desk.openConversation('9001', '71'));
    await desk.readRights();
    assert.deepEqual(desk.open.value, { gm: '9001', uid: '71' });
});

test('canned replies are read again when they are needed, not at each key',
    async (t) => {
        const answers = { ...BRIDGE };
        const { desk, calls, clock } = deskOf(answers);
        const asked = () => calls.filter((one) => one.action === 'canned').length;

        t.after(() => desk.stop());
        await desk.start();
        await until(() => asked() === 1);
        answers['canned'] = () => ({ res: 1, data: [{ name: 'x', text: 'new' }] });
        desk.cannedSoon();
        clock.now += 5000;
        desk.cannedSoon();
        await until(() => desk.canned.value.length === 1);
        assert.equal(asked(), 2);
    });

test('a bridge that refuses is said so, and asked again', async (t) => {
    const answers: Answers = { ...BRIDGE,
        me: () => ({ res: 0, errno: -5, error: 'the store is away' }) };
    const { desk } = deskOf(answers);

    t.after(() => desk.stop());
    await desk.start();
    assert.equal(desk.problem.value?.errno, -5);
    answers['me'] = BRIDGE['me']!;
    await desk.start();
    assert.equal(desk.problem.value, undefined);
    assert.equal(desk.sorted.value.length, 2);
});

test('500 conversations: each event moves its own to its place', async (t) => {
    const friends = Array.from({ length: 500 }, (_, at) => ({
        uid: String(at + 1), host: '1', since: at, undelivered: 0,
        last: MESSAGE(1), unread: 0, silent: false,
    }));
    const { desk } = deskOf({ ...BRIDGE,
        friends: () => ({ res: 1, data: friends }) });

    t.after(() => desk.stop());
    await desk.start();
    assert.equal(desk.sorted.value.length, 500);
    for (let n = 2; n < 102; n++) {
        desk.event('message', EVENT(n, String(n)));
        assert.equal(desk.sorted.value[n - 2]?.uid, String(n));
    }
    assert.equal(desk.unread.value, 100);
});
