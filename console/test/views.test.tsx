import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from 'preact-render-to-string';
import { Api } from '../src/api.js';
import { Desk } from '../src/store/desk.js';
import { KEYS, nameOf } from '../src/keys.js';
import { DeskContext } from '../src/ui.js';
import { en } from '../src/i18n/en.js';
import { App } from '../src/views/App.js';
import { Conversations } from '../src/views/Conversations.js';
import { Help } from '../src/views/Help.js';
import { MessageRow } from '../src/views/MessageRow.js';
import { AddPlayer } from '../src/views/Players.js';
import { BRIDGE, deskOf, until, type Answers } from './bridge.js';
import type { Item } from '../src/store/items.js';

const desk = new Desk({
    api: new Api('/gm', fetch),
    fetcher: fetch,
    local: undefined,
    session: undefined,
    msgid: () => 'x',
    now: () => 0,
    sleep: async () => undefined,
    notify: () => undefined,
    isSeen: () => true,
});

const item: Item = {
    key: 'to_gm:1-1', mine: false, gm: '5001', text: '', ts: 0, state: undefined,
    failure: undefined, msgid: '', day: false, fresh: false, first: true,
};

const rendered = (change: Partial<Item>) => render(
    <DeskContext.Provider value={desk}>
        <MessageRow item={{ ...item, ...change }} gm="5001" uid="7" />
    </DeskContext.Provider>);

test('a message is text, never markup', () => {
    const html = rendered({ text: '<img src=x onerror="alert(1)">' });

    assert.ok(!html.includes('<img'));
    assert.ok(html.includes('&lt;img src=x'));
});

test('no view writes markup of its own or a style into the page', () => {
    assert.ok(!/style=|<script|on[a-z]+=/.test(rendered({ text: 'x' })));
});

test('a failed message says why and can be tried again', () => {
    const html = rendered({ mine: true, state: 'failed', msgid: 'a' });

    assert.ok(html.includes('Try again'));
    assert.ok(html.includes('Discard'));
});

// A view of a desk that read its first answers.
async function shown(View: () => preact.JSX.Element | null, answers: Answers) {
    const { desk: its } = deskOf({ ...BRIDGE, ...answers });

    await its.start();
    return {
        its,
        html: () => render(
            <DeskContext.Provider value={its}><View /></DeskContext.Provider>),
    };
}

const list = (...data: unknown[]) => ({ res: 1, data });

test('an admin of a game without a GM is led to the first account', async (t) => {
    const { its, html } = await shown(App, {
        me: () => list({ operator: 'ann', role: 'admin', gm_accounts: [] }),
        accounts: () => list(),
    });

    t.after(() => its.stop());
    assert.ok(html().includes(en.createFirst));
    assert.ok(html().includes(en.noAccountsAtAll));
});

test('a gm to whom nothing is given is told whom to ask', async (t) => {
    const { its, html } = await shown(App, { accounts: () => list() });

    t.after(() => its.stop());
    assert.ok(html().includes(en.noAccountsHint));
    assert.ok(!html().includes(en.createFirst));
});

test('who has no role reads that, and not an error', async (t) => {
    const { its, html } = await shown(App, {
        me: () => list({ operator: 'zoe', role: 'none', gm_accounts: [] }),
        accounts: () => ({ res: 0, errno: -7, error: 'no role' }),
    });

    t.after(() => its.stop());
    assert.ok(html().includes(en.noRole('zoe')));
    assert.ok(!html().includes(en.startFailed));
});

test('an account without players: the way to add one', async (t) => {
    const { its, html } = await shown(App, { friends: () => list() });

    t.after(() => its.stop());
    assert.ok(html().includes(en.addHint));
});

test('a row of the list: 50 and more, silent, not sent', async (t) => {
    const { its, html } = await shown(Conversations, {
        friends: () => list({ uid: '71', host: '1', since: 1, undelivered: 0,
            last: null, unread: 50, silent: true, waiting_since: 1 }),
        send: () => ({ res: 0, errno: 4 }),
    });

    t.after(() => its.stop());
    assert.ok(html().includes('50+'));
    assert.ok(html().includes(en.silent));
    assert.ok(!html().includes(en.states.failed));
    its.outbox.add('5001', '71', 'hello');
    await until(() => its.outbox.hasFailed('5001', '71'));
    assert.ok(html().includes(en.states.failed));
});

test('adding a player without an account says what is missing', async (t) => {
    const { its, html } = await shown(AddPlayer, { accounts: () => list() });

    t.after(() => its.stop());
    assert.ok(html().includes(en.addNeedsAccount));
});

test('the help shows every key that works', () => {
    const html = render(<Help />);

    for (const key of KEYS) {
        assert.ok(html.includes(nameOf(key)), key.command);
    }
});
