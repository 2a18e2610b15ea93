// Pictures of the main views, of a desk with some life in it, into GMCHAT_OUT.
// GMCHAT_LANGUAGE: of people and page, en or zh.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContext, Page, Route } from 'playwright-core';
import { openDesk, type Desk } from './desk.js';
import { SCENES, type Scene, type Talk } from './scenes.js';
import { environment, story, type Place } from './story.js';
import { ok, until } from './tap.js';
import type { Bridge } from './bridge.js';

const MINUTE = 60_000;

const out = environment('GMCHAT_OUT');
const language = environment('GMCHAT_LANGUAGE') as 'en' | 'zh';
const scene: Scene = SCENES[language];

async function prepare({ bridge }: Place): Promise<void> {
    for (const [gm, name] of scene.gms) {
        await bridge.gm('create', { gm_account: gm, gm_name: name });
    }
    for (const [name, text] of scene.replies) {
        await bridge.gm('canned_set', { name, text });
    }
    for (const [operator, role, accounts] of scene.operators) {
        await bridge.gm('operator', accounts === ''
            ? { operator, role } : { operator, role, gm_accounts: accounts });
    }
    for (const { gm, uid, host, lines } of scene.talks) {
        await bridge.gm('add', { gm_account: gm, host, uid });
        for (const [who, text] of lines) {
            await (who === 'gm' ? bridge.gm('send', { gm_account: gm, uid, text })
                : bridge.says(uid, text));
        }
    }
    // All of it is fetched, on both sides: no stream gives it again.
    await bridge.gm('receive');
    await until(() => polled(bridge), (silent) => silent.length === 0);
}

// The game servers fetch what is for them; those that are silent nevertheless.
async function polled(bridge: Bridge): Promise<string[]> {
    for (const host of new Set(scene.talks.map((one) => one.host))) {
        await bridge.fetches(host);
    }
    return (await bridge.gmItems<{ host: string; silent: boolean }>('hosts'))
        .filter((one) => one.silent).map((one) => one.host);
}

// All of it was said just now. Here it took its time: the page is given the times of
// a talk, each line some minutes after the one before.
interface Timed { ts: number }
interface Friend { uid: string; since: number; waiting_since?: number;
    last: Timed | null }

function earlier(talk: Talk | undefined): number {
    return (talk?.ago ?? 0) * MINUTE;
}

async function inTime(route: Route): Promise<void> {
    const url = new URL(route.request().url());
    const action = url.searchParams.get('action');

    if (action !== 'friends' && action !== 'history') {
        await route.continue();
        return;
    }
    const response = await route.fetch();
    const reply = await response.json() as { data?: unknown };

    if (action === 'friends') {
        for (const one of reply.data as Friend[]) {
            const ago = earlier(scene.talks.find(({ uid }) => uid === one.uid));

            one.since -= 3 * 24 * 60 * MINUTE;
            if (one.last !== null) {
                one.last.ts -= ago;
            }
            if (one.waiting_since !== undefined) {
                one.waiting_since -= ago;
            }
        }
    } else {
        const ago = earlier(scene.talks.find(({ uid }) =>
            uid === url.searchParams.get('uid')));

        for (const [place, one] of (reply.data as Timed[]).entries()) {
            one.ts -= ago + place * 2 * MINUTE;
        }
    }
    await route.fulfill({ response, json: reply });
}

async function take(page: Page, name: string): Promise<void> {
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: join(out, `${name}.png`),
        animations: 'disabled', caret: 'hide' });
    ok(true, name);
}

async function desk(place: Place, name: string, width: number, height: number,
    theme: 'light' | 'dark', at: string): Promise<Desk>
{
    const one = await openDesk(place, { operator: environment('GMCHAT_OPERATOR'),
        locale: language === 'zh' ? 'zh-CN' : 'en-GB', width, height, theme,
        prepare: (context: BrowserContext) =>
            context.route('**/console/gm?*', inTime) });

    await one.live();
    if (at !== '') {
        await one.visit(at);
        await one.page.locator('.messages .message, table').first().waitFor();
    }
    await take(one.page, name);
    return one;
}

async function simulator({ browser, bridge, url }: Place): Promise<void> {
    const context = await browser.newContext({
        locale: 'en-GB', viewport: { width: 1180, height: 720 } });
    const page = await context.newPage();

    const said = page.locator('.talk .text');
    const talk: readonly (readonly ['gm' | 'player', string])[] = [
        ['player', 'Hello? My sword is gone!'],
        ['gm', 'Hello Anna, this is Iris. I am looking into it.'],
        ['player', 'Thank you! It was the Moonblade.'],
        ['gm', 'It is in your mailbox now.'],
    ];

    await page.goto(`${url}/simulator/`);
    await page.getByRole('button', { name: 'Got it' }).click();
    await page.locator('.chat-head .link.live').waitFor();
    for (const [who, text] of talk) {
        if (who === 'player') {
            await page.locator('.talk textarea').fill(text);
            await page.keyboard.press('Enter');
        } else {
            await bridge.gm('send', { gm_account: '5001', uid: '710001', text });
        }
        await said.getByText(text, { exact: true }).waitFor();
    }
    await take(page, 'simulator');
    await context.close();
}

story(async (place) => {
    const open = `/c/${scene.talks[0]!.gm}/${scene.talks[0]!.uid}`;

    await mkdir(out, { recursive: true });
    await prepare(place);
    if (language === 'zh') {
        await desk(place, 'console-chinese', 1180, 720, 'light', open);
        return;
    }
    await desk(place, 'console-desk', 1180, 720, 'light', open);

    const dark = await desk(place, 'console-dark', 1180, 720, 'dark', open);

    await dark.field.fill('/');
    await dark.page.getByRole('option').first().waitFor();
    await take(dark.page, 'console-dark');
    await desk(place, 'console-phone', 360, 640, 'light', open);
    await desk(place, 'console-admin', 1180, 720, 'light', '/admin/operators');
    await simulator(place);
});
