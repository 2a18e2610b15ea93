import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
    answered, compareConversations, fromFriend, includes, matches, received, tailed,
} from '../src/store/conversations.js';
import type { Friend, StreamMessage, WireMessage } from '../src/types.js';

const last = (n: number, dir: 'to_gm' | 'to_player', ts: number): WireMessage =>
    ({ id: `7-${n}`, dir, gm_account: '5001', text: 'hello', ts });

const friend = (uid: string, more: Partial<Friend> = {}): Friend =>
    ({ uid, host: '1001', since: 1, undelivered: 0, unread: 0, silent: false, last: null,
        ...more });

const message = (n: number, ts: number): StreamMessage =>
    ({ id: `7-${n}`, uid: '1', gm_account: '5001', text: 'news', ts });

test('who waits longest is first, then the latest talk', () => {
    const sorted = [
        friend('1', { last: last(1, 'to_player', 500) }),
        friend('2', { last: last(2, 'to_gm', 400), waiting_since: 300 }),
        friend('3', { last: last(3, 'to_player', 900) }),
        friend('4', { last: last(4, 'to_gm', 450), waiting_since: 100 }),
    ].map((one) => fromFriend('5001', one)).sort(compareConversations);

    assert.deepEqual(sorted.map((one) => one.uid), ['4', '2', '3', '1']);
});

test('what the list has counted is not counted again', () => {
    const one = fromFriend('5001', friend('1',
        { last: last(5, 'to_gm', 500), unread: 2, waiting_since: 400 }));

    assert.ok(includes(one, message(4, 450)));
    assert.ok(includes(one, message(5, 500)));
    assert.ok(!includes(one, message(6, 600)));

    const next = received(one, message(6, 600));

    assert.equal(next.unread, 3);
    assert.equal(next.waiting, 400);
    assert.ok(includes(next, message(6, 600)));
});

test('a message from before the GM\'s last one is counted already', () => {
    const one = fromFriend('5001', friend('1',
        { last: last(9, 'to_player', 500) }));

    assert.ok(includes(one, message(4, 450)));
    assert.ok(!includes(one, message(5, 501)));
});

test('a wrong clock of this browser hides no message', () => {
    const one = answered(fromFriend('5001', friend('1',
        { last: last(3, 'to_gm', 500), waiting_since: 500 })),
    '8-1', 'reply', 9_999_999);

    assert.equal(one.waiting, 0);
    assert.ok(includes(one, message(3, 500)));
    assert.ok(!includes(one, message(4, 600)));
});

test('the newest message of the history', () => {
    const one = fromFriend('5001', friend('1', { waiting_since: 5 }));

    assert.equal(tailed(one, last(2, 'to_player', 9)).waiting, 0);
    assert.equal(tailed(one, last(2, 'to_gm', 9)).waiting, 5);
    assert.equal(tailed(one, last(2, 'to_gm', 9)).last?.id, '7-2');
});

test('what history shows first is counted when the stream tells it', () => {
    const one = tailed(fromFriend('5001', friend('1')), last(2, 'to_gm', 9));

    assert.ok(!includes(one, message(2, 9)));
    assert.equal(received(one, message(2, 9)).unread, 1);
    assert.equal(received(one, message(2, 9)).waiting, 9);
});

test('answered here, then told again what the list had counted', () => {
    const one = answered(fromFriend('5001', friend('1',
        { last: last(9, 'to_player', 500) })), '8-1', 'reply', 3);

    assert.ok(includes(one, message(4, 450)));
    assert.ok(!includes(one, message(5, 501)));
});

test('the search: a part of a player, a whole host, words', () => {
    const one = fromFriend('5001', friend('720001',
        { last: last(1, 'to_gm', 1) }));

    assert.ok(matches(one, '0001'));
    assert.ok(matches(one, ' 1001 '));
    assert.ok(!matches(one, '100'));
    assert.ok(matches(one, 'HELL'));
    assert.ok(!matches(one, 'bye'));
});
