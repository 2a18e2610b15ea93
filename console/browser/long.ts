// 4,000 Chinese characters, which are 12,000 bytes: as one message where the bridge
// takes so many, else offered in parts. GMCHAT_PARTS says how many.

import { openDesk } from './desk.js';
import { environment, story } from './story.js';
import { becomes, is, ok, until } from './tap.js';

const GM = '5001';
const HOST = '1001';
const ANNA = '710001';

// Sentences, so that there is a place to cut at.
const LONG = '玩家的宝剑不见了，请到邮箱里查看。'.repeat(250).slice(0, 4000);

story(async (place) => {
    const { bridge } = place;
    const parts = Number(environment('GMCHAT_PARTS'));

    is(LONG.length, 4000, '4,000 characters');
    await bridge.gm('create', { gm_account: GM, gm_name: '王芳' });
    await bridge.gm('operator',
        { operator: 'eve', role: 'gm', gm_accounts: GM });
    await bridge.gm('add', { gm_account: GM, host: HOST, uid: ANNA });

    const desk = await openDesk(place, { operator: 'eve' });

    await desk.live();
    await desk.open(ANNA);
    await desk.field.fill(LONG);
    await becomes(() => desk.page.locator('.compose .main').innerText(),
        parts === 1 ? 'Send' : `Send in ${parts} parts`,
        `they are offered as ${parts}`);
    if (parts > 1) {
        await desk.field.press('Enter');
        is(await desk.messages(), [], 'Enter does not send several');
        await desk.field.fill(LONG);
        ok(/bytes too long/.test(
            await desk.page.locator('#counter').innerText()),
            'how much too long is said');
    }
    await desk.page.locator('.compose .main').click();
    await until(() => bridge.history(ANNA), (texts) => texts.length >= parts);

    const stored = await bridge.history(ANNA);

    is([stored.length, stored.join('')], [parts, LONG],
        'and stored so, in order, with nothing lost');
    await becomes(() => desk.texts(), stored, 'the page has the same');
    await bridge.gets(HOST, stored, 'and so has the game server');

    const wordy = parts === 1 ? LONG : LONG.slice(0, 1365);

    await bridge.says(ANNA, wordy);
    await becomes(async () => (await desk.texts()).at(-1), wordy,
        'a player writes as much as the bridge takes: it is shown');
    is(await desk.page.evaluate(() => document.documentElement.scrollWidth >
        window.innerWidth), false, 'nothing is too wide');
    is(desk.seen, [], 'nothing went wrong in the page');
});
