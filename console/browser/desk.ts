// The console's page, as an operator sees and uses it.

import type { BrowserContext, Locator, Page } from 'playwright-core';
import { PATIENCE } from './tap.js';
import type { Place } from './story.js';
import { Watch } from './watch.js';

export interface DeskOptions {
    operator: string;
    password?: string;
    locale?: string;
    width?: number;
    height?: number;
    theme?: 'light' | 'dark';
    // May calls fail in this story?
    failures?: boolean;
    // Behind the # of the address.
    at?: string;
    // What is done before the first page.
    prepare?: (context: BrowserContext) => Promise<unknown>;
    // Somebody who gets no desk.
    without?: boolean;
}

// A browser of its own: what one keeps (cookies, storage, credentials), no other has.
export async function signIn(place: Place, options: DeskOptions):
    Promise<Operator>
{
    const watch = new Watch(options.failures === true);
    const context = await place.browser.newContext({
        httpCredentials: {
            username: options.operator,
            password: options.password ?? place.password,
        },
        locale: options.locale ?? 'en-GB',
        timezoneId: 'Europe/Berlin',
        colorScheme: options.theme ?? 'light',
        viewport: {
            width: options.width ?? 1280,
            height: options.height ?? 800,
        },
    });

    context.setDefaultTimeout(PATIENCE);
    await watch.follow(context);
    await options.prepare?.(context);
    return new Operator(place, context, watch);
}

// Signs in and opens the desk.
export async function openDesk(place: Place, options: DeskOptions):
    Promise<Desk>
{
    const operator = await signIn(place, options);

    if (options.without !== true) {
        return operator.tab(options.at);
    }
    const desk = await operator.blank();

    await desk.visit(options.at);
    return desk;
}

export class Operator {
    constructor(
        readonly place: Place,
        readonly context: BrowserContext,
        readonly watch: Watch,
    ) {}

    // A tab without a page.
    async blank(): Promise<Desk> {
        return new Desk(await this.context.newPage(), this);
    }

    // Another tab of the same browser.
    async tab(at = ''): Promise<Desk> {
        const desk = await this.blank();

        await desk.visit(at);
        await desk.ready();
        return desk;
    }
}

export interface Shown {
    text: string;
    mine: boolean;
    state: string;
}

export class Desk {
    constructor(readonly page: Page, readonly operator: Operator) {}

    get context(): BrowserContext {
        return this.operator.context;
    }

    // What the page should not have done.
    get seen(): string[] {
        return this.operator.watch.seen;
    }

    async visit(at = ''): Promise<number> {
        const response = await this.page.goto(
            `${this.operator.place.url}/console/${at === '' ? '' : `#${at}`}`);

        return response?.status() ?? 0;
    }

    // The first view is there.
    async ready(): Promise<void> {
        await this.page.locator('.desk, .admin').first().waitFor();
    }

    // Live: what comes is shown at once.
    async live(): Promise<void> {
        await this.page.locator('.banner[data-link=live]')
            .waitFor({ state: 'attached' });
    }

    async link(): Promise<string> {
        return await this.page.locator('.banner').getAttribute('data-link') ?? '';
    }

    // The banner that people see.
    get banner(): Locator {
        return this.page.locator('.banner.shown');
    }

    button(name: string | RegExp): Locator {
        return this.page.getByRole('button',
            { name, exact: typeof name === 'string' });
    }

    get dialog(): Locator {
        return this.page.locator('dialog[open]');
    }

    async closeDialog(): Promise<void> {
        await this.page.keyboard.press('Escape');
        await this.page.locator('dialog').waitFor({ state: 'detached' });
    }

    // ---- accounts

    onlineSwitch(name: string): Locator {
        return this.page.getByRole('switch', { name: new RegExp(`^${name}[:：]`) });
    }

    async isOnline(name: string): Promise<boolean> {
        return await this.onlineSwitch(name).getAttribute('aria-checked') ===
            'true';
    }

    // ---- the list

    row(uid: string): Locator {
        return this.page.locator(`.row[data-uid="${uid}"]`);
    }

    // The players, from the top.
    rows(): Promise<string[]> {
        return this.page.locator('.row').evaluateAll((rows) => rows
            .map((row) => ({
                uid: (row as HTMLElement).dataset['uid'] ?? '',
                place: Number(row.parentElement?.getAttribute('aria-posinset')),
            }))
            .sort((a, b) => a.place - b.place)
            .map((row) => row.uid));
    }

    // What its badge says: 0 where there is none.
    async unread(uid: string): Promise<number> {
        const [text] = await this.row(uid).locator('.badge [aria-hidden]')
            .allInnerTexts();

        return Number(text ?? 0);
    }

    async lastLine(uid: string): Promise<string> {
        return await this.row(uid).locator('.last').textContent() ?? '';
    }

    // ---- the conversation

    async open(uid: string): Promise<void> {
        await this.row(uid).click();
        await this.opened(uid);
    }

    async opened(uid: string): Promise<void> {
        await this.page.locator('.head h2', { hasText: uid }).waitFor();
        await this.page.locator('.messages .mark, .messages .message').first()
            .waitFor();
    }

    async openUid(): Promise<string> {
        const [title] = await this.page.locator('.head h2').allInnerTexts();

        return title?.replace(/\D/g, '') ?? '';
    }

    // The words of "Server 1001" in the head, from the left to the right.
    headOrder(): Promise<string[]> {
        return this.page.locator('.head .title p').evaluate((line) => {
            const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
            let text = walker.nextNode();

            while (text !== null && !/Server/.test(text.textContent ?? '')) {
                text = walker.nextNode();
            }
            const words = [...(text?.textContent ?? '')
                .matchAll(/Server|\d+/g)];
            const left = ({ index, 0: word }: RegExpMatchArray) => {
                const range = document.createRange();

                range.setStart(text!, index!);
                range.setEnd(text!, index! + word.length);
                return range.getBoundingClientRect().left;
            };

            return words.sort((a, b) => left(a) - left(b))
                .map(([word]) => word);
        });
    }

    // All messages that are in the page, in their order.
    messages(): Promise<Shown[]> {
        return this.page.locator('.messages .message').evaluateAll((rows) =>
            rows.map((row) => ({
                text: row.querySelector('.text')?.textContent ?? '',
                mine: row.classList.contains('mine'),
                state: (row as HTMLElement).dataset['state'] ?? '',
            })));
    }

    async texts(): Promise<string[]> {
        return (await this.messages()).map((one) => one.text);
    }

    // Of the last message with this text; '' where there is none.
    async stateOf(text: string): Promise<string> {
        return (await this.messages()).filter((one) => one.mine &&
            one.text === text).at(-1)?.state ?? '';
    }

    message(text: string): Locator {
        return this.page.locator('.messages .message').filter({
            has: this.page.locator('.text').getByText(text, { exact: true }),
        });
    }

    get field(): Locator {
        return this.page.locator('.compose textarea');
    }

    async send(text: string): Promise<void> {
        await this.field.fill(text);
        await this.field.press('Enter');
    }

    // ---- players

    get addButton(): Locator {
        return this.page.locator('.top').getByRole('button',
            { name: 'Add a player' });
    }

    async addPlayer(host: string, uid: string): Promise<void> {
        await this.addButton.click();
        await this.page.getByLabel('Game server', { exact: true }).fill(host);
        await this.page.getByLabel('Player number', { exact: true }).fill(uid);
        await this.dialog.getByRole('button', { name: 'Add', exact: true })
            .click();
    }

    // ---- settings

    async choose(label: string, value: string): Promise<void> {
        await this.dialog.getByLabel(label).selectOption(value);
    }

    title(): Promise<string> {
        return this.page.title();
    }

    // Elements that no part of the console makes.
    strangers(): Promise<string[]> {
        return this.page.evaluate(() => [...document.querySelectorAll(
            'img:not([src="icon.svg"]), iframe, object, embed, video, audio, ' +
            'style, form[action], ' +
            'script:not([src^="assets/"]), body b b, marquee, base, ' +
            '[onerror], [onclick], [onload]')]
            .map((element) => element.outerHTML.slice(0, 200)));
    }

    // For as long as the page is not reloaded.
    mark(): Promise<void> {
        return this.page.evaluate(() => {
            (window as unknown as { gmchatMark: number }).gmchatMark = 1;
        });
    }

    marked(): Promise<boolean> {
        return this.page.evaluate(() =>
            (window as unknown as { gmchatMark?: number }).gmchatMark === 1);
    }
}
