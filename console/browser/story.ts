// One story: a browser, what it saw, and its end. The environment says
//
//     GMCHAT_URL        of nginx, without a path
//     GMCHAT_CHROMIUM   the browser's path; else Debian's
//     GMCHAT_PASSWORD   that all operators have

import { chromium, type Browser, type Page } from 'playwright-core';
import { Bridge } from './bridge.js';
import { diag, done, ok } from './tap.js';

const CHROMIUM = process.env['GMCHAT_CHROMIUM'] || '/usr/bin/chromium';

export interface Place {
    browser: Browser;
    url: string;
    bridge: Bridge;
    password: string;
}

export function environment(name: string): string {
    const value = process.env[name];

    if (value === undefined || value === '') {
        throw new Error(`${name} is not set`);
    }
    return value;
}

export function launch(args: string[] = []): Promise<Browser> {
    return chromium.launch({
        executablePath: CHROMIUM,
        args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
            ...args],
    });
}

// What a page says where a story broke off.
async function describe(page: Page): Promise<string> {
    const text = await page.evaluate(() => document.body.innerText)
        .catch((error: unknown) => String(error));

    return `${page.url()}: ${text.slice(0, 2000)}`;
}

async function brokeOff(browser: Browser, error: unknown): Promise<void> {
    ok(false, 'the story went to its end');
    diag((error instanceof Error ? error.stack ?? error.message : String(error))
        .replace(/\x1b\[\d+m/g, ''));
    for (const page of browser.contexts().flatMap((one) => one.pages())) {
        diag(await describe(page));
    }
}

// Runs it, closes the browser, and ends the process.
export async function story(tell: (place: Place) => Promise<void>):
    Promise<void>
{
    const browser = await launch();
    const url = environment('GMCHAT_URL');

    try {
        await tell({
            browser,
            url,
            bridge: new Bridge(url),
            password: environment('GMCHAT_PASSWORD'),
        });
    } catch (error) {
        await brokeOff(browser, error);
    }
    await browser.close();
    done();
    process.stdout.write('', () => process.exit(0));
}
