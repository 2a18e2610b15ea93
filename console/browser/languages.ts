// Both languages are whole: no view has a word of the other one, or a place where a
// word is missing; the browser's language chooses, and the settings do at run time.

import { CAST } from '../simulator/cast.js';
import { openDesk, type Desk } from './desk.js';
import { simulatorTour } from './simulated.js';
import { environment, story, type Place } from './story.js';
import { becomes, is, ok } from './tap.js';
import { furnish, OPERATORS, tour, type Look } from './tour.js';
import { CHINESE, ENGLISH } from './words.js';

// What is Latin in a Chinese sentence too: the GM, the keys of a keyboard, operators,
// the players of the simulator; and what the bridge calls its actions, their
// parameters and endpoints, which the audit and the counters show as they are.
const NAMES = new Set(['GM', 'Enter', 'Esc', 'Alt', 'Shift', 'gm', 'gs',
    ...CAST.map((one) => one.name), ...Object.values(OPERATORS),
    ...environment('GMCHAT_NAMES').split(' ')]);

// Variables of canned replies, addresses, time zones, commands, single letters.
const SIGNS = new RegExp(['\\{\\w+\\}', '\\bunix:\\S+', '\\bGMT[+-]\\d+',
    '\\bEurope/Berlin\\b', '\\./gmchat run', '\\b[A-Za-z]\\b'].join('|'), 'g');

// All that the page says: texts that are seen, and those for who does not see.
function saidBy(desk: Desk): Promise<string[]> {
    return desk.page.evaluate(() => {
        const own = document.documentElement.lang;
        const said = [document.title];
        const isOther = (element: Element) => {
            const lang = element.closest('[lang]')?.getAttribute('lang');

            // What went over the wire is shown as it was.
            return lang !== own ||
                element.closest('noscript, .entry, .latest') !== null;
        };

        for (const element of document.body.querySelectorAll('*')) {
            if (isOther(element) || !element.checkVisibility() &&
                element.closest('option') === null)
            {
                continue;
            }
            for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
                said.push(element.getAttribute(name) ?? '');
            }
            for (const node of element.childNodes) {
                if (node.nodeType === Node.TEXT_NODE) {
                    said.push(node.textContent ?? '');
                }
            }
        }
        return said.map((text) => text.trim()).filter((text) => text !== '');
    });
}

const isBroken = (text: string) =>
    /\bundefined\b|\bnull\b|\bNaN\b|\[object|Invalid Date|\{\{/.test(text);

// Words of Latin letters that are no names.
function latin(text: string): string[] {
    return (text.replace(SIGNS, '').match(/[A-Za-z][A-Za-z_]*/g) ?? [])
        .filter((word) => !NAMES.has(word));
}

const han = (text: string): string[] => text.match(/\p{Script=Han}+/gu) ?? [];

function judge(language: string, foreign: (text: string) => string[]): Look {
    return async (desk, where) => {
        const said = await saidBy(desk);

        ok(said.length > 1, `${language}, ${where}: something is said`);
        is(said.filter((text) => foreign(text).length > 0 || isBroken(text)), [],
            `${language}, ${where}: in this language alone`);
    };
}

async function chosen(place: Place): Promise<void> {
    for (const [locale, lang, title] of [
        ['zh-CN', 'zh-CN', 'GM 工作台'],
        ['zh-TW', 'zh-CN', 'GM 工作台'],
        ['en-US', 'en-GB', 'GM desk'],
        ['fr-FR', 'en-GB', 'GM desk'],
    ] as const) {
        const desk = await openDesk(place,
            { operator: OPERATORS.admin, locale });

        await becomes(async () => [
            await desk.page.evaluate(() => document.documentElement.lang),
            (await desk.title()).replace(/^\(\d+\) /, ''),
        ], [lang, title],
        `a browser of ${locale} has the page in ${lang}`);
        await desk.context.close();
    }
}

async function switched(place: Place): Promise<void> {
    const desk = await openDesk(place, { operator: OPERATORS.admin });
    const heading = () => desk.page.locator('h1').innerText();

    await desk.mark();
    await desk.page.keyboard.press(',');
    await desk.dialog.locator('select').first().selectOption('zh');
    await becomes(heading, 'GM 工作台', 'the settings change it at once');
    await desk.closeDialog();
    await judge('zh', latinBesides(ENGLISH.gms))(desk, 'after it was chosen');
    ok(await desk.marked(), 'without loading the page again');

    await desk.page.reload();
    await desk.ready();
    await becomes(heading, 'GM 工作台', 'it is kept');
    await desk.page.keyboard.press(',');
    await desk.dialog.locator('select').first().selectOption('auto');
    await becomes(heading, 'GM desk', 'and given back to the browser');
    await desk.context.close();
}

// What people wrote is in their own language.
function latinBesides(names: readonly string[]): (text: string) => string[] {
    const others = new Set(names.concat(ENGLISH.messages, ENGLISH.replies)
        .flatMap((text) => text.match(/[A-Za-z]+/g) ?? []));

    return (text) => latin(text).filter((word) => !others.has(word));
}

story(async (place) => {
    const english = environment('GMCHAT_LANGUAGE') === 'en';

    const words = english ? ENGLISH : CHINESE;
    const options = { locale: english ? 'en-GB' : 'zh-CN' };
    const look = english ? judge('en', han) : judge('zh', latin);

    await furnish(place, words);
    await tour(place, options, words, look, true);
    await simulatorTour(place, options, words, look);
    if (english) {
        await chosen(place);
        await switched(place);
    }
});
