// A GM's day, from the password to the last goodbye.

import { openDesk, signIn, type Desk } from './desk.js';
import { story, type Place } from './story.js';
import { becomes, holds, is, ok } from './tap.js';

const GM = '5001';
const HOST = '1001';
const UID = '710001';

async function prepare({ bridge }: Place): Promise<void> {
    await bridge.gm('create', { gm_account: GM, gm_name: 'Iris' });
    await bridge.gm('offline', { gm_account: GM });
    await bridge.gm('operator',
        { operator: 'eve', role: 'gm', gm_accounts: GM });
    await bridge.gm('canned_set', { name: 'hello',
        text: 'Hello player {player} of {host}, I am {gm} ({gm_account}). {else}' });
}

async function signsIn(place: Place): Promise<Desk> {
    const stranger = await signIn(place, { operator: 'eve', password: 'wrong',
        failures: true });
    const page = await stranger.context.newPage();
    const response = await page.goto(`${place.url}/console/`)
        .catch(() => undefined);

    is(response?.status() ?? 401, 401, 'a wrong password: 401');
    is(await page.locator('.desk').count(), 0, 'and no desk');
    await stranger.context.close();

    const desk = await openDesk(place, { operator: 'eve', failures: true });

    is(await desk.page.locator('.who').innerText(), 'eve Game master',
        'the desk says who is there');
    await desk.live();
    await desk.mark();
    return desk;
}

story(async (place) => {
    await prepare(place);

    const desk = await signsIn(place);

    is(desk.seen, [], 'nothing went wrong in the page');
});
