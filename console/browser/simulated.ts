// A walk through the player simulator, in any language.

import { Desk, signIn, type DeskOptions } from './desk.js';
import type { Place } from './story.js';
import { GM, HOST, OPERATORS, type Look, type Words } from './tour.js';

// A player of its that becomes a friend of the GM for as long as this lasts, and one
// that has no GM.
const FRIEND = '710003';
const NO_FRIEND = '720002';

// The GM is there: see furnish() of tour.ts.
export async function simulatorTour(place: Place,
    options: Omit<DeskOptions, 'operator'>, words: Words, look: Look):
    Promise<void>
{
    const operator = await signIn(place,
        { ...options, operator: OPERATORS.admin });
    const desk = new Desk(await operator.context.newPage(), operator);
    const { page } = desk;
    const [first, second] = words.messages;

    await page.goto(`${place.url}/simulator/`);
    await page.locator(`.person[data-uid="${FRIEND}"]`).click();
    await place.bridge.gm('add', { gm_account: GM, host: HOST, uid: FRIEND });
    await page.locator('.chat-head .link.live').waitFor();
    await look(desk, 'the simulator, the first time');
    await page.locator('.hint .main').click();
    await page.locator('.talk textarea').fill(first ?? '');
    await page.keyboard.press('Enter');
    await page.locator('.message.mine .sign.stored').waitFor();
    await place.bridge.gm('send', { gm_account: GM, uid: FRIEND,
        text: second ?? '' });
    await page.locator('.talk .message:not(.mine) .text').last().waitFor();
    await look(desk, 'the simulator, a conversation');

    await page.locator(`.person[data-uid="${NO_FRIEND}"]`).click();
    await page.locator('.talk .note').waitFor();
    await look(desk, 'the simulator, a player without a GM');

    await page.locator('.server [role=switch]').first().click();
    await page.locator('.server[data-state=stopped]').waitFor();
    await look(desk, 'the simulator, a server that is stopped');
    await page.locator('.server [role=switch]').first().click();
    await page.locator('.server[data-state=live]').first().waitFor();

    if (await page.locator('#wire').isHidden()) {
        await page.locator('.wire [aria-controls=wire]').click();
    }
    await page.locator('.entry.call summary').first().click();
    await page.locator('.entry.event summary').first().click();
    await page.locator('.entry[open] pre').last().waitFor();
    await look(desk, 'the simulator, on the wire');
    await operator.context.close();
    await place.bridge.gm('del', { gm_account: GM, uid: FRIEND });
}
