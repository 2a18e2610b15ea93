// Redis goes and comes back while the desk is open.

import { openDesk, type Desk } from './desk.js';
import { story, type Place } from './story.js';
import { ask, becomes, holds, is, ok } from './tap.js';

const GM = '5001';
const HOST = '1001';
const ANNA = '710001';
const BEN = '710002';

async function prepare(place: Place): Promise<Desk> {
    const { bridge } = place;

    await bridge.gm('create', { gm_account: GM, gm_name: 'Iris' });
    await bridge.gm('operator',
        { operator: 'eve', role: 'gm', gm_accounts: GM });
    for (const uid of [ANNA, BEN]) {
        await bridge.gm('add', { gm_account: GM, host: HOST, uid });
        await bridge.says(uid, `this is ${uid}`);
    }

    const desk = await openDesk(place, { operator: 'eve', failures: true });

    await desk.live();
    await desk.open(ANNA);
    await desk.mark();
    return desk;
}

async function sendsFail(desk: Desk): Promise<void> {
    await desk.send('during');
    await becomes(() => desk.stateOf('during'), 'failed',
        'Redis is down: a message fails');
    ok(/The store is away|not known/.test(
        await desk.message('during').getByRole('alert').innerText()),
        'and says why, in words');
    is(await desk.message('during').getByRole('button').allInnerTexts(),
        ['Try again', 'Discard'], 'and what can be done');

    await desk.page.close({ runBeforeUnload: true });
    await becomes(async () => desk.operator.watch.leaving, 1,
        'to close the page would lose it: the browser asks');

    await desk.row(BEN).click();
    await holds(() => desk.page.locator('.note.bad')
        .getByText('The store is away').isVisible(),
        'another conversation cannot be opened, in words');

    await desk.onlineSwitch('Iris').click();
    await holds(() => desk.page.locator('.said.shown').isVisible(),
        'nor the switch be used, in words');
}

// A page that is opened meanwhile.
async function opensMeanwhile(desk: Desk): Promise<Desk> {
    const late = await desk.operator.blank();

    await late.visit();
    await late.page.getByRole('alert')
        .getByText('The desk could not be opened.').waitFor();
    ok(/The store is away/.test(
        await late.page.getByRole('alert').innerText()),
        'a desk that is opened meanwhile says why it is not');
    await late.mark();
    return late;
}

async function comesBack(desk: Desk, late: Desk, { bridge }: Place):
    Promise<void>
{
    await bridge.gsAgain('send', { uid: ANNA, text: 'back' });
    await late.ready();
    await becomes(async () => (await late.rows()).sort(), [ANNA, BEN],
        'Redis is up again: that desk opens by itself');
    await becomes(() => desk.page.locator('.note.bad').count(), 0,
        'the conversation does, too');
    await becomes(() => desk.texts(), [`this is ${BEN}`], 'with what is in it');
    await desk.live();

    // Whichever worker is asked: a message that failed is tried once.
    await ask('workers_ready');
    await desk.open(ANNA);
    await holds(() => desk.message('back').isVisible(), 'what comes is shown');
    await desk.message('during').getByRole('button', { name: 'Try again' })
        .click();
    await becomes(() => desk.stateOf('during'), 'stored',
        'the message that failed is tried again: stored');
    await desk.send('after');
    await becomes(() => desk.stateOf('after'), 'stored', 'another one is, too');
    await bridge.gets(HOST, ['during', 'after'],
        'the game server gets each of them once');
    await becomes(() => desk.texts(), await bridge.history(ANNA),
        'the page shows what is stored');
}

// It ends while messages are on their way, several times.
async function flaps(desk: Desk, { bridge }: Place): Promise<void> {
    const sent: string[] = [];

    for (let times = 1; times <= 3; times++) {
        await ask('redis_stop');
        await desk.send(`flap ${times}`);
        sent.push(`flap ${times}`);
        await ask('redis_start');
        await bridge.gsAgain('send', { uid: ANNA, text: `echo ${times}` });
    }
    for (const text of sent) {
        await becomes(async () => {
            const again = desk.message(text).getByRole('button',
                { name: 'Try again' });

            if (await again.count() > 0) {
                await again.click();
            }
            return /stored|delivered/.test(await desk.stateOf(text));
        }, true, `${text}: stored in the end`);
    }
    await ask('workers_ready');
    const stored = await bridge.history(ANNA);

    is(stored.filter((text) => text.startsWith('flap')).sort(), sent,
        'each of them once');
    await becomes(async () => (await desk.texts()).sort(), [...stored].sort(),
        'and the page has them once');
}

story(async (place) => {
    const desk = await prepare(place);

    await ask('redis_stop');
    await sendsFail(desk);

    const late = await opensMeanwhile(desk);

    await ask('redis_start');
    await comesBack(desk, late, place);
    await flaps(desk, place);
    is([await desk.marked(), await late.marked()], [true, true],
        'no page was loaded again');
    is(desk.seen, [], 'nothing went wrong in them');
});
