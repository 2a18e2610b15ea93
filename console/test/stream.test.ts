import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stream, type StreamState } from '../src/stream.js';
import { until } from './bridge.js';

interface Connection {
    url: string;
    init: RequestInit;
    say(text: string): void;
    end(): void;
    break(): void;
}

// What is asked stands in connections, each to be answered by hand; statuses says
// what the next ones are refused with.
function streamOf(statuses: number[] = [], more = {}) {
    const connections: Connection[] = [];
    const events: string[] = [];
    const states: StreamState[] = [];
    const acks: string[] = [];
    const refusals: number[] = [];
    const fetcher = (async (url: string, init: RequestInit) => {
        let control!: ReadableStreamDefaultController<Uint8Array>;
        const body = new ReadableStream<Uint8Array>({
            start: (one) => { control = one; },
        });

        init.signal?.addEventListener('abort', () => {
            try {
                control.error(new Error('aborted'));
            } catch {
                // It had ended.
            }
        });
        connections.push({
            url,
            init,
            say: (text) => control.enqueue(new TextEncoder().encode(text)),
            end: () => control.close(),
            break: () => control.error(new Error('broken')),
        });
        return new Response(body, { status: statuses.shift() ?? 200 });
    }) as typeof fetch;
    const stream = new Stream({
        base: '/gm', accounts: ['5001', '5002'], online: true,
        acks: () => true, cursor: '', fetcher, random: () => 0, ...more,
    }, {
        event: (name, data) => events.push(`${name} ${JSON.stringify(data)}`),
        state: (state) => states.push(state),
        refused: (status) => refusals.push(status),
        acknowledge: async (cursor) => acks.push(cursor),
    });

    return { stream, connections, events, states, acks, refusals };
}

const settled = (ms = 10) => new Promise((resolve) => setTimeout(resolve, ms));
const OPEN = 'event: open\ndata: {"stream":"6f"}\n\n';
const NEWS = 'event: message\nid: 5001:1-3\ndata: {"id":"1-3"}\n\n';

function cursorOf(connection: Connection | undefined): string | null {
    return new Headers(connection?.init.headers).get('Last-Event-ID');
}

test('opened, read, acknowledged', async (t) => {
    const { stream, connections, events, states, acks } = streamOf();

    t.after(() => stream.stop());
    stream.start();
    await settled();
    assert.equal(connections[0]?.url,
        '/gm?action=stream&gm_account=5001%2C5002&online=1');
    assert.equal(cursorOf(connections[0]), null);
    connections[0]!.say(OPEN + NEWS);
    await settled();
    assert.deepEqual(states, ['connecting', 'live']);
    assert.deepEqual(events, ['open {"stream":"6f"}', 'message {"id":"1-3"}']);
    await settled(1100);
    assert.deepEqual(acks, ['5001:1-3']);
});

test('acknowledges from when it may', async (t) => {
    const may = { now: false };
    const { stream, connections, events, acks } =
        streamOf([], { acks: () => may.now });

    t.after(() => stream.stop());
    stream.start();
    await until(() => connections.length === 1);
    connections[0]!.say(OPEN + NEWS);
    await until(() => events.length === 2);
    may.now = true;
    connections[0]!.say(NEWS.replaceAll('1-3', '1-4'));
    await until(() => acks.length === 1);
    assert.deepEqual(acks, ['5001:1-4']);
});

test('comes back behind the last event when the connection breaks', async (t) => {
    const { stream, connections, states } = streamOf();

    t.after(() => stream.stop());
    stream.start();
    await settled();
    connections[0]!.say(OPEN + NEWS);
    await settled();
    connections[0]!.break();
    await settled();
    assert.equal(connections.length, 2);
    assert.equal(cursorOf(connections[1]), '5001:1-3');
    assert.deepEqual(states, ['connecting', 'live', 'away', 'connecting']);
});

test('a connection that says nothing is given up', async (t) => {
    const { stream, connections } = streamOf([], { silence: 30 });

    t.after(() => stream.stop());
    stream.start();
    await settled();
    connections[0]!.say(OPEN);
    for (let times = 0; times < 4; times++) {
        await settled(15);
        connections[0]!.say(':\n');
    }
    assert.equal(connections.length, 1, 'comments are signs of life');
    await settled(80);
    assert.ok(connections.length > 1);
});

test('the pause that the bridge asks for is kept', async (t) => {
    const { stream, connections } = streamOf();

    t.after(() => stream.stop());
    stream.start();
    await settled();
    connections[0]!.say(`${OPEN}retry: 60\n`);
    connections[0]!.end();
    await settled(30);
    assert.equal(connections.length, 1);
    await settled(60);
    assert.equal(connections.length, 2);
});

test('after a sleep the clock says that the connection is old', async (t) => {
    const clock = { now: 1_000_000 };
    const { stream, connections } = streamOf([], { now: () => clock.now });

    t.after(() => stream.stop());
    stream.start();
    await until(() => connections.length === 1);
    connections[0]!.say(OPEN);
    await settled();
    clock.now += 45_000;
    stream.check();
    await settled();
    assert.equal(connections.length, 1, 'three heartbeats are not over');
    clock.now += 1;
    stream.check();
    await until(() => connections.length === 2);
});

test('an event that the page cannot take stops none behind it', async (t) => {
    const told: unknown[] = [];
    const error = t.mock.method(console, 'error', (one: unknown) => {
        told.push(one);
    });
    const { stream, connections, events } = streamOf();

    t.after(() => stream.stop());
    stream.start();
    await until(() => connections.length === 1);
    connections[0]!.say(`${OPEN}event: message\nid: c1\ndata: {"id"\n\n${NEWS}`);
    await until(() => events.length === 2);
    assert.equal(events[1], 'message {"id":"1-3"}');
    assert.equal(error.mock.callCount(), 1);
    assert.ok(told[0] instanceof SyntaxError);
    connections[0]!.break();
    await until(() => connections.length === 2);
    assert.equal(cursorOf(connections[1]), '5001:1-3');
});

test('a connection that is never answered is given up', async (t) => {
    let asked = 0;
    const fetcher = ((_: string, init: RequestInit) => {
        asked++;
        return new Promise((_, no) => {
            init.signal?.addEventListener('abort', () => no(new Error('aborted')));
        });
    }) as typeof fetch;
    const { stream } = streamOf([], { silence: 20, fetcher });

    t.after(() => stream.stop());
    stream.start();
    await until(() => asked > 1);
});

test('streams that end again and again are opened at a growing pause', async (t) => {
    const { stream, connections } = streamOf([], { random: () => 1 });

    t.after(() => stream.stop());
    stream.start();
    await until(() => connections.length === 1);
    connections[0]!.say('retry: 0\n');
    connections[0]!.end();
    await until(() => connections.length === 2);
    const began = Date.now();

    connections[1]!.say('retry: 0\n');
    connections[1]!.end();
    await until(() => connections.length === 3);
    assert.ok(Date.now() - began >= 990);
});

test('a refusal is not asked again at once; the network\'s return does', async (t) => {
    const { stream, connections, states, refusals } = streamOf([403]);

    t.after(() => stream.stop());
    stream.start();
    await settled(50);
    assert.deepEqual(states, ['connecting', 'refused']);
    assert.deepEqual(refusals, [403]);
    stream.kick();
    await settled();
    assert.equal(connections.length, 2);
});

test('a cursor that is refused is given up', async (t) => {
    const { stream, connections } = streamOf([400], { cursor: 'strange' });

    t.after(() => stream.stop());
    stream.start();
    await settled(30);
    assert.equal(cursorOf(connections[0]), 'strange');
    assert.equal(cursorOf(connections[1]), null);
});

test('a list too long for a request line goes into a body', async (t) => {
    const accounts = Array.from({ length: 500 }, (_, at) => String(50_000 + at));
    const { stream, connections } = streamOf([], { accounts, online: false });

    t.after(() => stream.stop());
    stream.start();
    await settled();
    assert.equal(connections[0]?.init.method, 'POST');
    assert.equal((JSON.parse(String(connections[0]?.init.body)) as
        { gm_account: string }).gm_account.split(',').length, 500);
});

test('stopped: nothing comes any more', async () => {
    const { stream, connections, events } = streamOf();

    stream.start();
    await settled();
    connections[0]!.say(OPEN);
    await settled();
    stream.stop();
    await settled(30);
    assert.equal(connections.length, 1);
    assert.equal(events.length, 1);
});
