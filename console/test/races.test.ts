// What comes while something else is on its way, in an order that nobody chose.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BRIDGE, deskOf, EVENT, held, MESSAGE, until, type Answers }
    from './bridge.js';
import type { Friend } from '../src/types.js';

interface ListReply { res: number; data: unknown[]; more?: boolean }

const FRIEND = (more: Partial<Friend> = {}): Friend => ({
    uid: '71', host: '1', since: 1, undelivered: 0, last: MESSAGE(1), unread: 1,
    silent: false, waiting_since: 1001, ...more,
});

const list = (...data: unknown[]): ListReply => ({ res: 1, data, more: false });

async function started(answers: Answers) {
    const all = deskOf(answers);

    await all.desk.start();
    return all;
}

test('an answer sent while the list is on its way is not forgotten', async (t) => {
    const answers = { ...BRIDGE };
    const { desk, calls } = await started(answers);
    const slow = held<ListReply>();

    t.after(() => desk.stop());
    answers['friends'] = () => slow.reply;
    const reading = desk.readFriends('5001');

    desk.outbox.add('5001', '71', 'hello');
    await until(() => desk.outbox.items.value.length === 0);
    answers['friends'] = () => list(FRIEND({ last: MESSAGE(2, 'to_player') }));
    const before = calls.filter((one) => one.action === 'friends').length;

    slow.answer(list(FRIEND()));
    await reading;
    assert.equal(desk.conversation('5001', '71')?.last?.line, 'hello');
    assert.equal(desk.conversation('5001', '71')?.waiting, 0);
    // The list is asked for again, and that one decides.
    await until(() => calls.filter((one) =>
        one.action === 'friends').length > before);
});

test('of two lists the one that was asked for last holds', async (t) => {
    const answers = { ...BRIDGE };
    const { desk } = await started(answers);
    const slow = held<ListReply>();

    t.after(() => desk.stop());
    answers['friends'] = () => slow.reply;
    const first = desk.readFriends('5001');

    answers['friends'] = () => list(FRIEND({ unread: 0 }));
    await desk.readFriends('5001');
    slow.answer(list(FRIEND({ unread: 7 })));
    await first;
    assert.equal(desk.conversation('5001', '71')?.unread, 0);
});

test('a page of history that is older than a live message takes nothing back',
    async (t) => {
        const answers = { ...BRIDGE };
        const { desk } = await started(answers);
        const slow = held<ListReply>();

        t.after(() => desk.stop());
        await desk.openConversation('5001', '71');
        answers['history'] = () => slow.reply;
        const reading = desk.readTail('5001', '71');

        desk.event('message', EVENT(5));
        slow.answer(list(MESSAGE(1)));
        await reading;

        const one = desk.conversation('5001', '71');

        assert.equal(one?.last?.id, '9-5');
        desk.event('message', EVENT(5));
        assert.equal(desk.conversation('5001', '71')?.unread, 2);
    });

test('an answer stored while a page is on its way stays the last word',
    async (t) => {
        const answers = { ...BRIDGE };
        const { desk } = await started(answers);
        const slow = held<ListReply>();

        t.after(() => desk.stop());
        await desk.openConversation('5001', '71');
        answers['history'] = () => slow.reply;
        const reading = desk.readTail('5001', '71');

        desk.outbox.add('5001', '71', 'hello');
        await until(() => desk.outbox.items.value.length === 0);
        slow.answer(list(MESSAGE(1)));
        await reading;
        assert.equal(desk.conversation('5001', '71')?.waiting, 0);
        assert.equal(desk.conversation('5001', '71')?.last?.line, 'hello');
        assert.deepEqual(desk.logOf('5001', '71').value.messages.map(
            (one) => one.text), ['m1', 'hello']);
    });

test('a message that history shows before the stream does is news yet',
    async (t) => {
        const answers = { ...BRIDGE };
        const { desk, notified, seen } = await started(answers);

        t.after(() => desk.stop());
        await desk.openConversation('5001', '71');
        seen.now = false;
        answers['history'] = () => list(MESSAGE(2), MESSAGE(1));
        await desk.readTail('5001', '71');
        desk.event('message', EVENT(2));
        assert.deepEqual(notified, ['71']);
        assert.equal(desk.unread.value, 2);
        assert.equal(desk.logOf('5001', '71').value.messages.length, 2);
    });

test('the first words of a player whom somebody else added are told', async (t) => {
    const answers = { ...BRIDGE };
    const { desk, notified } = await started(answers);

    t.after(() => desk.stop());
    answers['friends'] = () => list(FRIEND(),
        FRIEND({ uid: '99', last: MESSAGE(4) }));
    desk.event('message', EVENT(4, '99'));
    await until(() => notified.length > 0);
    assert.deepEqual(notified, ['99']);
    assert.equal(desk.conversation('5001', '99')?.unread, 1);
});

test('a marker that is refused is not asked for in a circle', async (t) => {
    const answers: Answers = { ...BRIDGE,
        read: () => ({ res: 0, errno: -9, error: 'too many' }) };
    const { desk, calls, clock } = await started(answers);
    const asked = () => calls.filter((one) => one.action === 'read').length;

    t.after(() => desk.stop());
    await desk.openConversation('5001', '71');
    await desk.markRead('5001', '71');
    await until(() => desk.conversation('5001', '71')?.unread === 1);
    await desk.markRead('5001', '71');
    assert.equal(asked(), 1);
    clock.now += 10_000;
    await desk.markRead('5001', '71');
    assert.equal(asked(), 2);
});

test('a role that is given shows by itself', async (t) => {
    const answers: Answers = { ...BRIDGE,
        me: () => list({ operator: 'ann', role: 'none', gm_accounts: [] }),
        accounts: () => ({ res: 0, errno: -7, error: 'no role' }) };
    const { desk, calls, clock } = await started(answers);

    t.after(() => desk.stop());
    assert.equal(desk.problem.value, undefined);
    assert.equal(desk.me.value?.role, 'none');
    assert.ok(!calls.some((one) => one.action === 'accounts'));
    desk.lookAgain();
    answers['me'] = BRIDGE['me']!;
    answers['accounts'] = BRIDGE['accounts']!;
    clock.now += 20_000;
    desk.lookAgain();
    await until(() => desk.sorted.value.length === 2);
    assert.equal(desk.me.value?.role, 'gm');
});

test('an account that is given shows, and may be acted for', async (t) => {
    const answers = { ...BRIDGE };
    const { desk, clock } = await started(answers);

    t.after(() => desk.stop());
    answers['me'] = () => list({ operator: 'ann', role: 'gm',
        gm_accounts: ['5001', '5002'] });
    answers['accounts'] = () => list(
        { gm_account: '5001', name: 'Iris', online: false, friends: 1 },
        { gm_account: '5002', name: 'Luna', online: false, friends: 0 });
    clock.now += 20_000;
    desk.lookAgain();
    await until(() => desk.followed.value.has('5002'));
    assert.deepEqual(desk.me.value?.gm_accounts, ['5001', '5002']);
});

test('a clock that is set back stops nothing', async (t) => {
    const answers: Answers = { ...BRIDGE,
        read: () => ({ res: 0, errno: -9, error: 'too many' }) };
    const { desk, calls, clock } = await started(answers);
    const asked = (action: string) =>
        calls.filter((one) => one.action === action).length;

    t.after(() => desk.stop());
    desk.link.value = 'live';
    await desk.openConversation('5001', '71');
    await desk.markRead('5001', '71');
    await until(() => desk.conversation('5001', '71')?.unread === 1);

    const before = { me: asked('me'), friends: asked('friends') };

    clock.now -= 3_600_000;
    desk.lookAgain();
    await until(() => asked('me') > before.me &&
        asked('friends') > before.friends);
    await desk.markRead('5001', '71');
    assert.equal(asked('read'), 2);
});

test('another conversation is opened: the one that ended goes', async (t) => {
    const answers = { ...BRIDGE };
    const { desk } = await started(answers);

    t.after(() => desk.stop());
    desk.show({ gm: '5001', uid: '71' });
    answers['friends'] = () => list(FRIEND({ uid: '72' }));
    await desk.readFriends('5001');
    assert.equal(desk.conversation('5001', '71')?.ended, true);
    desk.show({ gm: '5001', uid: '72' });
    assert.equal(desk.conversation('5001', '71'), undefined);
});

test('of a player who went nothing is asked any more', async (t) => {
    const answers = { ...BRIDGE };
    const { desk, calls } = await started(answers);
    const asked = () => calls.filter((one) => one.action === 'player').length;

    t.after(() => desk.stop());
    await desk.openConversation('5001', '71');
    desk.outbox.add('5001', '71', 'hello');
    await until(() => desk.isWaiting('5001', '71'));
    await desk.readPlayer('5001', '71');
    assert.equal(asked(), 1);
    answers['friends'] = () => list();
    await desk.readFriends('5001');
    await desk.readPlayer('5001', '71');
    assert.equal(asked(), 1);
    assert.ok(!desk.isWaiting('5001', '71'));
});

test('a message that could not be sent is told', async (t) => {
    const { desk, failed } = await started({ ...BRIDGE,
        send: () => ({ res: 0, errno: 4 }) });

    t.after(() => desk.stop());
    desk.outbox.add('5001', '72', 'hello');
    await until(() => failed.length > 0);
    assert.deepEqual(failed, ['72']);
    assert.ok(desk.outbox.hasFailed('5001', '72'));
    assert.ok(!desk.outbox.hasFailed('5001', '71'));
});
