import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addPoint, lineOf, pointOf, type Status } from '../src/counters.js';
import { commandOf, isComposing, KEYS } from '../src/keys.js';
import { hashOf, parseRoute } from '../src/route.js';
import { cannedQuery, fillIn, findCanned, isCannedName }
    from '../src/store/canned.js';
import { mayAct, mayActAtAll, mayAdminister, mayLook }
    from '../src/store/rights.js';
import { earlier, later, MOST, newestPiece, shifted, visibleRows }
    from '../src/window.js';
import { backOff } from '../src/stream.js';
import { Kept } from '../src/store/kept.js';

const key = (name: string, more = {}) => ({ key: name, altKey: false,
    ctrlKey: false, metaKey: false, ...more });

test('keys of an input method are its own', () => {
    assert.ok(isComposing(key('Enter', { isComposing: true })));
    assert.ok(isComposing(key('Enter', { keyCode: 229 })));
    assert.ok(!isComposing(key('Enter', { keyCode: 13 })));
    assert.equal(commandOf(key('j', { isComposing: true }), false), undefined);
});

test('single keys do nothing while something is typed', () => {
    assert.equal(commandOf(key('j'), false), 'next');
    assert.equal(commandOf(key('j'), true), undefined);
    assert.equal(commandOf(key('ArrowDown', { altKey: true }), true), 'next');
    assert.equal(commandOf(key('Escape'), true), 'leave');
    assert.equal(commandOf(key('f', { ctrlKey: true }), false), undefined);
});

test('with Alt the place of a letter counts, not what it types', () => {
    const mac = { altKey: true, code: 'KeyW' };

    assert.equal(commandOf(key('∑', mac), true), 'waiting');
    assert.equal(commandOf(key('w', { altKey: true }), true), 'waiting');
    assert.equal(commandOf(key('∑', { ...mac, code: 'KeyQ' }), true), undefined);
});

test('no key has two meanings', () => {
    const all = KEYS.filter((one) => one.local !== true).map(
        (one) => `${one.alt ?? false} ${one.key}`);

    assert.equal(new Set(all).size, all.length);
});

test('places and addresses', () => {
    for (const hash of ['#/', '#/c/5001/720001', '#/admin/audit']) {
        assert.equal(hashOf(parseRoute(hash)), hash);
    }
    assert.deepEqual(parseRoute('#/c/5001/<img>'), { view: 'desk' });
    assert.deepEqual(parseRoute('#/admin/nothing'),
        { view: 'admin', page: 'accounts' });
});

test('canned replies', () => {
    const replies = [
        { name: 'hello', text: 'Good day' }, { name: 'bye', text: 'So long' },
        { name: 'shell', text: 'x' }, { name: '问候', text: '您好' },
    ];
    const names = (query: string) =>
        findCanned(replies, query).map((one) => one.name);

    assert.equal(cannedQuery('/he'), 'he');
    assert.equal(cannedQuery('/'), '');
    assert.equal(cannedQuery('a/he'), undefined);
    assert.equal(cannedQuery('/he llo'), undefined);
    assert.deepEqual(names('hel'), ['hello', 'shell']);
    assert.deepEqual(names('long'), ['bye']);
    assert.deepEqual(names('问'), ['问候']);
    assert.equal(names('').length, 4);
    assert.equal(fillIn('Hi {player}, {gm}; {other} {constructor}', {
        player: '7', host: '1', gm: 'Iris', gm_account: '5', date: '', time: '',
    }), 'Hi 7, Iris; {other} {constructor}');
    assert.ok(isCannedName('你好_1-a'));
    assert.ok(!isCannedName('a b'));
    assert.ok(!isCannedName('x'.repeat(33)));
});

test('who may do what', () => {
    const unnamed = { role: 'none', gm_accounts: [] } as const;
    const me = (role: 'admin' | 'gm' | 'viewer' | 'none') =>
        ({ operator: 'ann', role, gm_accounts: ['5001'] });
    const can = [unnamed, me('admin'), me('gm'), me('viewer'), me('none')].map(
        (one) => [mayLook, mayActAtAll, mayAdminister]
            .map((may) => may({ ...one, gm_accounts: [...one.gm_accounts] }))
            .concat(mayAct({ ...one, gm_accounts: [...one.gm_accounts] }, '5001'),
                mayAct({ ...one, gm_accounts: [...one.gm_accounts] }, '5002')));

    assert.deepEqual(can, [
        [true, true, true, true, true],
        [true, true, true, true, true],
        [true, true, false, true, false],
        [true, false, false, false, false],
        [false, false, false, false, false],
    ]);
});

test('rows in view', () => {
    assert.deepEqual(visibleRows(0, 680, 68, 500), { from: 0, to: 16 });
    assert.deepEqual(visibleRows(6800, 680, 68, 500), { from: 94, to: 116 });
    assert.deepEqual(visibleRows(0, 680, 68, 3), { from: 0, to: 3 });
    assert.deepEqual(visibleRows(99_999, 680, 68, 3), { from: 3, to: 3 });
});

test('the piece of the messages that is in the page', () => {
    let piece = newestPiece(1000);

    for (let times = 0; times < 40; times++) {
        piece = earlier(piece);
        assert.ok(piece.to - piece.from <= MOST);
    }
    assert.equal(piece.from, 0);
    for (let times = 0; times < 40; times++) {
        piece = later(piece, 1000);
        assert.ok(piece.to - piece.from <= MOST);
    }
    assert.equal(piece.to, 1000);
    assert.deepEqual(shifted({ from: 0, to: 10 }, 50), { from: 50, to: 60 });
});

test('at once the first time, then in a span that doubles, to 30 s', () => {
    assert.equal(backOff(0, () => 1), 0);
    assert.equal(backOff(1, () => 1), 1000);
    assert.equal(backOff(3, () => 0.5), 2000);
    assert.equal(backOff(50, () => 1), 30_000);
});

function status(calls: number, refused: number, sum: number): Status {
    return {
        calls: [
            { endpoint: 'gm', action: 'send', errno: '0', calls },
            { endpoint: 'gm', action: 'send', errno: '4', calls: refused },
        ],
        waiting: { sse: 2, longpoll: 1 },
        events: { sse: calls },
        store_seconds: { count: calls, sum_us: sum },
        stores: [{ store: 'a', queue: 3, links: { ready: 1 } }],
    };
}

test('counters of a moment', () => {
    const point = pointOf({ at: 0, status: status(10, 0, 1000) },
        { at: 2000, status: status(30, 4, 5000) });

    assert.deepEqual(point, { at: 2000, calls: 12, refusals: 2, events: 10,
        storeMs: 0.2, waiting: 3, queue: 3 });
    assert.equal(pointOf({ at: 0, status: status(10, 0, 0) },
        { at: 2000, status: status(1, 0, 0) }), undefined);
    assert.equal(addPoint(Array(90).fill(point), point).length, 90);
    assert.equal(addPoint([], undefined).length, 0);
});

test('the line of a plot', () => {
    assert.equal(lineOf([0, 5, 10], 100, 20), '0.0,20.0 50.0,10.0 100.0,0.0');
    assert.equal(lineOf([0, 0], 100, 20), '0.0,20.0 100.0,20.0');
    assert.equal(lineOf([1], 100, 20), '');
});

test('a browser that keeps nonsense', () => {
    const strange = { getItem: () => '{', setItem: () => undefined,
        removeItem: () => undefined };

    assert.equal(new Kept(strange, 'p:').get('draft', 'none'), 'none');
});
