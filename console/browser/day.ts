// A GM's day, from the password to the last goodbye.

import { openDesk, signIn, type Desk } from './desk.js';
import { holdUp, loseAnswer } from './hold.js';
import { story, type Place } from './story.js';
import { ask, becomes, holds, is, ok, until } from './tap.js';

const GM = '5001';
const HOST = '1001';
const ANNA = '710001';
const BEN = '710002';

interface Account { gm_account: string; online: boolean }
interface Friend { uid: string; unread: number }

async function prepare({ bridge }: Place): Promise<void> {
    await bridge.gm('create', { gm_account: GM, gm_name: 'Iris' });
    await bridge.gm('offline', { gm_account: GM });
    await bridge.gm('operator',
        { operator: 'eve', role: 'gm', gm_accounts: GM });
    await bridge.gm('canned_set', { name: 'hello', text:
        'Hello {player} of {host}, I am {gm} ({gm_account}). {else}' });
    await bridge.gm('canned_set', { name: 'bye', text: 'Goodbye {player}.' });
}

async function signsIn(place: Place): Promise<Desk> {
    const stranger = await signIn(place, { operator: 'eve', password: 'wrong',
        failures: true });
    const page = await stranger.context.newPage();
    const response = await page.goto(`${place.url}/console/`)
        .catch((error: Error) => error.message);

    ok(typeof response === 'string' ? /ERR_INVALID_AUTH/.test(response)
        : response?.status() === 401, 'a wrong password is refused');
    is(await page.locator('#console').count(), 0, 'and there is no page');
    await stranger.context.close();

    const desk = await openDesk(place, { operator: 'eve', failures: true });

    is(await desk.page.locator('.who').innerText(), 'eve Game master',
        'the desk says who is there');
    await desk.live();
    await desk.mark();
    return desk;
}

async function goesOnline(desk: Desk, { bridge }: Place): Promise<void> {
    const online = async () => (await bridge.gmItems<Account>('accounts'))
        .map((one) => one.online);

    is([await desk.isOnline('Iris'), await online()], [false, [false]],
        'at first the GM is offline');
    await desk.onlineSwitch('Iris').click();
    await becomes(() => desk.isOnline('Iris'), true, 'the switch says online');
    await becomes(online, [true], 'and so does the bridge');
    await desk.live();
}

async function addsPlayers(desk: Desk, { bridge }: Place): Promise<void> {
    await desk.addButton.click();
    await desk.page.getByLabel('Game server', { exact: true }).fill(HOST);
    await desk.page.getByLabel('Player number', { exact: true }).fill('0x');
    await holds(() => desk.dialog.getByText(/A number of 1 to 19 digits/)
        .isVisible(), 'what is no number is said to be none');
    is(await desk.dialog.getByRole('button', { name: 'Add', exact: true })
        .isDisabled(), true, 'and not sent');
    await desk.closeDialog();

    for (const uid of [BEN, ANNA]) {
        await desk.addPlayer(HOST, uid);
        await desk.opened(uid);
    }
    await becomes(async () => (await desk.rows()).sort(), [ANNA, BEN],
        'both players are in the list');

    const { data } = await bridge.gs('relation',
        { host: HOST, format: 'json' });

    is((data as { uid: string; change: string }[])
        .map((one) => `${one.change} ${one.uid}`),
        [`apply ${BEN}`, `apply ${ANNA}`], 'their game server hears of it');
    is((await bridge.gs('online', { host: HOST, format: 'json' })).data, [GM],
        'and that the GM is there');

    await desk.addPlayer(HOST, ANNA);
    await holds(() => desk.dialog.getByRole('alert')
        .getByText('The player has a GM already').isVisible(),
        'adding one again: why not, in words');
    await desk.closeDialog();
}

async function chats(desk: Desk, { bridge }: Place): Promise<void> {
    const letGo = await holdUp(desk.page, 'send');

    await desk.send('Hello there');
    await becomes(() => desk.stateOf('Hello there'), 'sending', 'it is sending');
    await letGo();
    await becomes(() => desk.stateOf('Hello there'), 'stored', 'then stored');
    await bridge.gets(HOST, ['Hello there'], 'the game server gets it');
    await becomes(() => desk.stateOf('Hello there'), 'delivered',
        'then delivered');

    await bridge.says(ANNA, 'Where is my sword?');
    await becomes(() => desk.texts(), ['Hello there', 'Where is my sword?'],
        'the answer is shown at once');
    await becomes(() => desk.unread(ANNA), 0, 'and is read, for it is in view');
    await becomes(() => desk.title(), 'GM desk', 'the title counts nothing');
}

async function counts(desk: Desk, { bridge }: Place): Promise<void> {
    const unread = async () => (await bridge.gmItems<Friend>('friends',
        { gm_account: GM })).find((one) => one.uid === ANNA)?.unread;

    await becomes(unread, 0, 'the bridge knows that, too');
    await desk.open(BEN);
    for (const text of ['one', 'two', 'three']) {
        await bridge.says(ANNA, text);
    }
    await becomes(() => desk.unread(ANNA), 3, 'another one is open: 3 unread');
    await becomes(() => desk.title(), '(3) GM desk', 'the title counts them');
    await becomes(() => desk.lastLine(ANNA), 'three',
        'the list shows the last line');
    await becomes(async () => (await desk.rows())[0], ANNA,
        'and who waits stands first');
    is(await unread(), 3, 'the bridge counts the same');

    await desk.open(ANNA);
    await becomes(() => desk.page.locator('.mark.fresh').count(), 1,
        'a mark stands before what is new');
    await becomes(() => desk.unread(ANNA), 0, 'opened: nothing is unread');
    await becomes(() => desk.title(), 'GM desk', 'nor in the title');
    await becomes(unread, 0, 'nor in the bridge');
}

// The network is gone: nothing can be sent, and nothing is lost.
async function losesNetwork(desk: Desk, { bridge }: Place): Promise<void> {
    await desk.context.setOffline(true);
    await desk.banner.waitFor();
    await holds(async () => /connection is lost/.test(
        await desk.banner.innerText()), 'without a network: a banner says so');
    await bridge.says(ANNA, 'while away');
    await desk.send('offline words');
    await becomes(() => desk.stateOf('offline words'), 'failed',
        'a message fails');
    ok(/cannot be reached/.test(
        await desk.message('offline words').innerText()), 'and says why');

    await desk.context.setOffline(false);
    await desk.live();
    await becomes(() => desk.banner.count(), 0, 'back: the banner goes');
    await holds(() => desk.message('while away').isVisible(),
        'what came meanwhile is there');
    await desk.page.keyboard.press('Escape');
    await desk.page.keyboard.press('t');
    await becomes(() => desk.stateOf('offline words'), 'stored',
        't tries again: stored');
}

async function losesAnswer(desk: Desk, { bridge }: Place): Promise<void> {
    await loseAnswer(desk.page, 'send');
    await desk.send('sent twice');
    await becomes(() => desk.stateOf('sent twice'), 'stored',
        'an answer is lost: the desk tries again by itself');
    await desk.page.unrouteAll({ behavior: 'wait' });
    is((await bridge.history(ANNA)).filter((text) => text === 'sent twice'),
        ['sent twice'], 'under the same msgid: it is stored once');
}

async function losesServer(desk: Desk, { bridge }: Place): Promise<void> {
    await ask('nginx_stop');
    await desk.banner.waitFor();
    ok(true, 'nginx stops: there is a banner');
    await ask('nginx_start');
    await bridge.gsAgain('send', { uid: ANNA, text: 'it is up again' });
    await desk.live();
    await holds(() => desk.message('it is up again').isVisible(),
        'it is started again: the desk is back');
    await becomes(() => desk.banner.count(), 0, 'without the banner');

    await ask('nginx_reload');
    await bridge.gsAgain('send', { uid: ANNA, text: 'it reloaded' });
    await holds(() => desk.message('it reloaded').isVisible(),
        'a reload of nginx loses nothing');

    await ask('workers_kill');
    await bridge.gsAgain('send', { uid: ANNA, text: 'its workers died' });
    await desk.live();
    await holds(() => desk.message('its workers died').isVisible(),
        'nor do workers that are killed');
    await desk.send('I am still here');
    await becomes(() => desk.stateOf('I am still here'), 'stored',
        'and the desk sends');
    ok(await desk.isOnline('Iris'), 'the GM is online all the time');
}

async function nothingIsLost(desk: Desk, { bridge }: Place): Promise<void> {
    const stored = await bridge.history(ANNA);

    is(stored.length, new Set(stored).size, 'nothing is stored twice');
    await becomes(() => desk.texts(), stored,
        'the page has all of it, in order, once');
    ok(await desk.marked(), 'and was never loaded again');
    await bridge.fetches(HOST);
    await becomes(async () => (await desk.messages()).filter((one) =>
        one.mine && one.state !== 'delivered'), [],
        'all that the GM wrote is delivered');
}

async function writes(desk: Desk, { bridge }: Place): Promise<void> {
    await desk.field.fill('/zzz');
    await holds(() => desk.page.getByText('No canned reply of that name')
        .isVisible(), '/zzz: there is no such canned reply');
    await desk.field.fill('/he');
    await becomes(() => desk.page.getByRole('option').allInnerTexts(),
        ['/hello\nHello {player} of {host}, I am {gm} ({gm_account}). {else}'],
        '/he offers one');
    await desk.field.press('Enter');
    await becomes(() => desk.field.inputValue(),
        `Hello ${ANNA} of ${HOST}, I am Iris (${GM}). {else}`,
        'Enter takes it, filled in');
    await desk.field.press('Enter');
    await bridge.gets(HOST,
        [`Hello ${ANNA} of ${HOST}, I am Iris (${GM}). {else}`],
        'and sends it');

    await desk.field.fill('first');
    await desk.field.press('Shift+Enter');
    await desk.field.pressSequentially('second');
    await desk.field.press('Enter');
    await bridge.gets(HOST, ['first\nsecond'], 'Shift-Enter breaks the line');
}

// What an input method composes is not sent by the Enter that ends it.
async function composes(desk: Desk, { bridge }: Place): Promise<void> {
    const browser = await desk.context.newCDPSession(desk.page);

    await desk.field.focus();
    await browser.send('Input.imeSetComposition',
        { text: 'ni', selectionStart: 2, selectionEnd: 2 });
    await browser.send('Input.dispatchKeyEvent', { type: 'keyDown',
        windowsVirtualKeyCode: 229, key: 'Enter', code: 'Enter' });
    await browser.send('Input.insertText', { text: '你' });
    await becomes(() => desk.field.inputValue(), '你',
        'the Enter of an input method sends nothing');
    await desk.field.press('Enter');
    await bridge.gets(HOST, ['你'], 'the next one does');
    await browser.detach();
}

async function keepsDrafts(desk: Desk): Promise<void> {
    await desk.field.fill('for Anna, later');
    await desk.open(BEN);
    await becomes(() => desk.field.inputValue(), '',
        'a draft is of one player');
    await desk.field.fill('for Ben, later');
    await desk.open(ANNA);
    await becomes(() => desk.field.inputValue(), 'for Anna, later',
        'and is kept');
    await desk.page.reload();
    await desk.opened(ANNA);
    await becomes(() => desk.field.inputValue(), 'for Anna, later',
        'over a reload, too');
    await desk.open(BEN);
    await becomes(() => desk.field.inputValue(), 'for Ben, later', 'of each');
    await desk.open(ANNA);
    await desk.field.fill('');
}

async function usesKeys(desk: Desk): Promise<void> {
    const { keyboard } = desk.page;

    await keyboard.press('Escape');
    await keyboard.press('?');
    await desk.dialog.waitFor();
    ok((await desk.dialog.locator('kbd').count()) >= 15,
        '? shows what keys there are');
    await desk.closeDialog();
    await keyboard.press('d');
    await desk.page.locator('.admin').waitFor();
    await keyboard.press('d');
    await desk.page.locator('.admin').waitFor({ state: 'detached' });
    ok(true, 'd goes to the administration and back');
    await desk.open(ANNA);
    await keyboard.press('Escape');
    await keyboard.press('x');
    await desk.dialog.getByText('End the friendship with').waitFor();
    ok(true, 'x asks whether to end the friendship');
    await desk.closeDialog();
    await keyboard.press('/');
    await becomes(() => desk.page.evaluate(() =>
        document.activeElement?.getAttribute('type')), 'search',
        '/ goes to the search');
    await keyboard.type(BEN);
    await becomes(() => desk.rows(), [BEN], 'which filters');
    await desk.page.getByRole('searchbox').fill('');
    await keyboard.press('Alt+ArrowDown');
    await until(() => desk.openUid(), (uid) => uid !== ANNA);
    is(await desk.openUid(), BEN, 'Alt+Down opens the next one');
    await keyboard.press('Alt+ArrowUp');
    await becomes(() => desk.openUid(), ANNA, 'Alt+Up the one before');
}

async function ends(desk: Desk, { bridge }: Place): Promise<void> {
    await bridge.gs('relation', { host: HOST, format: 'json' });
    await desk.button('End the friendship').click();
    ok(/can then no longer write/.test(await desk.dialog.innerText()),
        'ending it is asked about');
    await desk.dialog.getByRole('button', { name: 'Cancel' }).click();
    await becomes(() => desk.dialog.count(), 0, 'Cancel: nothing is done');
    await desk.button('End the friendship').click();
    await desk.dialog.locator('.danger').click();
    await desk.page.getByText('This friendship has ended.').waitFor();
    await becomes(() => desk.field.count(), 0, 'ended: nothing can be written');

    const { data } = await bridge.gs('relation',
        { host: HOST, format: 'json' });

    is((data as { uid: string; change: string }[])
        .map((one) => `${one.change} ${one.uid}`), [`remove ${ANNA}`],
        'the game server hears of it');
    await desk.open(BEN);
    await becomes(() => desk.rows(), [BEN], 'the player is gone from the list');
    await desk.onlineSwitch('Iris').click();
    await becomes(async () => (await bridge.gmItems<Account>('accounts'))
        .map((one) => one.online), [false], 'and the GM goes offline');
}

story(async (place) => {
    await prepare(place);

    const desk = await signsIn(place);

    for (const scene of [goesOnline, addsPlayers, chats, counts, losesNetwork,
        losesAnswer, losesServer, nothingIsLost, writes, composes, keepsDrafts,
        usesKeys, ends])
    {
        await scene(desk, place);
    }
    is(await desk.strangers(), [], 'no element that the console does not make');
    is(desk.seen, [], 'nothing went wrong in the page');
});
