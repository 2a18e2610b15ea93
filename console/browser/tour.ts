// A walk through all views of the console, in any language: what is seen there is for
// the caller to judge.

import { openDesk, type Desk, type DeskOptions } from './desk.js';
import type { Place } from './story.js';
import { ask, until } from './tap.js';

// What people wrote, in one language: names, messages, canned replies.
export interface Words {
    gms: readonly [string, string];
    messages: readonly string[];
    canned: string;
    replies: readonly string[];
}

export const GM = '5001';
export const HOST = '1001';
export const ANNA = '710001';
export const BEN = '710002';

// GM's operator; an admin; a viewer; and nobody that is known.
export const OPERATORS = { gm: 'eve', admin: 'olga', viewer: 'vic',
    nobody: 'bob' } as const;

export async function furnish({ bridge }: Place, words: Words): Promise<void> {
    for (const [place, name] of words.gms.entries()) {
        await bridge.gm('create',
            { gm_account: 5001 + place, gm_name: name });
    }
    await bridge.gm('operator', { operator: OPERATORS.gm, role: 'gm',
        gm_accounts: '5001,5002' });
    await bridge.gm('operator',
        { operator: OPERATORS.viewer, role: 'viewer' });
    for (const uid of [ANNA, BEN]) {
        await bridge.gm('add', { gm_account: GM, host: HOST, uid });
    }
    for (const text of words.messages) {
        await bridge.says(ANNA, text);
    }
    await bridge.gm('send', { gm_account: GM, uid: ANNA,
        text: words.messages[0] ?? '' });
    await bridge.fetches(HOST);
    await bridge.gm('send', { gm_account: GM, uid: ANNA,
        text: words.messages[1] ?? '' });
    await bridge.says(BEN, words.messages[2] ?? '');
    for (const [place, text] of words.replies.entries()) {
        await bridge.gm('canned_set',
            { name: `${words.canned}${place + 1}`, text });
    }
}

// What is looked at: a name of the place, and the page there.
export type Look = (desk: Desk, where: string) => Promise<void>;

async function dialogs(desk: Desk, look: Look): Promise<void> {
    const { keyboard } = desk.page;

    for (const [key, where] of [['?', 'the help'], [',', 'the settings'],
        ['a', 'adding a player'], ['f', 'finding a player']] as const)
    {
        await keyboard.press(key);
        await desk.dialog.waitFor();
        await look(desk, where);
        if (key === 'a') {
            await desk.dialog.locator('#add-host').fill(HOST);
            await desk.dialog.locator('#add-uid').fill(ANNA);
            await desk.dialog.locator('.main').click();
            await desk.dialog.getByRole('alert').waitFor();
            await desk.dialog.locator('#add-host').fill('x');
            await desk.dialog.locator('#add-host-bad').waitFor();
            await look(desk, 'a player that cannot be added');
        }
        if (key === 'f') {
            await desk.dialog.locator('#find-uid').fill(ANNA);
            await desk.dialog.locator('.main').click();
            await desk.dialog.locator('[role=status] button').waitFor();
            await look(desk, 'a player that was found');
        }
        await desk.closeDialog();
    }
}

async function conversation(desk: Desk, look: Look, words: Words):
    Promise<void>
{
    await desk.visit(`/c/${GM}/${ANNA}`);
    await desk.opened(ANNA);
    await until(() => desk.stateOf(words.messages[0] ?? ''),
        (state) => state === 'delivered');
    await look(desk, 'a conversation');
    await desk.field.fill('/');
    await desk.page.getByRole('option').first().waitFor();
    await look(desk, 'canned replies');
    await desk.field.fill('/-');
    await desk.page.locator('p.canned').waitFor();
    await look(desk, 'no such canned reply');
    await desk.field.fill('w'.repeat(4000));
    await desk.page.locator('#counter[data-left="96"]').waitFor();
    await look(desk, 'the bytes that are left');
    await desk.field.fill('w'.repeat(5000));
    await desk.page.locator('#counter.bad').waitFor();
    await look(desk, 'a text that is too long');
    await desk.field.fill('');
    await desk.page.locator('.head > button').last().click();
    await desk.dialog.waitFor();
    await look(desk, 'the question before an end');
    await desk.closeDialog();
    await desk.field.blur();
}

async function away(desk: Desk, look: Look, words: Words): Promise<void> {
    await desk.context.setOffline(true);
    await desk.banner.waitFor();
    await desk.send(words.messages[2] ?? '');
    await desk.page.locator('[data-state=sending]').waitFor();
    await desk.page.locator('[data-state=failed]').waitFor();
    await look(desk, 'a lost connection and a message that failed');
    await desk.context.setOffline(false);
    await desk.live();
    await desk.page.locator('.failed button').last().click();
    await desk.field.blur();
}

const ADMIN = {
    accounts: 'table', operators: 'table', hosts: 'table', audit: 'table',
    canned: 'table', counters: '.plot',
} as const;

async function admin(desk: Desk, look: Look): Promise<void> {
    for (const [page, sign] of Object.entries(ADMIN)) {
        await desk.visit(`/admin/${page}`);
        await desk.page.locator(`.admin ${sign}`).first().waitFor();
        await look(desk, `administration, ${page}`);
    }
    await desk.visit('/admin/operators');
    await desk.page.locator('td button').last().click();
    await desk.dialog.waitFor();
    await look(desk, 'the question before a dismissal');
    await desk.closeDialog();
}

// What others see: a viewer, and somebody without a role.
async function others(place: Place, options: Omit<DeskOptions, 'operator'>,
    look: Look): Promise<void>
{
    const viewer = await openDesk(place,
        { ...options, operator: OPERATORS.viewer, at: `/c/${GM}/${ANNA}` });

    await viewer.opened(ANNA);
    await look(viewer, 'what a viewer sees');
    await viewer.context.close();

    const nobody = await openDesk(place,
        { ...options, operator: OPERATORS.nobody, without: true });

    await nobody.page.locator('.alone').waitFor();
    await look(nobody, 'what somebody without a role sees');
    await nobody.context.close();
}

// All of it. The store is stopped and started at its end, where that is asked for.
export async function tour(place: Place, options: Omit<DeskOptions, 'operator'>,
    words: Words, look: Look, down = false): Promise<void>
{
    const desk = await openDesk(place,
        { ...options, operator: OPERATORS.admin, failures: true });

    await desk.live();
    await look(desk, 'the desk');
    await dialogs(desk, look);
    await conversation(desk, look, words);
    await away(desk, look, words);
    await admin(desk, look);
    await others(place, options, look);
    if (down) {
        await ask('redis_stop');
        await desk.visit();
        await desk.page.reload();
        await desk.page.locator('.alone [role=alert]').waitFor();
        await look(desk, 'a desk that could not be opened');
        await ask('redis_start');
        await desk.ready();
    }
    await desk.context.close();
}
