// Whatever people write, wherever they can write it, is text on the page: no element
// comes of it, no script runs, nothing is reported and nothing breaks the layout.

import { openDesk, type Desk } from './desk.js';
import { BROKEN, LONG_WORD, MARKUP, NASTY_NAME, NASTY_OPERATOR, STRANGE }
    from './nasty.js';
import { story, type Place } from './story.js';
import { becomes, holds, is, ok, until } from './tap.js';

const GM = '5001';
const HOST = '1001';
const ANNA = '710001';

async function prepare(place: Place): Promise<void> {
    const { bridge } = place;

    await bridge.gm('create', { gm_account: GM, gm_name: NASTY_NAME });
    await bridge.gm('operator',
        { operator: NASTY_OPERATOR, role: 'admin' });
    await bridge.gm('add', { gm_account: GM, host: HOST, uid: ANNA });
    await bridge.gm('canned_set', { name: 'nasty',
        text: `${MARKUP.join(' ')} {gm} {player}` });
}

// That nothing of it became anything.
async function harmless(desk: Desk, where: string): Promise<void> {
    const page = await desk.page.evaluate(() => ({
        owned: 'owned' in window,
        base: document.baseURI.replace(/[?#].*/, ''),
        wide: document.documentElement.scrollWidth > window.innerWidth,
    }));

    is({ ...page, strangers: await desk.strangers() }, {
        owned: false,
        base: `${desk.operator.place.url}/console/`,
        wide: false,
        strangers: [],
    }, `${where}: nothing came of it`);
    is(desk.seen.splice(0), [], `${where}: nothing was reported`);
}

async function fromPlayer(desk: Desk, { bridge }: Place): Promise<void> {
    const texts = [...MARKUP, ...STRANGE];

    for (const text of texts) {
        await bridge.says(ANNA, text);
        await becomes(async () => (await desk.texts()).at(-1), text,
            `a player's message is shown as it is: ${text.slice(0, 40)}`);
    }
    for (const [msg, shown] of BROKEN) {
        await bridge.gs('send', { uid: ANNA, msg });
        await becomes(async () => (await desk.texts()).at(-1), shown,
            `what is not UTF-8 has signs in its place: ${msg}`);
    }
    for (const lone of ['\uD800', 'x\uDC00']) {
        const said = bridge.says(ANNA, lone).then(() => '', (error: Error) =>
            error.message);

        ok(/"errno":-3/.test(await said),
            'half of a surrogate pair is refused as a text');
    }
    await harmless(desk, 'messages of a player');
    await holds(async () => (await desk.lastLine(ANNA)).includes('<b>'),
        'the list shows the last one as text');

    const wider = await desk.page.locator('.messages').evaluate((element) =>
        element.scrollWidth - element.clientWidth);

    is(wider, 0, 'a long word makes nothing wider');
}

async function byOperator(desk: Desk, { bridge }: Place): Promise<void> {
    const sent: string[] = [];

    for (const text of [...MARKUP, ...STRANGE]) {
        const kept = await desk.page.evaluate((value) => {
            const field = document.createElement('textarea');

            field.value = value;
            return field.value;
        }, text);

        await desk.send(text);
        sent.push(kept);
        await becomes(async () => (await desk.texts()).at(-1), kept,
            `so is what the GM sends: ${text.slice(0, 40)}`);
    }
    await bridge.gets(HOST, sent, 'the game server gets it byte for byte');

    // A program can put half a character into a field; people cannot.
    await desk.send('half \uD83D of one');
    await bridge.gets(HOST, ['half \uFFFD of one'],
        'half a character is sent as the sign for one');
    await harmless(desk, 'messages of a GM');
}

async function canned(desk: Desk): Promise<void> {
    await desk.field.fill('/nas');
    await holds(() => desk.page.getByRole('option').getByText(MARKUP[0]!)
        .isVisible(), 'a canned reply is offered as text');
    await desk.field.press('Enter');
    await becomes(() => desk.field.inputValue(),
        `${MARKUP.join(' ')} ${NASTY_NAME} ${ANNA}`,
        'and filled in once, whatever the name holds');
    await harmless(desk, 'a canned reply');
    await desk.field.fill('');
}

async function draft(desk: Desk): Promise<void> {
    await desk.field.fill(MARKUP[0]!);
    await desk.page.reload();
    await desk.opened(ANNA);
    await becomes(() => desk.field.inputValue(), MARKUP[0]!,
        'a draft is kept as it is');
    await becomes(async () => (await desk.texts()).includes(MARKUP[1]!), true,
        'and so is what was said');
    await harmless(desk, 'a page that is loaded again');
    await desk.field.fill('');
}

async function names(desk: Desk): Promise<void> {
    is(await desk.page.locator('.account .name').innerText(), NASTY_NAME,
        'the name of a GM is text');
    is(await desk.page.locator('.who b').innerText(), NASTY_OPERATOR,
        'so is the name of an operator');
    is(await desk.headOrder(), ['Server', HOST],
        'a name that turns the direction turns nothing but itself');
    await desk.addButton.click();
    await holds(async () =>
        (await desk.dialog.getByRole('option').allTextContents())
            .some((text) => text.includes(NASTY_NAME)), 'also where it is chosen');
    for (const label of ['Game server', 'Player number']) {
        await desk.page.getByLabel(label, { exact: true }).fill(MARKUP[0]!);
    }
    is(await desk.dialog.getByRole('button', { name: 'Add', exact: true })
        .isDisabled(), true, 'a number is not anything else');
    await harmless(desk, 'a dialog');
    await desk.closeDialog();
}

async function admin(desk: Desk): Promise<void> {
    await desk.visit('/admin/accounts');
    await desk.page.getByLabel('GM account', { exact: true }).fill('5002');
    await desk.page.getByLabel('Name', { exact: true }).fill(MARKUP[1]!);
    await desk.button('Create a GM account').click();
    await desk.page.getByRole('cell', { name: MARKUP[1]!, exact: true })
        .waitFor();
    await becomes(() => desk.page.getByRole('row').filter({ hasText: '5002' })
        .getByRole('cell', { name: 'Offline' }).count(), 1,
    'a new account is offline until somebody switches it on');
    await harmless(desk, 'accounts');

    await desk.visit('/admin/operators');
    await desk.page.getByLabel('Operator', { exact: true }).fill(MARKUP[2]!);
    await desk.page.getByLabel('GM accounts', { exact: true }).fill('5002');
    await desk.button('Add or change an operator').click();
    await desk.page.getByRole('cell', { name: MARKUP[2]!, exact: true })
        .waitFor();
    await desk.page.getByRole('row').filter({ hasText: 'textarea' })
        .getByRole('button', { name: 'Dismiss' }).click();
    ok((await desk.dialog.innerText()).includes(MARKUP[2]!),
        'a question holds it as text');
    await harmless(desk, 'operators');
    await desk.closeDialog();

    await desk.visit('/admin/canned');
    await desk.page.getByLabel('Text', { exact: true }).fill(LONG_WORD);
    await desk.page.getByLabel('Name', { exact: true }).fill('a<b>');
    await desk.page.getByText('1 to 32 letters').waitFor();
    await desk.page.getByLabel('Name', { exact: true }).fill('名字');
    await desk.button('Add or change a canned reply').click();
    await desk.page.getByRole('cell', { name: '/名字' }).waitFor();
    await harmless(desk, 'canned replies');

    await desk.visit('/admin/audit');
    await until(() => desk.page.locator('td').allInnerTexts(),
        (cells) => cells.includes(NASTY_OPERATOR));
    ok((await desk.page.locator('td').allInnerTexts())
        .some((text) => text.includes(MARKUP[2]!)), 'the audit has them all');
    await harmless(desk, 'the audit');

    await desk.visit('/admin/hosts');
    await desk.page.getByRole('cell', { name: HOST }).waitFor();
    await harmless(desk, 'game servers');
}

// What stands in an address or in the storage is not trusted either.
async function address(desk: Desk): Promise<void> {
    for (const at of [`/c/${GM}/${MARKUP[0]}`, `/c/${MARKUP[1]}/${ANNA}`,
        `/admin/${MARKUP[0]}`, `/${MARKUP[3]}`, '/c/5001/__proto__'])
    {
        await desk.page.goto(`${desk.operator.place.url}/console/` +
            `?${encodeURIComponent(MARKUP[0]!)}#${at}`);
        await desk.ready();
        await harmless(desk, `the address #${at.slice(0, 30)}`);
    }
    await desk.page.evaluate((nasty) => {
        for (const storage of [localStorage, sessionStorage]) {
            for (const name of Object.keys(storage)) {
                storage.setItem(name, JSON.stringify(nasty));
            }
        }
    }, MARKUP[0]);
    await desk.visit();
    await desk.page.reload();
    await desk.ready();
    await harmless(desk, 'a storage with other things in it');
    await desk.page.evaluate(() => {
        for (const storage of [localStorage, sessionStorage]) {
            for (const name of Object.keys(storage)) {
                storage.setItem(name, '{"broken');
            }
        }
    });
    await desk.page.reload();
    await desk.ready();
    await harmless(desk, 'a storage that is broken');
}

story(async (place) => {
    await prepare(place);

    const desk = await openDesk(place, { operator: NASTY_OPERATOR });

    await desk.live();
    await desk.open(ANNA);
    await fromPlayer(desk, place);
    await byOperator(desk, place);
    await canned(desk);
    await draft(desk);
    await names(desk);
    await admin(desk);
    await address(desk);
});
