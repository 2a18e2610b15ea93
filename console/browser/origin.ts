// A page of another origin, in the browser of an operator who is signed in, tries every
// action in every way: nothing that is stored changes, and nothing can be read.
//
// GMCHAT_ELSEWHERE   that origin, without a path
// GMCHAT_ACTIONS     a JSON list of { endpoint, params }
// GMCHAT_PATHS       a JSON list of [ endpoint, path ]
// GMCHAT_OPERATOR    who is signed in

import type { BrowserContext, Page } from 'playwright-core';
import { attack, clickjack } from './attacks.js';
import { environment, story, type Place } from './story.js';
import { ask, becomes, diag, is, ok, PATIENCE } from './tap.js';

interface Action {
    endpoint: string;
    params: Record<string, string>;
}

// Refusals are noted; that is all.
const NOTED = ':audit ';

const operator = environment('GMCHAT_OPERATOR');

// By name and password in the address, as a browser's own window would do: it sends
// them from now on, whoever asks.
async function signedIn({ browser, url, password }: Place):
    Promise<BrowserContext>
{
    const context = await browser.newContext({ locale: 'en-GB' });

    context.setDefaultTimeout(PATIENCE);

    const page = await context.newPage();

    await page.goto(url.replace('//',
        `//${operator}:${encodeURIComponent(password)}@`) + '/console/');
    await page.goto(`${url}/console/`);
    await page.locator('.banner[data-link=live]')
        .waitFor({ state: 'attached' });
    ok(true, `${operator} is signed in`);
    // What the desk is given it acknowledges: later that would look like a change.
    await becomes(async () => /:box:g\d+:u /.test(
        String(await ask('redis_contents', NOTED))), false,
    'and the desk has taken what there was');
    await page.close();
    return context;
}

// Says which keys are others.
function unchanged(before: unknown, after: unknown, label: string): void {
    const old = new Set(String(before).split('\n'));
    const now = new Set(String(after).split('\n'));
    const keys = [...[...old].filter((line) => !now.has(line)),
        ...[...now].filter((line) => !old.has(line))]
        .map((line) => line.slice(0, 60));

    is(keys, [], label);
}

interface Elsewhere {
    name: string;
    // Of those in GMCHAT_PATHS, how many.
    paths: number;
    origin: string;
}

// A page for each attack: browsers make a page wait whose WebSockets failed.
async function visit(context: BrowserContext, { origin }: Elsewhere):
    Promise<Page>
{
    const page = await context.newPage();

    await page.goto(`${origin}/elsewhere.html`);
    return page;
}

async function everyAction(context: BrowserContext, { url }: Place,
    from: Elsewhere): Promise<void>
{
    const actions = JSON.parse(environment('GMCHAT_ACTIONS')) as Action[];
    const paths = JSON.parse(environment('GMCHAT_PATHS')) as [string, string][];

    for (const [endpoint, path] of paths.slice(0, from.paths)) {
        const before = await ask('redis_contents', NOTED);

        for (const action of actions.filter((one) => one.endpoint === endpoint)) {
            const { params } = action;
            const page = await visit(context, from);

            const label = `${from.name}, ${path}, ${params['action']}`;

            is(await attack(page, { url: `${url}${path}`, params }), [],
                `${label}: nothing can be read`);
            unchanged(before, await ask('redis_contents', NOTED),
                `${label}: nothing is changed`);
            await page.close();
        }
    }
}

async function framed(context: BrowserContext, { url }: Place, from: Elsewhere):
    Promise<void>
{
    const before = await ask('redis_contents', NOTED);
    const page = await visit(context, from);
    const opened = context.waitForEvent('page');

    is(await clickjack(page, `${url}/console/`), [],
        `${from.name}: a window and a frame give nothing away`);

    const frame = page.frames().find((one) => one.parentFrame() !== null);

    is(await frame?.locator('#console').count(), 0,
        `${from.name}: the console is not shown in a frame`);

    const window = await opened;

    await window.locator('.desk').waitFor();
    is([await window.locator('.message, dialog').count(),
        await window.evaluate(() => location.hash)], [0, ''],
    `${from.name}: a message to its window does nothing`);
    await window.close();
    unchanged(before, await ask('redis_contents', NOTED),
        `${from.name}: and nothing is changed`);
    await page.close();
}

// That the page could have done it: its calls came, with the password; and that a
// change would have been noticed.
async function proof(context: BrowserContext, { url }: Place): Promise<void> {
    const elsewhere = environment('GMCHAT_ELSEWHERE');
    const lines = String(await ask('access_log')).split('\n')
        .filter((line) => line.includes(elsewhere));
    const signed = lines.filter((line) => line.includes(` ${operator} `));

    diag(`${lines.length} calls came of the other page, ` +
        `${signed.length} of them signed`);
    ok(signed.some((line) => line.includes('"GET /console/gm?')),
        'its GETs came with the password');
    ok(signed.some((line) => line.includes('"POST /console/gm')),
        'so did its POSTs');
    ok(lines.some((line) => line.includes('"OPTIONS /console/gm')),
        'and the browser asked before those with the header');

    const before = await ask('redis_contents', NOTED);
    const page = await context.newPage();

    await page.goto(`${url}/console/`);
    await page.evaluate(() => fetch('gm', { method: 'POST',
        headers: { 'X-GMChat': '1' },
        body: new URLSearchParams({ action: 'canned_set', name: 'proof',
            text: 'its own page can' }) }));
    await becomes(async () => await ask('redis_contents', NOTED) !== before, true,
        'its own page can do it, and that is noticed');
}

async function prepare({ bridge }: Place): Promise<void> {
    await bridge.gm('create', { gm_account: '5001', gm_name: 'Iris' });
    await bridge.gm('add', { gm_account: '5001', host: '1001', uid: '710001' });
    await bridge.says('710001', 'a secret');
}

story(async (place) => {
    await prepare(place);

    const context = await signedIn(place);
    const elsewhere = environment('GMCHAT_ELSEWHERE');

    // Of the same site, as another port is, and of another one.
    for (const from of [
        { name: 'another port', paths: Infinity, origin: elsewhere },
        { name: 'another site', paths: 1,
            origin: elsewhere.replace('127.0.0.1', 'localhost') },
    ]) {
        await everyAction(context, place, from);
        await framed(context, place, from);
    }
    await proof(context, place);
});
