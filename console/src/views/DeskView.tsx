import { words } from '../i18n/index.js';
import { mayActAtAll, mayAdminister } from '../store/rights.js';
import { dialog, go, useDesk } from '../ui.js';
import { Accounts } from './Accounts.js';
import { Conversations } from './Conversations.js';
import { ConversationView } from './ConversationView.js';
import { Icon } from './Icon.js';

export function DeskView() {
    const desk = useDesk();
    const open = desk.open.value;
    // Of a first visit the narrow page shows what to do, not an empty list.
    const begins = !desk.loading.value && desk.accounts.value.length === 0;

    return (
        <main class={`desk ${open === undefined ? '' : 'has-open'} ${
            begins ? 'begins' : ''}`}>
            <div class="side">
                <Accounts />
                <Conversations />
            </div>
            <section class="talk" id="conversation" tabIndex={-1}
                aria-label={words.value.messages}>
                {open === undefined
                    ? <Nothing />
                    : <ConversationView key={`${open.gm}:${open.uid}`}
                        gm={open.gm} uid={open.uid} />}
            </section>
        </main>
    );
}

// What to do next, where no conversation is open.
function Nothing() {
    const desk = useDesk();
    const me = desk.me.value;
    const w = words.value;
    const empty = desk.sorted.value.length === 0 && desk.filter.value === '' &&
        desk.onlyAccount.value === '';

    if (desk.loading.value || me === undefined) {
        return <p class="alone quiet">{w.loading}</p>;
    }
    if (desk.accounts.value.length === 0) {
        return mayAdminister(me) ? <FirstSteps /> : (
            <div class="alone">
                <h2>{w.noAccounts}</h2>
                <p class="quiet">{w.noAccountsHint}</p>
            </div>
        );
    }
    if (desk.followed.value.size === 0) {
        return (
            <div class="alone">
                <h2>{w.noneFollowed}</h2>
                <p class="quiet">{w.followHint}</p>
            </div>
        );
    }
    if (empty && mayActAtAll(me)) {
        return (
            <div class="alone">
                <h2>{w.noConversations}</h2>
                <p class="quiet">{w.addHint}</p>
                <button class="main" onClick={() => { dialog.value = 'add'; }}>
                    <Icon name="add" /> {w.addPlayer}</button>
            </div>
        );
    }
    return (
        <div class="alone quiet">
            <p class="big"><Icon name="chats" /></p>
            <p>{w.pick}</p>
            <p class="hints">
                <span><kbd>w</kbd> {w.keys.waiting}</span>
                <span><kbd>?</kbd> {w.help}</span>
            </p>
            {!mayActAtAll(me) && <p>{w.readOnly}</p>}
        </div>
    );
}

// An administrator in a game that has no GM yet.
function FirstSteps() {
    const w = words.value;

    return (
        <div class="alone steps">
            <h2>{w.welcome}</h2>
            <ol>
                <li><b>{w.createAccount}</b><p class="quiet">{w.stepAccount}</p>
                    <button class="main" onClick={() =>
                        go({ view: 'admin', page: 'accounts' })}>
                        {w.createFirst}</button></li>
                <li><b>{w.addPlayer}</b><p class="quiet">{w.stepPlayer}</p></li>
                <li><b>{w.stepTeamTitle}</b><p class="quiet">{w.stepTeam}</p></li>
            </ol>
        </div>
    );
}
