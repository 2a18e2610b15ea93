import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from 'preact-render-to-string';
import { Failure } from '../src/api.js';
import { settings } from '../src/settings.js';
import { now } from '../src/ui.js';
import { Play } from '../simulator/play.js';
import type { Line, Player } from '../simulator/player.js';
import { hintOpen, StageContext, wireOpen } from '../simulator/stage.js';
import { App } from '../simulator/views/App.js';
import { en } from '../simulator/words/en.js';
import { zh } from '../simulator/words/zh.js';
import { Wire } from '../simulator/wire.js';
import { wordsFor } from '../simulator/words/index.js';
import { Bridge, worldOf } from './simbridge.js';

function stageOf() {
    const bridge = new Bridge();
    const world = worldOf(bridge);
    const play = new Play(world, {
        words: () => en, wordsFor, now: () => 0, random: () => 0,
        sleep: async () => undefined,
    });
    const html = () => render(
        <StageContext.Provider value={{ world, play }}><App />
        </StageContext.Provider>);

    return { world, play, html };
}

const line = (text: string): Line =>
    ({ key: text, kind: 'gm', text, gm: '5001', ts: 0 });

// What stands in the page as text.
const texts = (html: string) => html.replace(/<[^>]*>/g, '\n')
    .replace(/&amp;/g, '&').replace(/&quot;/g, '"');

test('a message is text, never markup, in the list, the chat and the wire', () => {
    const { world, html } = stageOf();
    const text = '<img src=x onerror="alert(1)">';

    wireOpen.value = true;
    world.find('710001')!.add(line(text));
    world.wire.event('1001', 'message', { uid: '710001', text }, '');
    assert.ok(!html().includes('<img'));
    assert.equal(html().split('&lt;img src=x').length, 5);
});

test('no view writes a style or a script of its own into the page', () => {
    const { html } = stageOf();

    assert.ok(!/\sstyle=|<script|\son[a-z]+=/.test(html()));
});

test('a player without a GM says who has to add whom', () => {
    const { world, html } = stageOf();

    world.choose('720002');
    world.servers[1]!.state.value = 'live';
    assert.ok(html().includes(en.noGmLong('720002', '1002')));
    world.find('720002')!.setGm({ account: '5001', name: 'Iris' });
    assert.ok(!html().includes(en.noGmLong('720002', '1002')));
    assert.ok(html().includes('<bdi>Iris</bdi> (5001)'));
});

test('a GM of whom this page was not told: that player may be its friend', () => {
    const { world, html } = stageOf();
    const [anna, aki] = world.playersOf('1001') as [Player, Player];

    world.servers[0]!.state.value = 'live';
    assert.ok(!html().includes(en.untold));
    world.servers[0]!.gms.value = ['5001'];
    assert.ok(html().includes(en.untold));
    aki.setGm({ account: '5001', name: 'Iris' });
    assert.ok(!html().includes(en.untold));
    anna.setGm({ account: '5001', name: 'Iris' });
    assert.ok(!html().includes(en.noGmLong(anna.uid, '1001')));
});

test('a call that gets no connection is worth a word', async () => {
    const { world, html } = stageOf();
    const wire = new Wire(() => new Promise(() => undefined), () => 1_000_000);

    for (const { state } of world.servers) {
        state.value = 'live';
    }
    void wire.fetcherOf('1001')('gs', { method: 'POST' });
    world.wire.entries.value = wire.entries.value;
    now.value = 1_005_000;
    assert.ok(!html().includes(en.slow));
    now.value = 1_009_000;
    assert.ok(html().includes(en.slow));
});

test('errno 5 in words, and the message can be tried again', () => {
    const { world, html } = stageOf();

    world.outbox.items.value = [{
        msgid: 'a', gm: '', uid: '710001', text: 'Hello?', at: 0, state: 'failed',
        failure: new Failure('refused', 5, 'uid: this player has no GM'),
    }];
    assert.ok(html().includes(en.noGmRefusal('710001', '1001')));
    assert.ok(texts(html()).includes('Try again'));
    world.outbox.items.value = [{
        msgid: 'a', gm: '', uid: '710001', text: 'Hello?', at: 0, state: 'failed',
        failure: new Failure('refused', -3, 'text: is too long'),
    }];
    assert.ok(html().includes('text: is too long'));
});

test('a stopped server takes no message', () => {
    const { world, html } = stageOf();
    const before = html();

    world.servers[0]!.state.value = 'live';
    assert.ok(html().includes(en.quick[0]!));
    assert.ok(!before.includes(en.quick[0]!));
    assert.ok(before.includes(en.stoppedField));
});

test('the link to the desk opens a window that cannot reach this one', () => {
    const { html } = stageOf();
    const [link] = /<a [^>]*to-desk[^>]*>/.exec(html())!;

    assert.ok(link.includes('href="/console/"'));
    assert.ok(link.includes('target="_blank"'));
    assert.ok(link.includes('rel="noopener"'));
});

test('the first steps are shown until they are closed', () => {
    const { html } = stageOf();

    hintOpen.value = true;
    assert.ok(en.hint.every((step) => texts(html()).includes(step)));
    hintOpen.value = false;
    assert.ok(!texts(html()).includes(en.hint[0]!));
    hintOpen.value = true;
});

test('in Chinese: no word of the page is left in English', (t) => {
    const { world, html } = stageOf();

    t.after(() => { settings.language.value = 'auto'; });
    settings.language.value = 'zh';
    world.servers[0]!.state.value = 'live';
    for (const word of texts(html()).split('\n').map((one) => one.trim())) {
        const known = /^([\d\s·◐↗A-Z#→←?:,]*|GM|English|Anna|Aki|Arun|Ben|Bao|Bella|Chen|Clara|Cem|msgid)$/;

        assert.ok(known.test(word) || /[\u3000-\u9fff]/.test(word), word);
    }
    assert.ok(html().includes(zh.hintTitle));
});
