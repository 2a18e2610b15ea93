// How long people wait for the console, in milliseconds: the first view, with nothing
// in the browser's cache and with all of it; and a conversation after a click, until
// its messages are painted. GMCHAT_OPENED: so many conversations are opened.

import type { BrowserContext, Page } from 'playwright-core';
import { environment, story, type Place } from './story.js';
import { figure } from './tap.js';

const opened = Number(environment('GMCHAT_OPENED'));

type Timed = Window & { gmchatFirstView?: number };

// Notes when the list was painted and the page had time for something else.
async function observe(context: BrowserContext): Promise<void> {
    await context.addInitScript(() => {
        const look = () => {
            if (document.querySelector('.row') === null) {
                requestAnimationFrame(look);
                return;
            }
            requestAnimationFrame(() => setTimeout(() => {
                (window as Timed).gmchatFirstView = performance.now();
            }));
        };

        look();
    });
}

async function firstView(page: Page, { url }: Place): Promise<number> {
    await page.goto('about:blank');
    await page.goto(`${url}/console/`);

    const handle = await page.waitForFunction(() =>
        (window as Timed).gmchatFirstView);

    return await handle.jsonValue() ?? NaN;
}

// Of the list's rows the one at this place; its messages are there once the head names
// the player and the newest message is in view.
function open(page: Page, place: number): Promise<number> {
    return page.evaluate((at) => new Promise<number>((resolve) => {
        const row = document.querySelectorAll<HTMLElement>('.row')[at]!;
        const uid = row.dataset['uid']!;
        const began = performance.now();
        const look = () => {
            const head = document.querySelector('.head h2')?.textContent ?? '';
            const count = document.querySelectorAll('.messages .message').length;

            if (!head.includes(uid) || count < 40) {
                requestAnimationFrame(look);
                return;
            }
            requestAnimationFrame(() => setTimeout(() =>
                resolve(performance.now() - began)));
        };

        row.click();
        look();
    }), place);
}

// With a cache, a storage and credentials of its own.
async function tab({ browser, password }: Place): Promise<Page> {
    const context = await browser.newContext({
        httpCredentials: { username: 'olga', password },
        locale: 'en-GB', viewport: { width: 1280, height: 800 } });

    await observe(context);
    return context.newPage();
}

story(async (place) => {
    // People have a browser that runs already: fonts and processes are there.
    const before = await tab(place);

    await firstView(before, place);
    await before.context().close();

    const page = await tab(place);

    figure('first view, nothing cached', await firstView(page, place));
    figure('first view, all cached', await firstView(page, place));
    await page.locator('.banner[data-link=live]').waitFor({ state: 'attached' });
    for (let at = 0; at < opened; at++) {
        figure(at === 0 ? 'opening a conversation, the first one'
            : 'opening a conversation, another one', await open(page, at));
    }
});
