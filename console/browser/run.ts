// A newcomer: ./gmchat run is started, and a browser knows nothing but the addresses,
// the name and the password that it printed. Both ends in one browser, with a click
// and a key: how long it takes is told.

import { openDesk, type Desk } from './desk.js';
import { environment, story, type Place } from './story.js';
import { becomes, diag, holds, is, ok } from './tap.js';
import type { Page } from 'playwright-core';

// The first step of an admin: a GM account.
async function createsAccount(desk: Desk): Promise<void> {
    await desk.page.locator('.top nav').getByRole('button',
        { name: 'Administration' }).click();
    await desk.page.locator('#create-gm').fill('5001');
    await desk.page.locator('#create-name').fill('Iris');
    await desk.button('Create a GM account').click();
    await desk.page.getByRole('cell', { name: 'Iris' }).waitFor();
    await desk.page.locator('.top nav').getByRole('button', { name: 'Desk' })
        .click();
    await becomes(() => desk.page.locator('.account .name').allInnerTexts(),
        ['Iris'], 'a GM account is made');
    await desk.onlineSwitch('Iris').click();
    await becomes(() => desk.isOnline('Iris'), true, 'and goes online');
}

// What the head of a player's conversation says of it.
async function numberOf(page: Page, name: RegExp): Promise<string> {
    const text = await page.locator('.chat-head').getByRole('button', { name })
        .innerText();

    return text.replace(/\D/g, '');
}

async function talk(desk: Desk, page: Page): Promise<void> {
    const said = page.locator('.talk .text');

    await page.locator('.talk textarea').fill('Hello? My sword is gone!');
    await page.keyboard.press('Enter');
    await holds(() => desk.message('Hello? My sword is gone!').isVisible(),
        'what the player writes stands on the desk');
    await desk.send('It is in your mailbox.');
    await holds(() => said.getByText('It is in your mailbox.', { exact: true })
        .isVisible(), 'what the GM writes reaches the player');
    await becomes(() => desk.stateOf('It is in your mailbox.'), 'delivered',
        'and the desk knows that it did');
}

story(async (place: Place) => {
    const began = Date.now();
    const desk = await openDesk(place,
        { operator: environment('GMCHAT_OPERATOR') });

    await desk.live();
    ok(true, 'the desk opens with the name and the password');
    await createsAccount(desk);

    const page = await desk.context.newPage();

    await page.goto(`${place.url}/simulator/`);

    const host = await numberOf(page, /[Ss]erver/);
    const uid = await numberOf(page, /[Pp]layer/);

    await desk.addPlayer(host, uid);
    await desk.opened(uid);
    await page.locator('.chat-head .link.live').waitFor();
    ok(true, 'a player of the simulator is added, and is told so');
    await talk(desk, page);
    diag(`${((Date.now() - began) / 1000).toFixed(1)} s from the first page ` +
        'to a conversation both ways');
    is(await desk.strangers(), [], 'nothing strange is on the desk');
    is(desk.seen, [], 'nothing went wrong in either page');
});
