import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SseParser, type SseEvent } from '../src/sse.js';

const TEXT = ': \nevent: open\ndata: {"stream":"6f"}\n\n:\n' +
    'event: message\nid: 5001:1-3\ndata: {"id":"1-3"}\n\nretry: 1200\n' +
    'event: ready\r\nid: 5001:1-3\r\ndata: {}\r\n\r\n';

const EVENTS: SseEvent[] = [
    { name: 'open', data: '{"stream":"6f"}', id: '' },
    { name: 'message', data: '{"id":"1-3"}', id: '5001:1-3' },
    { name: 'ready', data: '{}', id: '5001:1-3' },
];

function fed(sizes: number): { events: SseEvent[]; retry: number | undefined } {
    const parser = new SseParser();
    const events: SseEvent[] = [];

    for (let at = 0; at < TEXT.length; at += sizes) {
        events.push(...parser.feed(TEXT.slice(at, at + sizes)));
    }
    return { events, retry: parser.retry };
}

test('whole, and cut at every size', () => {
    for (let size = 1; size <= TEXT.length; size++) {
        const { events, retry } = fed(size);

        assert.deepEqual(events, EVENTS, `in pieces of ${size}`);
        assert.equal(retry, 1200);
    }
});

test('an event without an end is none', () => {
    assert.deepEqual(new SseParser().feed('event: message\ndata: {}\n'), []);
});

test('data of several lines', () => {
    assert.equal(new SseParser().feed('data: a\ndata: b\n\n')[0]?.data, 'a\nb');
});

test('an id stays until there is another', () => {
    const events = new SseParser().feed('id: 7\ndata: a\n\ndata: b\n\n');

    assert.deepEqual(events.map((event) => event.id), ['7', '7']);
});
