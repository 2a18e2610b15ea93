import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from '../src/api.js';
import { Desk } from '../src/store/desk.js';
import type { StreamMessage, WireMessage } from '../src/types.js';

interface Call {
    method: string;
    action: string;
    params: Record<string, string>;
    headers: Headers;
}

type Answers = Record<string, (call: Call) => unknown>;

function callOf(url: string, init: RequestInit): Call {
    const params = init.method === 'POST'
        ? JSON.parse(String(init.body)) as Record<string, string>
        : Object.fromEntries(new URL(url, 'http://x').searchParams);

    return {
        method: init.method ?? 'GET',
        action: params['action'] ?? '',
        params,
        headers: new Headers(init.headers),
    };
}

// A bridge that answers calls; a stream is opened and stays silent.
function deskOf(answers: Answers) {
    const calls: Call[] = [];
    const notified: string[] = [];
    const seen = { now: true };
    let last = 0;
    const fetcher = (async (url: string, init: RequestInit) => {
        const call = callOf(url, init);

        calls.push(call);
        if (call.action === 'stream') {
            return new Response(new ReadableStream(), { status: 200 });
        }
        const answer = (answers[call.action] ?? (() => ({ res: 1, data: [] })))(
            call);

        return new Response(JSON.stringify(answer), { status: 200 });
    }) as typeof fetch;
    const desk = new Desk({
        api: new Api('/gm', fetcher),
        fetcher,
        local: undefined,
        session: undefined,
        msgid: () => `id-${++last}`,
        now: () => 5000,
        sleep: async () => undefined,
        notify: (message) => notified.push(message.uid),
        isSeen: () => seen.now,
    });

    return { desk, calls, notified, seen };
}

const MESSAGE = (n: number, dir: 'to_gm' | 'to_player' = 'to_gm'): WireMessage => ({
    id: `9-${n}`, dir, gm_account: '5001', text: `m${n}`, ts: 1000 + n,
});

const EVENT = (n: number, uid = '71'): StreamMessage => ({
    id: `9-${n}`, uid, gm_account: '5001', text: `m${n}`, ts: 1000 + n,
});

const BRIDGE: Answers = {
    me: () => ({ res: 1, data: [{ operator: 'ann', role: 'gm',
        gm_accounts: ['5001'] }] }),
    accounts: () => ({ res: 1, data: [{ gm_account: '5001', name: 'Iris',
        online: false, friends: 1 }] }),
    friends: () => ({ res: 1, data: [
        { uid: '71', host: '1', since: 1, undelivered: 0, last: MESSAGE(1),
            unread: 1, silent: false, waiting_since: 1001 },
        { uid: '72', host: '2', since: 2, undelivered: 0, unread: 0,
            silent: false, last: null },
    ] }),
    history: () => ({ res: 1, data: [MESSAGE(1)], more: false }),
    send: () => ({ res: 1, id: '8-1', host_silent: true }),
    read: () => ({ res: 1 }),
    online: () => ({ res: 1 }),
    offline: () => ({ res: 0 }),
};

const settled = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));

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

test('500 conversations: an event takes a moment', async (t) => {
    const friends = Array.from({ length: 500 }, (_, at) => ({
        uid: String(at + 1), host: '1', since: at, undelivered: 0,
        last: MESSAGE(1), unread: 0, silent: false,
    }));
    const { desk } = deskOf({ ...BRIDGE,
        friends: () => ({ res: 1, data: friends }) });

    t.after(() => desk.stop());
    await desk.start();
    assert.equal(desk.sorted.value.length, 500);
    const began = performance.now();

    for (let n = 2; n < 102; n++) {
        desk.event('message', EVENT(n, String(n)));
        assert.equal(desk.sorted.value[n - 2]?.uid, String(n));
    }
    const each = (performance.now() - began) / 100;

    assert.ok(each < 20, `${each} ms`);
});
