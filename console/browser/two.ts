// Two tabs of one operator, and a second operator of the same account, at once.

import { openDesk, type Desk } from './desk.js';
import { story, type Place } from './story.js';
import { becomes, holds, is, ok, until } from './tap.js';

const GM = '5001';
const OTHER = '5002';
const HOST = '1001';
const ANNA = '710001';
const BEN = '710002';

interface Account { gm_account: string; online: boolean }
interface Friend { uid: string; unread: number }

interface Cast {
    // Eve's two tabs, and Bob's.
    eve: Desk;
    tab: Desk;
    bob: Desk;
    all: readonly Desk[];
}

async function give({ bridge }: Place, operator: string, accounts: string):
    Promise<void>
{
    await bridge.gm('operator',
        { operator, role: 'gm', gm_accounts: accounts });
}

async function prepare(place: Place): Promise<Cast> {
    const { bridge } = place;

    for (const [gm, name] of [[GM, 'Iris'], [OTHER, 'Juno']] as const) {
        await bridge.gm('create', { gm_account: gm, gm_name: name });
        await bridge.gm('offline', { gm_account: gm });
    }
    await give(place, 'eve', GM);
    await give(place, 'bob', `${GM},${OTHER}`);
    await bridge.gm('add', { gm_account: GM, host: HOST, uid: ANNA });

    const eve = await openDesk(place, { operator: 'eve', failures: true });
    const tab = await eve.operator.tab();
    const bob = await openDesk(place, { operator: 'bob', failures: true });
    const all = [eve, tab, bob];

    for (const desk of all) {
        await desk.live();
        await desk.mark();
    }
    return { eve, tab, bob, all };
}

// Each of the desks comes to show the same.
async function agree<T>(all: readonly Desk[],
    look: (desk: Desk) => Promise<T>, expected: T, label: string): Promise<void>
{
    await becomes(() => Promise.all(all.map(look)), all.map(() => expected),
        label);
}

async function conversations({ bob, all }: Cast): Promise<void> {
    await bob.addPlayer(HOST, BEN);
    await bob.opened(BEN);
    await agree(all, async (desk) => (await desk.rows()).sort(), [ANNA, BEN],
        'a player that one adds is in every list');
}

async function unread({ eve, all }: Cast, { bridge }: Place): Promise<void> {
    const stored = async () => (await bridge.gmItems<Friend>('friends',
        { gm_account: GM })).find((one) => one.uid === ANNA)?.unread;

    await bridge.says(ANNA, 'one');
    await bridge.says(ANNA, 'two');
    await agree(all, (desk) => desk.unread(ANNA), 2,
        'two messages are unread everywhere');
    await eve.open(ANNA);
    await agree(all, (desk) => desk.unread(ANNA), 0,
        'one tab opens them: they are read everywhere');
    await agree(all, (desk) => desk.title(), 'GM desk', 'also in the titles');
    await becomes(stored, 0, 'and in the bridge');
}

async function answers({ eve, tab, bob, all }: Cast, { bridge }: Place):
    Promise<void>
{
    await tab.open(ANNA);
    await bob.open(ANNA);
    await bob.send('by Bob');
    await agree(all, (desk) => desk.texts(), ['one', 'two', 'by Bob'],
        'what one writes is shown to all');

    // Both at the same moment.
    await eve.field.fill('by Eve, at once');
    await bob.field.fill('by Bob, at once');
    await Promise.all([eve.field.press('Enter'), bob.field.press('Enter')]);
    await until(() => bridge.history(ANNA), (texts) => texts.length === 5);
    await agree(all, (desk) => desk.texts(), await bridge.history(ANNA),
        'two write at the same moment: one order for all');

    await bridge.says(ANNA, 'three');
    await agree(all, async (desk) => (await desk.texts()).at(-1) ?? '', 'three',
        'what the player says reaches all');
    await agree(all, async (desk) => (await desk.texts()).filter((text) =>
        text === 'three').length, 1, 'once');
    await bridge.fetches(HOST);
    await agree(all, async (desk) => (await desk.messages()).filter((one) =>
        one.mine && one.state === 'delivered').length, 3,
        'delivered is seen by all');
}

async function presence({ eve, tab, bob, all }: Cast, { bridge }: Place):
    Promise<void>
{
    const online = async () => (await bridge.gmItems<Account>('accounts'))
        .find((one) => one.gm_account === GM)?.online;
    const streams: string[] = [];

    eve.page.on('request', (request) => {
        if (request.url().includes('action=stream')) {
            streams.push(request.url());
        }
    });
    await eve.onlineSwitch('Iris').click();
    await agree(all, (desk) => desk.isOnline('Iris'), true,
        'one goes online: all see it');
    await holds(() => streams.at(-1)?.includes('online=1'),
        'and its stream keeps it online');
    await becomes(() => tab.onlineSwitch('Iris').getAttribute('title'),
        'Online, but not by this desk', 'the other tab says who does');

    await bob.onlineSwitch('Iris').click();
    await agree(all, (desk) => desk.isOnline('Iris'), false,
        'another takes it off: all see it');
    await holds(() => streams.at(-1)?.includes('online=1') === false,
        'and the first one keeps it online no more');
    await eve.live();
    is(await online(), false, 'so it stays off');
}

async function canned({ eve, tab, bob }: Cast): Promise<void> {
    await bob.visit('/admin/canned');
    await bob.page.getByLabel('Name', { exact: true }).fill('greet');
    await bob.page.getByLabel('Text', { exact: true }).fill('Greetings {player}');
    await bob.button('Add or change a canned reply').click();
    await bob.page.getByText('/greet').waitFor();
    await bob.button('Change').click();
    await becomes(() => bob.page.getByLabel('Name').isEditable(), false,
        'a canned reply that is changed keeps its name');

    for (const [desk, label] of [[eve, 'one'], [tab, 'the other']] as const) {
        const offered = await until(async () => {
            await desk.field.fill('');
            await desk.field.fill('/gre');
            return desk.page.getByRole('option').count();
        }, (count) => count > 0);

        is(offered, 1,
            `a canned reply that Bob wrote is there for ${label} of Eve's tabs`);
        await desk.field.fill('');
    }
    await bob.visit(`/c/${GM}/${ANNA}`);
    await bob.opened(ANNA);
}

async function ended({ eve, tab, bob, all }: Cast): Promise<void> {
    await bob.open(BEN);
    await eve.open(BEN);
    await bob.button('End the friendship').click();
    await bob.dialog.locator('.danger').click();
    await becomes(() => eve.page.getByText('This friendship has ended.').count(),
        1, 'one ends a friendship: who has it open is told');
    await becomes(() => tab.rows(), [ANNA], 'the others see it no more');
    await eve.open(ANNA);
    await bob.open(ANNA);
    await agree(all, (desk) => desk.rows(), [ANNA], 'nor any of them');
}

// What an operator may not see goes from the page at once.
async function rights({ bob }: Cast, place: Place): Promise<void> {
    const { bridge } = place;

    await bob.field.fill('a draft');
    await give(place, 'bob', OTHER);
    await becomes(() => bob.page.locator('.account .name').allInnerTexts(),
        ['Juno'], 'an account is taken away: the desk has it no more');
    await becomes(() => bob.rows(), [], 'nor its conversations');
    await becomes(() => bob.page.locator('.messages').count(), 0,
        'the open one is closed');
    ok(!/three|by Eve/.test(await bob.page.locator('#console').innerText()),
        'and nothing that was said is left on the page');
    await bob.live();
    await bob.visit(`/c/${GM}/${BEN}`);
    await bob.page.locator('.note.bad[role=alert]').waitFor();
    await holds(async () =>
        !/Loading/.test(await bob.page.locator('#console').innerText()),
        'by its address it is refused, and does not load for ever');

    const fresh = await bob.operator.tab(`/c/${GM}/${BEN}`);

    await fresh.live();
    await fresh.page.locator('.note.bad[role=alert]').waitFor();
    await fresh.page.close();

    await bridge.gm('dismiss', { operator: 'bob' });
    await bob.page.getByText('The bridge does not know the operator bob')
        .waitFor();
    await becomes(() => bob.page.locator('.desk, .account').count(), 0,
        'dismissed: there is no desk any more');
}

async function stillThere({ eve, tab }: Cast, { bridge }: Place): Promise<void> {
    await bridge.says(ANNA, 'four');
    await agree([eve, tab], async (desk) => (await desk.texts()).at(-1) ?? '',
        'four', 'the other operator goes on');
    await agree([eve, tab], (desk) => desk.texts(), await bridge.history(ANNA),
        'and has all, once');
}

story(async (place) => {
    const cast = await prepare(place);

    for (const scene of [conversations, unread, answers, presence, canned, ended,
        rights, stillThere])
    {
        await scene(cast, place);
    }
    is(await Promise.all(cast.all.map((desk) => desk.marked())),
        [true, true, true], 'no page was loaded again');
    is([...cast.eve.seen, ...cast.bob.seen], [], 'nothing went wrong in them');
});
