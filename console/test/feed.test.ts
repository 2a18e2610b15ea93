import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Feed } from '../src/store/feed.js';
import { until } from './bridge.js';

// Each stream that is opened says that it looked at all.
function feedOf() {
    const ready: string[] = [];
    const opened: string[] = [];
    const fetcher = (async (url: string, init: RequestInit) => {
        let control!: ReadableStreamDefaultController<Uint8Array>;
        const body = new ReadableStream<Uint8Array>({
            start: (one) => { control = one; },
        });

        init.signal?.addEventListener('abort',
            () => control.error(new Error('aborted')));
        opened.push(url);
        control.enqueue(new TextEncoder().encode(
            'event: open\ndata: {}\n\nid: c\nevent: ready\ndata: {}\n\n'));
        return new Response(body);
    }) as typeof fetch;
    const feed = new Feed({ base: '/gm', fetcher, acks: () => true }, {
        event: () => undefined,
        ready: (accounts, again) => ready.push(`${accounts.join()} ${again}`),
        refused: () => undefined,
        acknowledge: async () => undefined,
    });

    return { feed, ready, opened };
}

test('an account that goes to another stream may have missed something',
    async (t) => {
        const { feed, ready } = feedOf();

        t.after(() => feed.stop());
        feed.follow(['1', '2'], new Set());
        await until(() => ready.length === 1);
        feed.follow(['1', '2'], new Set(['2']));
        await until(() => ready.length === 3);
        assert.equal(ready[0], '1,2 false');
        assert.deepEqual(ready.slice(1).sort(), ['1 true', '2 true']);
        assert.equal(feed.state.value, 'live');
    });

test('the same accounts again open nothing', async (t) => {
    const { feed, ready, opened } = feedOf();

    t.after(() => feed.stop());
    feed.follow(['1'], new Set(['1']));
    await until(() => ready.length === 1);
    feed.follow(['1'], new Set(['1']));
    assert.equal(opened.length, 1);
});
