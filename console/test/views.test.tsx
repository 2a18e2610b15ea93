import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from 'preact-render-to-string';
import { Api } from '../src/api.js';
import { Desk } from '../src/store/desk.js';
import { KEYS, nameOf } from '../src/keys.js';
import { DeskContext } from '../src/ui.js';
import { Help } from '../src/views/Help.js';
import { MessageRow } from '../src/views/MessageRow.js';
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

test('the help shows every key that works', () => {
    const html = render(<Help />);

    for (const key of KEYS) {
        assert.ok(html.includes(nameOf(key)), key.command);
    }
});
