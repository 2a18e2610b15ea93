// Everybody can use it: axe-core finds nothing in any view, nothing is wider than a
// phone, and a keyboard is enough.

import { findings } from './axe.js';
import { openDesk, type Desk } from './desk.js';
import { simulatorTour } from './simulated.js';
import { story, type Place } from './story.js';
import { becomes, is, ok } from './tap.js';
import { ANNA, furnish, GM, OPERATORS, tour, type Look } from './tour.js';
import { ENGLISH } from './words.js';

// Both themes, both languages, a screen and a phone: each with each other.
const MANNERS = [
    { locale: 'en-GB', theme: 'light', width: 1280, height: 800 },
    { locale: 'zh-CN', theme: 'dark', width: 1280, height: 800 },
    { locale: 'en-GB', theme: 'dark', width: 360, height: 640 },
    { locale: 'zh-CN', theme: 'light', width: 360, height: 640 },
] as const;

function judge(manner: typeof MANNERS[number]): Look {
    const { locale, theme, width } = manner;

    return async (desk, where) => {
        const label = `${where} (${locale}, ${theme}, ${width} px)`;

        is(await findings(desk), [], `${label}: axe-core finds nothing`);
        ok(await desk.page.evaluate(() =>
            document.documentElement.scrollWidth <= window.innerWidth),
            `${label}: nothing is too wide`);
    };
}

interface Focused {
    // '' where nothing has it.
    what: string;
    visible: boolean;
    inDialog: boolean;
}

// What has the focus, and whether people can see that it has.
function focused(desk: Desk): Promise<Focused> {
    return desk.page.evaluate(() => {
        const element = document.activeElement;

        if (element === null || element === document.body) {
            return { what: '', visible: false, inDialog: false };
        }
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        const uid = element.getAttribute('data-uid');
        const name = uid ?? element.getAttribute('aria-label') ?? element.id;
        const sign = style.outlineStyle !== 'none' &&
            parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none';

        return {
            // What is written in a row changes as time goes by.
            what: `${element.tagName} ${name || element.textContent}`,
            visible: sign && box.width > 0 && box.height > 0 &&
                box.bottom > 0 && box.right > 0 &&
                box.top < window.innerHeight && box.left < window.innerWidth,
            inDialog: element.closest('dialog') !== null,
        };
    });
}

// Tab until it comes round; what had the focus on the way.
async function walk(desk: Desk, most = 80): Promise<Focused[]> {
    const seen: Focused[] = [];

    for (let times = 0; times < most; times++) {
        await desk.page.keyboard.press('Tab');

        const now = await focused(desk);

        if (seen.some((one) => one.what !== '' && one.what === now.what)) {
            break;
        }
        seen.push(now);
    }
    return seen.filter((one) => one.what !== '');
}

// Of what can be used, what no Tab reached.
function unreached(desk: Desk, seen: readonly Focused[]): Promise<string[]> {
    return desk.page.evaluate((reached) => [...document.querySelectorAll(
        'button:not([disabled]), input, select, textarea, summary, a[href]')]
        .filter((element) => element.checkVisibility())
        .map((element) => {
            const uid = element.getAttribute('data-uid');
            const name = uid ?? element.getAttribute('aria-label') ??
                element.id;

            return `${element.tagName} ${name || element.textContent}`;
        })
        .filter((what) => !reached.includes(what)),
        seen.map((one) => one.what));
}

async function byKeyboard(place: Place): Promise<void> {
    const desk = await openDesk(place,
        { operator: OPERATORS.admin, at: `/c/${GM}/${ANNA}` });

    await desk.opened(ANNA);
    await desk.field.blur();

    const seen = await walk(desk);

    is(await unreached(desk, seen), [], 'Tab reaches all that can be used');
    is(seen.filter((one) => !one.visible), [], 'what has the focus shows it');

    await desk.visit();
    await desk.page.reload();
    await desk.ready();
    await desk.page.keyboard.press('Tab');
    is(await desk.page.evaluate(() => document.activeElement?.className), 'skip',
        'the first stop skips to the conversation');
    await desk.page.keyboard.press('Enter');
    await becomes(() => desk.page.evaluate(() => document.activeElement?.id),
        'conversation', 'and does');
    await dialog(desk);
    await rows(desk);
    await desk.context.close();
}

// A dialog keeps the focus, and gives it back.
async function dialog(desk: Desk): Promise<void> {
    await desk.addButton.focus();
    await desk.page.keyboard.press('Enter');
    await desk.dialog.waitFor();

    const inside = await walk(desk, 12);

    ok(inside.length >= 3, 'a dialog is walked through');
    is(inside.filter((one) => !one.inDialog), [],
        'the focus does not leave a dialog');
    is(inside.filter((one) => !one.visible), [], 'and is seen in it');
    await desk.closeDialog();
    is((await focused(desk)).what.trim(), 'BUTTON Add a player',
        'closed, it gives the focus back');
}

// From the list into a conversation and out again, without a mouse.
async function rows(desk: Desk): Promise<void> {
    await desk.row(ANNA).focus();
    await desk.page.keyboard.press('Enter');
    await desk.opened(ANNA);
    await becomes(() => desk.field.evaluate((field) =>
        field === document.activeElement), true,
        'Enter opens a conversation, and its field has the focus');
    await desk.page.keyboard.type('by keyboard');
    await desk.page.keyboard.press('Enter');
    await becomes(async () => /stored|delivered/.test(
        await desk.stateOf('by keyboard')), true, 'a message is sent');
    await desk.page.keyboard.press('Escape');
    await desk.page.keyboard.press('Escape');
    await becomes(() => desk.page.locator('.head').count(), 0,
        'Escape leaves it');
}

story(async (place) => {
    await furnish(place, ENGLISH);
    for (const [at, manner] of MANNERS.entries()) {
        await tour(place, manner, ENGLISH, judge(manner), at === 0);
        await simulatorTour(place, manner, ENGLISH, judge(manner));
    }
    await byKeyboard(place);
});
