import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../src/api.js';
import { Kept } from '../src/store/kept.js';
import { Outbox, type Outgoing } from '../src/store/outbox.js';

class Memory {
    readonly all = new Map<string, string>();
    getItem(key: string) { return this.all.get(key) ?? null; }
    setItem(key: string, value: string) { this.all.set(key, value); }
    removeItem(key: string) { this.all.delete(key); }
}

type Answer = Failure | { id: string };

// Answers are given in the order of the calls; a call beyond them never ends.
function outboxOf(answers: Answer[], memory = new Memory()) {
    const asked: Outgoing[] = [];
    const stored: string[] = [];
    const slept: number[] = [];
    let last = 0;
    const outbox = new Outbox({
        send: (message) => {
            asked.push(message);
            const answer = answers.shift();

            if (answer === undefined) {
                return new Promise(() => undefined);
            }
            return answer instanceof Failure
                ? Promise.reject(answer)
                : Promise.resolve({ ...answer, hostSilent: false });
        },
        stored: (message, sent) => stored.push(`${message.text}=${sent.id}`),
        failed: () => undefined,
        sleep: async (ms) => { slept.push(ms); },
        now: () => 1000,
        msgid: () => `id-${++last}`,
    }, new Kept(memory, 'p:'));

    return { outbox, asked, stored, slept, memory };
}

const refused = (errno: number) => new Failure('refused', errno, 'why');
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test('one at a time, in order', async () => {
    const { outbox, asked, stored } = outboxOf([{ id: '1-1' }, { id: '1-2' }]);

    outbox.add('5', '7', 'a');
    outbox.add('5', '7', 'b');
    assert.equal(asked.length, 1);
    await settled();
    assert.deepEqual(stored, ['a=1-1', 'b=1-2']);
    assert.deepEqual(outbox.items.value, []);
});

test('two conversations do not wait for each other', () => {
    const { outbox, asked } = outboxOf([]);

    outbox.add('5', '7', 'a');
    outbox.add('5', '8', 'b');
    assert.equal(asked.length, 2);
});

test('tried again by itself under the same msgid', async () => {
    const { outbox, asked, stored } = outboxOf(
        [refused(-5), new Failure('unreachable', null, ''), { id: '1-1' }]);

    outbox.add('5', '7', 'a');
    await settled();
    assert.deepEqual(asked.map((one) => one.msgid), ['id-1', 'id-1', 'id-1']);
    assert.deepEqual(stored, ['a=1-1']);
});

test('Retry-After is waited for', async () => {
    const { outbox, slept } = outboxOf(
        [new Failure('refused', -4, '', 5000), { id: '1-1' }]);

    outbox.add('5', '7', 'a');
    await settled();
    assert.deepEqual(slept, [5000]);
});

test('a pause that nobody sits out is a failure', async () => {
    const { outbox, slept } = outboxOf([new Failure('refused', -9, '', 3_600_000)]);

    outbox.add('5', '7', 'a');
    await settled();
    assert.deepEqual(slept, []);
    assert.ok(outbox.hasFailed('5', '7'));
});

test('a refusal fails this one alone', async () => {
    const { outbox, stored } = outboxOf([refused(4), { id: '1-2' }]);

    outbox.add('5', '7', 'a');
    outbox.add('5', '7', 'b');
    await settled();
    assert.deepEqual(stored, ['b=1-2']);
    assert.equal(outbox.items.value[0]?.state, 'failed');
    assert.equal(outbox.items.value[0]?.failure?.errno, 4);
});

test('where the bridge is away nothing overtakes', async () => {
    const gone = Array.from({ length: 4 }, () => refused(-5));
    const { outbox, asked, stored } = outboxOf([...gone, { id: '1-1' },
        { id: '1-2' }]);

    outbox.add('5', '7', 'a');
    outbox.add('5', '7', 'b');
    await settled();
    assert.deepEqual(outbox.items.value.map((one) => one.state),
        ['failed', 'failed']);
    assert.equal(asked.length, 4);

    outbox.retryAll('5', '7');
    await settled();
    assert.deepEqual(stored, ['a=1-1', 'b=1-2']);
    assert.deepEqual(asked.slice(4).map((one) => one.msgid), ['id-1', 'id-2']);
});

test('what was on its way outlives a reload, and is not sent unasked', async () => {
    const before = outboxOf([]);

    before.outbox.add('5', '7', 'a');

    const after = outboxOf([{ id: '1-1' }], before.memory);

    assert.equal(after.outbox.items.value[0]?.state, 'failed');
    assert.equal(after.asked.length, 0);
    after.outbox.retry('id-1');
    await settled();
    assert.deepEqual(after.stored, ['a=1-1']);
    assert.equal(after.memory.all.size, 0);
});

test('what is discarded is gone', async () => {
    const { outbox } = outboxOf([refused(-10)]);

    outbox.add('5', '7', 'a');
    await settled();
    outbox.drop('id-1');
    assert.deepEqual(outbox.items.value, []);
});
