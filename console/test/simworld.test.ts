import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { CAST, HOSTS } from '../simulator/cast.js';
import { newest } from '../simulator/player.js';
import type { World } from '../simulator/world.js';
import {
    apply, Bridge, memory, message, stopAll, until, worldOf,
} from './simbridge.js';

const ANNA = '710001';
const BEN = '720001';

async function begun(t: TestContext, storage = memory(), bridge = new Bridge()) {
    const heard: string[] = [];
    const world = worldOf(bridge, {
        storage, heard: (player, text) => heard.push(`${player.name}: ${text}`),
    });

    t.after(() => stopAll(world));
    world.begin();
    await until(() => world.servers.every(
        (server) => !server.running.value || server.state.value === 'live'));
    return { world, bridge, storage, heard };
}

const textsOf = (world: World, uid: string) =>
    world.find(uid)!.lines.value.map((line) => `${line.kind} ${line.text}`.trim());

test('each player of the cast is on a host of the cast, under a number of its own',
    () => {
        assert.equal(new Set(CAST.map((one) => one.uid)).size, CAST.length);
        for (const { host } of CAST) {
            assert.ok((HOSTS as readonly string[]).includes(host));
        }
    });

test('a stream for each host', async (t) => {
    const { bridge } = await begun(t);

    assert.deepEqual(bridge.asked.map((one) => one.url), HOSTS.map(
        (host) => `gs?action=stream&host=${host}`));
});

test('a friendship, messages both ways, its end', async (t) => {
    const { world, bridge, heard } = await begun(t);
    const anna = world.find(ANNA)!;

    bridge.say('1001', 'relation', apply(ANNA, 1), '1001:1-1:');
    bridge.say('1001', 'online', { host: '1001', gm_accounts: ['5001'] });
    await until(() => world.isOnline(anna) === true);
    assert.deepEqual(anna.gm.value, { account: '5001', name: 'Iris' });

    world.write(anna, 'My sword is gone!');
    await until(() => world.outgoing(anna).length === 0);
    assert.deepEqual({ ...bridge.calls('send')[0], msgid: '' },
        { action: 'send', uid: ANNA, text: 'My sword is gone!', msgid: '' });

    bridge.say('1001', 'message', message(ANNA, 1, 'Let me look.'), '1001:1-1:2-1');
    bridge.say('1001', 'relation',
        { id: '1-2', uid: ANNA, change: 'remove', gm_account: '5001' },
        '1001:1-2:2-1');
    await until(() => anna.gm.value === null);
    assert.deepEqual(textsOf(world, ANNA),
        ['begin', 'player My sword is gone!', 'gm Let me look.', 'end']);
    assert.equal(anna.lines.value.at(-1)!.gm, 'Iris');
    assert.deepEqual(heard, ['Anna: Let me look.']);
});

test('relations and messages are acknowledged, after they were shown',
    async (t) => {
        const { bridge } = await begun(t);

        bridge.say('1002', 'relation', apply(BEN, 1), '1002:1-1:');
        await until(() => bridge.calls('ack').length === 1);
        assert.deepEqual(bridge.calls('ack'),
            [{ action: 'ack', cursor: '1002:1-1:' }]);
    });

test('a reload goes on behind the last event and shows nothing twice',
    async (t) => {
        const { world, bridge, storage } = await begun(t);

        bridge.say('1001', 'relation', apply(ANNA, 1), '1001:1-1:');
        bridge.say('1001', 'message', message(ANNA, 1, 'One'), '1001:1-1:2-1');
        await until(() => textsOf(world, ANNA).length === 2);
        await stopAll(world);

        const after = await begun(t, storage, bridge);

        assert.deepEqual(bridge.cursorsOf('1001'), [null, '1001:1-1:2-1']);
        assert.deepEqual(textsOf(after.world, ANNA), ['begin', 'gm One']);
        assert.deepEqual(after.world.find(ANNA)!.gm.value,
            { account: '5001', name: 'Iris' });
        bridge.say('1001', 'message', message(ANNA, 1, 'One'), '1001:1-1:2-1');
        bridge.say('1001', 'message', message(ANNA, 2, 'Two'), '1001:1-1:2-2');
        await until(() => textsOf(after.world, ANNA).length === 3);
        assert.deepEqual(textsOf(after.world, ANNA), ['begin', 'gm One', 'gm Two']);
        assert.deepEqual(after.heard, ['Anna: Two']);
    });

test('a server that is stopped closes its stream, and acknowledges first',
    async (t) => {
        const { world, bridge, storage } = await begun(t);
        const server = world.servers[0]!;

        bridge.say('1001', 'message', message(ANNA, 1, 'One'), '1001::2-1');
        await until(() => textsOf(world, ANNA).length === 1);
        await server.switch(false);
        assert.equal(server.state.value, 'stopped');
        assert.ok(!bridge.isOpen('1001') && bridge.isOpen('1002'));
        assert.deepEqual(bridge.calls('ack'),
            [{ action: 'ack', cursor: '1001::2-1' }]);

        const after = await begun(t, storage, bridge);

        assert.equal(after.world.servers[0]!.state.value, 'stopped',
            'also after a reload');
        await after.world.servers[0]!.switch(true);
        await until(() => after.world.servers[0]!.state.value === 'live');
        assert.deepEqual(bridge.cursorsOf('1001'), [null, '1001::2-1']);
        assert.equal(bridge.calls('ack').length, 1, 'nothing new to acknowledge');
    });

test('unread is what came while another player was looked at', async (t) => {
    const { world, bridge } = await begun(t);
    const ben = world.find(BEN)!;

    world.choose(ANNA);
    bridge.say('1002', 'message', message(BEN, 1, 'One'), '1002::2-1');
    bridge.say('1001', 'message', message(ANNA, 1, 'One'), '1001::2-1');
    await until(() => ben.unread.value === 1 && textsOf(world, ANNA).length === 1);
    assert.equal(world.find(ANNA)!.unread.value, 0);
    world.choose(BEN);
    assert.equal(ben.unread.value, 0);
    world.step(1);
    assert.equal(world.current.value.uid, '720002');
    world.step(-2);
    assert.equal(world.current.value.uid, '710003');
});

test('errno 5: the player has no GM, whatever was thought', async (t) => {
    const { world, bridge } = await begun(t);
    const anna = world.find(ANNA)!;

    bridge.say('1001', 'relation', apply(ANNA, 1), '1001:1-1:');
    await until(() => anna.gm.value !== null);
    bridge.answers.push({ action: 'send',
        reply: { res: 0, errno: 5, error: 'uid: this player has no GM' } });
    world.write(anna, 'Hello?');
    await until(() => world.outgoing(anna)[0]?.state === 'failed');
    assert.equal(anna.gm.value, null);

    const { msgid } = world.outgoing(anna)[0]!;

    world.outbox.retry(msgid);
    await until(() => world.outgoing(anna).length === 0);
    assert.deepEqual(bridge.calls('send').map((one) => one['msgid']),
        [msgid, msgid]);
    assert.deepEqual(anna.gm.value, { account: '', name: '' },
        'it has one whom nobody named here');
    bridge.say('1001', 'message', message(ANNA, 1, 'One'), '1001:1-1:2-1');
    await until(() => anna.gm.value?.account === '5001');
});

test('a GM may add anybody, and a player may move', async (t) => {
    const { world, bridge, storage } = await begun(t);

    bridge.say('1003', 'relation', apply('42', 1), '1003:1-1:');
    await until(() => world.find('42') !== undefined);
    assert.equal(world.find('42')!.host, '1003');
    bridge.say('1002', 'relation', apply('42', 1), '1002:1-1:');
    await until(() => world.find('42')!.host === '1002');
    assert.deepEqual(world.playersOf('1003').map((one) => one.uid),
        ['730001', '730002', '730003']);

    const after = await begun(t, storage, bridge);

    assert.equal(after.world.find('42')!.host, '1002', 'also after a reload');
});

test('a store that lost its friendships: none of them holds', async (t) => {
    const { world, bridge } = await begun(t);
    const anna = world.find(ANNA)!;

    bridge.say('1001', 'relation', apply(ANNA, 1), '1001:1-1:');
    await until(() => anna.gm.value !== null);
    bridge.say('1001', 'reset', { host: '1001', of: 'message' });
    bridge.say('1001', 'message', message(ANNA, 1, 'One'), '1001:1-1:2-1');
    await until(() => textsOf(world, ANNA).length === 2);
    assert.notEqual(anna.gm.value, null);
    bridge.say('1001', 'reset', { host: '1001', of: 'relation' });
    await until(() => anna.gm.value === null);
});

test('of two tabs one plays', async (t) => {
    const first = await begun(t);
    const second = await begun(t, first.storage, first.bridge);

    await first.world.otherTab();
    assert.equal(first.world.elsewhere.value, true);
    assert.ok(first.world.servers.every((one) => one.state.value === 'stopped'));
    assert.ok(first.world.servers.every((one) => one.running.value));
    await second.world.otherTab();
    assert.equal(second.world.elsewhere.value, false);
    first.world.begin();
    await second.world.otherTab();
    assert.equal(second.world.elsewhere.value, true);
    await until(() => first.world.servers.every((one) => one.state.value === 'live'));
});

test('what is forgotten is gone, also for a reload', async (t) => {
    const { world, bridge, storage } = await begun(t);

    bridge.say('1001', 'relation', apply(ANNA, 1), '1001:1-1:');
    await until(() => textsOf(world, ANNA).length === 1);
    world.forget();
    assert.deepEqual(textsOf(world, ANNA), []);
    await stopAll(world);

    const after = await begun(t, storage, bridge);

    assert.deepEqual(textsOf(after.world, ANNA), []);
    assert.equal(after.world.find(ANNA)!.gm.value, null);
});

test('of a long conversation the newest lines are kept', () => {
    const line = (n: number, text: string) =>
        ({ key: `${n}`, kind: 'gm' as const, text, gm: '', ts: n });
    const many = Array.from({ length: 200 }, (_, n) => line(n, 'x'));
    const long = Array.from({ length: 20 }, (_, n) => line(n, 'x'.repeat(4096)));

    assert.deepEqual(newest(many).map((one) => one.ts),
        many.slice(80).map((one) => one.ts));
    assert.equal(newest(long).length, 14);
    assert.equal(newest([line(1, 'x'.repeat(70_000))]).length, 1);
});
