import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
    EMPTY, append, fromWire, newestOf, prepend, refresh, unreadAfter, waitingSince,
    type Log,
} from '../src/store/log.js';
import { compareIds, isNumber } from '../src/store/ids.js';
import { freshKeyOf, itemsOf } from '../src/store/items.js';
import type { Direction, WireMessage } from '../src/types.js';

function wire(n: number, dir: Direction = 'to_gm', more: Partial<WireMessage> = {}):
    WireMessage
{
    return { id: `100-${n}`, dir, gm_account: '5001', text: `m${n}`,
        ts: 1000 + n, ...more };
}

// Newest first, as history answers.
function page(from: number, to: number): WireMessage[] {
    const messages = [];

    for (let n = to; n >= from; n--) {
        messages.push(wire(n));
    }
    return messages;
}

const ids = (log: Log) => log.messages.map((one) => Number(one.id.split('-')[1]));

test('the newest page, then older ones in front of it', () => {
    let log = refresh(EMPTY, { messages: page(51, 100), more: true });

    assert.equal(log.messages.length, 50);
    log = prepend(log, page(1, 50), false);
    assert.deepEqual(ids(log), Array.from({ length: 100 }, (_, at) => at + 1));
    assert.equal(log.more, false);
});

test('a page that overlaps adds nothing twice', () => {
    const log = prepend(refresh(EMPTY, { messages: page(5, 9), more: true }), page(3, 6), true);

    assert.deepEqual(ids(log), [3, 4, 5, 6, 7, 8, 9]);
});

test('what came while the page was on its way is kept, in whatever order', () => {
    const asked = refresh(EMPTY, { messages: page(1, 1), more: false });
    // The reply to what was sent comes behind the answer of the player.
    const log = append(append(asked, fromWire(wire(3))), fromWire(wire(2)));
    const late = refresh(log, { messages: page(1, 2), more: false }, asked);

    assert.deepEqual(ids(late), [1, 2, 3]);
    assert.deepEqual(ids(refresh(late, { messages: page(1, 3), more: false })),
        [1, 2, 3]);
});

test('a live message that came twice stands once', () => {
    const log = refresh(EMPTY, { messages: page(1, 3), more: false });
    const message = fromWire(wire(4));

    assert.deepEqual(ids(append(append(log, message), message)), [1, 2, 3, 4]);
});

test('the same id of both directions is two messages', () => {
    const log = append(refresh(EMPTY, { messages: [wire(1)], more: false }),
        fromWire(wire(1, 'to_player')));

    assert.equal(log.messages.length, 2);
});

test('a newer page takes the place of what it holds, keeps what is around', () => {
    let log = refresh(EMPTY, { messages: page(1, 10), more: false });

    log = append(log, fromWire(wire(14)));      // while the page was on its way
    log = refresh(log, { messages: page(6, 13), more: true });
    assert.deepEqual(ids(log), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    assert.equal(log.more, false);
});

test('a gap is never shown as none: what lies before it is read anew', () => {
    const log = refresh(
        refresh(EMPTY, { messages: page(1, 10), more: false }),
        { messages: page(60, 100), more: true });

    assert.deepEqual(ids(log), Array.from({ length: 41 }, (_, at) => at + 60));
    assert.equal(log.more, true);
});

test('a clock that is fast puts nothing behind what is newer', () => {
    const sent = { ...fromWire(wire(2, 'to_player')), key: 'sent:x', ts: 9e15 };
    const log = refresh(append(
        refresh(EMPTY, { messages: [wire(1)], more: false }), sent),
    { messages: page(60, 100), more: true });

    assert.equal(log.messages.at(-1)?.id, '100-100');
    assert.equal(log.messages.length, 41);
});

test('what came while a page was on its way stands behind it', () => {
    const asked = refresh(EMPTY, { messages: page(1, 10), more: false });
    const log = refresh(append(asked, fromWire(wire(101))),
        { messages: page(60, 100), more: true }, asked);

    assert.deepEqual(ids(log).slice(-2), [100, 101]);
    assert.equal(ids(log)[0], 60);
});

test('in doubt, a page that reaches what is sure keeps what is older', () => {
    const log = refresh(EMPTY, { messages: page(1, 10), more: true });
    const again = { messages: page(8, 30), more: true };

    assert.deepEqual(ids(refresh(log, again, log, true)),
        Array.from({ length: 30 }, (_, at) => at + 1));
});

test('in doubt, live messages are no bridge over what was missed', () => {
    let log = refresh(EMPTY, { messages: page(1, 10), more: true });

    // The player's came by the stream, the answers between them did not.
    for (let n = 11; n < 60; n += 2) {
        log = append(log, fromWire(wire(n)));
    }
    log = refresh(log, { messages: page(40, 60), more: true }, log, true);
    assert.deepEqual(ids(log), Array.from({ length: 21 }, (_, at) => at + 40));
    assert.equal(log.more, true);
});

test('delivered is not taken back by a page that is older', () => {
    const log = refresh(EMPTY, { more: false,
        messages: [wire(1, 'to_player', { delivered: true })] });
    const late = { more: false,
        messages: [wire(1, 'to_player', { delivered: false })] };

    assert.equal(refresh(log, late).messages[0]?.delivered, true);
});

test('since when the player waits', () => {
    const log = (...messages: WireMessage[]) =>
        refresh(EMPTY, { messages, more: false });

    assert.equal(waitingSince(log(wire(3), wire(2), wire(1, 'to_player')), '5001'),
        1002);
    assert.equal(waitingSince(log(wire(2, 'to_player'), wire(1)), '5001'), 0);
    assert.equal(waitingSince(log(wire(2), wire(1)), '5001'), 1001);
    assert.equal(waitingSince(log(wire(2), wire(1, 'to_gm',
        { gm_account: '1' })), '5001'), 1002);
    assert.equal(waitingSince(refresh(EMPTY,
        { messages: [wire(2)], more: true }), '5001'), undefined);
});

test('what was delivered meanwhile is seen, under the key that the view has', () => {
    const sent = { ...fromWire(wire(2, 'to_player')), key: 'sent:x',
        delivered: false };
    const log = refresh(append(refresh(EMPTY, { messages: [wire(1)], more: false }), sent),
        { messages: [wire(2, 'to_player', { delivered: true }), wire(1)],
            more: false });

    assert.equal(log.messages.at(-1)?.key, 'sent:x');
    assert.equal(log.messages.at(-1)?.delivered, true);
});

test('unread ones behind a marker, the newest of a direction', () => {
    const log = refresh(EMPTY, { more: false, messages: [
        wire(4), wire(3, 'to_player'), wire(2), wire(1)] });

    assert.equal(unreadAfter(log, '100-1'), 2);
    assert.equal(unreadAfter(log, '100-4'), 0);
    assert.equal(unreadAfter(log, 'unknown'), 3);
    assert.equal(newestOf(log, 'to_player')?.id, '100-3');
});

test('ids by epoch, then by number', () => {
    assert.ok(compareIds('100-9', '100-10') < 0);
    assert.ok(compareIds('99-10', '100-2') < 0);
    assert.equal(compareIds('100-2', '100-2'), 0);
});

test('numbers as the bridge takes them', () => {
    assert.ok(isNumber('0'));
    assert.ok(isNumber('9223372036854775807'));
    assert.ok(!isNumber('9223372036854775808'));
    assert.ok(!isNumber('01'));
    assert.ok(!isNumber('-1'));
    assert.ok(!isNumber(''));
});

test('day marks, and where what is new begins', () => {
    const day = 86_400_000;
    const log = refresh(EMPTY, { more: false, messages: [
        wire(3, 'to_gm', { ts: 3 * day }), wire(2, 'to_gm', { ts: 3 * day - 1 }),
        wire(1, 'to_gm', { ts: day }),
    ] });
    const items = itemsOf(log, [], freshKeyOf(log, 2));

    assert.equal(items[0]?.day, true);
    assert.deepEqual(items.map((one) => one.fresh), [false, true, false]);
    assert.deepEqual(items.map((one) => one.first), [true, true, false]);
    assert.equal(freshKeyOf(log, 0), '');
    assert.equal(freshKeyOf(log, 9), '');
});
