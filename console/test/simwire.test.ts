import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curlOf, errnoOf, gistOf, piecesOf, sourceOf, Wire, type WireEntry }
    from '../simulator/wire.js';
import { Bridge, until } from './simbridge.js';

const BODY = '{"action":"send","uid":"7","text":"It\'s gone"}';
const POST = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-GMChat': '1' },
    body: BODY,
};

function wireOf() {
    const bridge = new Bridge();
    let time = 0;

    return { bridge, wire: new Wire(bridge.fetch, () => time += 5) };
}

const newest = (wire: Wire): WireEntry => wire.entries.value[0]!;

test('a call is shown with its reply, and the caller reads it too', async () => {
    const { wire } = wireOf();
    const response = await wire.fetcherOf('1001')('gs', POST);

    assert.deepEqual(await response.json(), { res: 1, id: '9-1' });
    await until(() => newest(wire).text !== '');

    const { key, at, ...entry } = newest(wire);

    assert.ok(key > 0 && at > 0);
    assert.deepEqual(entry, {
        host: '1001', kind: 'call', name: 'send', method: 'POST', url: 'gs',
        headers: [['Content-Type', 'application/json']], body: BODY, status: 200,
        took: 10, text: '{"res":1,"id":"9-1"}', id: '', state: 'done',
    });
    assert.equal(gistOf(newest(wire)), '7 It\'s gone');
});

test('a refusal of HTTP status 200 is one', async () => {
    const { bridge, wire } = wireOf();

    bridge.answers.push({ action: 'send', reply: { res: 0, errno: 5 } });
    await wire.fetcherOf('1001')('gs', POST);
    await until(() => newest(wire).state === 'refused');
    assert.equal(errnoOf(newest(wire)), 5);
});

test('a call that nobody answers is lost, for its caller as well', async () => {
    const wire = new Wire((async () => {
        throw new Error('no network');
    }) as typeof fetch, () => 0);

    await assert.rejects(wire.fetcherOf('1001')('gs', POST), /no network/);
    assert.equal(newest(wire).state, 'lost');
});

test('a stream is not waited for; its events are shown', async () => {
    const { wire } = wireOf();
    const abort = new AbortController();
    const response = await wire.fetcherOf('1001')('gs?action=stream&host=1001',
        { headers: { Accept: 'text/event-stream' }, signal: abort.signal });

    assert.equal(response.bodyUsed, false);
    assert.equal(newest(wire).name, 'stream');
    assert.equal(newest(wire).state, 'done');
    wire.event('1001', 'message', { uid: '7', text: 'Hi' }, '1001:1-1:2-1');
    assert.equal(sourceOf(newest(wire)),
        'event: message\nid: 1001:1-1:2-1\ndata: {"uid":"7","text":"Hi"}\n');
    assert.equal(gistOf(newest(wire)), '7 Hi');
    abort.abort();
});

test('what is older than the last 150 is gone', () => {
    const { wire } = wireOf();

    for (let n = 1; n <= 151; n++) {
        wire.event('1001', 'ready', { n }, '');
    }
    assert.equal(wire.entries.value.length, 150);
    assert.equal(wire.entries.value.at(-1)!.text, '{"n":2}');
    wire.clear();
    assert.deepEqual(wire.entries.value, []);
});

test('curl: what a shell takes as it was sent', async () => {
    const { wire } = wireOf();
    const page = 'http://127.0.0.1:8181/simulator/';

    await wire.fetcherOf('1001')('gs', POST);
    assert.equal(curlOf(newest(wire), page),
        "curl 'http://127.0.0.1:8181/simulator/gs' " +
        "-H 'Content-Type: application/json' " +
        `-d '{"action":"send","uid":"7","text":"It'\\''s gone"}'`);

    const abort = new AbortController();

    await wire.fetcherOf('1001')('gs?action=stream&host=1001',
        { headers: { Accept: 'text/event-stream' }, signal: abort.signal });
    assert.equal(curlOf(newest(wire), page),
        "curl -N 'http://127.0.0.1:8181/simulator/gs?action=stream&host=1001' " +
        "-H 'Accept: text/event-stream'");
    abort.abort();
});

test('JSON is cut where its colours change, and nothing of it is lost', () => {
    const values = [
        { a: 'x: "y", {z}', b: -1.5e-7, c: [true, false, null], d: {}, e: [] },
        'text', 7, [], [[1], [2]], { 'null': 'true 12 - "', '\n': '\\' },
    ];

    for (const value of values) {
        const pieces = piecesOf(JSON.stringify(value));

        assert.equal(pieces.map((one) => one.text).join(''),
            JSON.stringify(value, null, 2));
    }
    assert.deepEqual(piecesOf('{"a":1}').filter((one) => one.kind !== 'sign'),
        [{ kind: 'key', text: '"a"' }, { kind: 'value', text: '1' }]);
    assert.deepEqual(piecesOf('Err action'), [{ kind: 'text', text: 'Err action' }]);
    assert.deepEqual(piecesOf(''), []);
});
