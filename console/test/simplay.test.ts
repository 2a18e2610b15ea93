import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENING, Play } from '../simulator/play.js';
import { en } from '../simulator/words/en.js';
import { zh } from '../simulator/words/zh.js';
import { wordsFor } from '../simulator/words/index.js';
import { Bridge, until, worldOf } from './simbridge.js';

// Time stands still but for those who sleep.
function playOf(random = () => 0) {
    const bridge = new Bridge();
    const world = worldOf(bridge);
    const wakes: (() => void)[] = [];
    const clock = { now: 0 };
    const play = new Play(world, {
        words: () => en,
        wordsFor,
        now: () => clock.now,
        random,
        sleep: (ms) => new Promise((resolve) => {
            wakes.push(() => {
                clock.now += ms;
                resolve();
            });
        }),
    });
    const able = (...uids: string[]) => {
        for (const uid of uids) {
            const player = world.find(uid)!;

            player.setGm({ account: '5001', name: 'Iris' });
            world.serverOf(player).state.value = 'live';
        }
    };

    return { play, world, bridge, wakes, clock, able };
}

const wake = async (wakes: (() => void)[]) => {
    await until(() => wakes.length > 0);
    wakes.shift()!();
};

test('who has no GM, or whose server is stopped, does not write', () => {
    const { play, world, able } = playOf();

    assert.deepEqual(play.able(), []);
    able('710001', '720001');
    world.servers[1]!.state.value = 'stopped';
    assert.deepEqual(play.able().map((one) => one.uid), ['710001']);
});

test('a busy evening: several players in turn, each its story, and then it is over',
    async () => {
        const { play, world, bridge, wakes, clock, able } = playOf();

        able('710001', '720001');

        const evening = play.begin();

        assert.equal(play.until.value, EVENING);
        while (play.until.value > 0) {
            const before = bridge.calls('send').length;

            await until(() => world.outbox.items.value.length === 0);
            await wake(wakes);
            await until(() => play.until.value === 0 ||
                bridge.calls('send').length > before);
        }
        await evening;

        const sent = bridge.calls('send');
        const of = (uid: string) => sent.filter((one) => one['uid'] === uid)
            .map((one) => one['text']);

        assert.ok(clock.now >= EVENING && clock.now < EVENING + 30_000);
        assert.deepEqual(of('710001').slice(0, 4), en.stories[0]);
        assert.deepEqual(of('720001').slice(0, 3), en.stories[1]);
        for (let n = 1; n < sent.length; n++) {
            assert.notEqual(sent[n]!['uid'], sent[n - 1]!['uid']);
        }
    });

test('an evening that is ended writes no more, also when another one began',
    async () => {
        const { play, world, bridge, wakes, able } = playOf();

        able('710001');

        const first = play.begin();

        await until(() => world.outbox.items.value.length === 0);
        assert.equal(bridge.calls('send').length, 1);
        play.end();
        assert.equal(play.until.value, 0);

        const second = play.begin();

        await until(() => bridge.calls('send').length === 2);
        await wake(wakes);
        await first;
        assert.equal(bridge.calls('send').length, 2);
        play.end();
        await wake(wakes);
        await second;
        assert.equal(play.until.value, 0);
    });

test('answers: only where they are switched on', async () => {
    const { play, world, bridge, able } = playOf();

    able('710001');
    await play.heard(world.find('710001')!, 'Hello?');
    assert.equal(bridge.calls('send').length, 0);
});

test('a player answers after a moment, once to several messages', async () => {
    const { play, world, bridge, wakes, able } = playOf();
    const anna = world.find('710001')!;

    able('710001');
    play.answers.value = true;

    const first = play.heard(anna, 'Hello Anna');
    const second = play.heard(anna, 'Since when is it gone?');

    assert.equal(anna.typing.value, true);
    await wake(wakes);
    await first;
    assert.equal(anna.typing.value, true);
    await wake(wakes);
    await second;
    assert.equal(anna.typing.value, false);
    assert.deepEqual(bridge.calls('send').map((one) => one['text']),
        [en.answers.toQuestion[0]]);
});

test('an answer fits what was said, in its language', async () => {
    const { play, world, bridge, wakes, able } = playOf();
    const anna = world.find('710001')!;

    able('710001');
    play.answers.value = true;
    for (const text of ['Hello Anna', 'It is back.', '你好！', '剑找到了。', '好了吗？']) {
        const answered = play.heard(anna, text);

        await wake(wakes);
        await answered;
        await until(() => world.outgoing(anna).length === 0);
    }
    assert.deepEqual(bridge.calls('send').map((one) => one['text']), [
        en.answers.toGreeting[0], en.answers.toRest[0], zh.answers.toGreeting[0],
        zh.answers.toRest[0], zh.answers.toQuestion[0],
    ]);
});

test('who lost the GM meanwhile does not answer', async () => {
    const { play, world, bridge, wakes, able } = playOf();
    const anna = world.find('710001')!;

    able('710001');
    play.answers.value = true;

    const answered = play.heard(anna, 'Goodbye');

    anna.setGm(null);
    await wake(wakes);
    await answered;
    assert.equal(anna.typing.value, false);
    assert.equal(bridge.calls('send').length, 0);
});
