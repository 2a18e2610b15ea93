// Puts the page together: the desk, the keyboard, the notices, the place.

import { effect, untracked } from '@preact/signals';
import { render } from 'preact';
import { Api, asFailure } from './api.js';
import { newMsgid, storageOf } from './browser.js';
import { commandOf, type Command } from './keys.js';
import { locale, words } from './i18n/index.js';
import { allowSound, desktop, sound, titleOf } from './notice.js';
import { parseRoute } from './route.js';
import { keepSettings, settings } from './settings.js';
import { explain } from './errors.js';
import { Desk } from './store/desk.js';
import { mayAct, mayActAtAll } from './store/rights.js';
import {
    asked, DeskContext, dialog, go, MESSAGE_MAX, messageMax, now, pageSettings,
    route, say,
} from './ui.js';
import { App } from './views/App.js';
import { askToEnd } from './views/ConversationView.js';

const page = pageSettings();
const fetcher = window.fetch.bind(window);

const isSeen = () => !document.hidden && document.hasFocus();

const desk = new Desk({
    api: new Api(page.api, fetcher),
    fetcher,
    local: storageOf('localStorage'),
    session: storageOf('sessionStorage'),
    msgid: () => newMsgid('desk'),
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    isSeen,
    failed: ({ gm, uid }) => {
        if (!desk.isOpen(gm, uid)) {
            say(words.value.notSentTo(uid));
        }
    },
    notify: ({ gm_account: gm, uid }, text) => {
        sound();
        if (!isSeen()) {
            desktop(words.value, gm, uid, text,
                () => go({ view: 'conversation', gm, uid }));
        }
    },
});

function step(by: number): void {
    const list = desk.sorted.value;
    const open = desk.open.value;
    const at = list.findIndex((one) =>
        one.gm === open?.gm && one.uid === open.uid);
    const next = list[at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + by))];

    if (next !== undefined) {
        go({ view: 'conversation', gm: next.gm, uid: next.uid });
    }
}

function longestWaiting(): void {
    const [first] = desk.sorted.value;

    if (first !== undefined) {
        go({ view: 'conversation', gm: first.gm, uid: first.uid });
    }
}

// The account of the open conversation, else the chosen or the only one.
function toggleOnline(): void {
    const followed = [...desk.followed.value];
    const gm = desk.open.value?.gm ?? (desk.onlyAccount.value ||
        (followed.length === 1 ? followed[0] : undefined));
    const account = desk.accounts.value.find((one) => one.gm_account === gm);

    if (account === undefined) {
        say(words.value.pick);
        return;
    }
    if (desk.me.value === undefined || !mayAct(desk.me.value, account.gm_account)) {
        return;
    }
    const { name, online } = account;

    desk.switchOnline(account.gm_account, !online).then(
        () => say(`${name}: ${online
            ? words.value.offline : words.value.online}`),
        (error: unknown) => say(explain(words.value, asFailure(error))));
}

function endFriendship(): void {
    const one = desk.open.value === undefined ? undefined
        : desk.conversation(desk.open.value.gm, desk.open.value.uid);

    if (one?.ended === false && desk.me.value !== undefined &&
        mayAct(desk.me.value, one.gm))
    {
        askToEnd(desk, one);
    }
}

function retry(): void {
    const { value } = desk.open;

    if (value !== undefined) {
        desk.outbox.retryAll(value.gm, value.uid);
    }
}

// Out of the field, then out of the conversation.
function leave(): void {
    const active = document.activeElement;

    if (active instanceof HTMLElement && isTyping(active)) {
        active.blur();
    } else if (route.value.view === 'conversation') {
        go({ view: 'desk' });
    }
}

const COMMANDS: Readonly<Partial<Record<Command, () => void>>> = {
    help: () => { dialog.value = 'help'; },
    settings: () => { dialog.value = 'settings'; },
    find: () => { dialog.value = 'find'; },
    add: () => {
        if (desk.me.value !== undefined && mayActAtAll(desk.me.value)) {
            dialog.value = 'add';
        }
    },
    search: () => { asked.search.value++; },
    compose: () => { asked.compose.value++; },
    retry,
    end: endFriendship,
    place: () => go(route.value.view === 'admin'
        ? { view: 'desk' } : { view: 'admin', page: 'accounts' }),
    older: () => { asked.older.value++; },
    newest: () => { asked.newest.value++; },
    next: () => step(1),
    previous: () => step(-1),
    waiting: longestWaiting,
    online: toggleOnline,
    leave,
};

function isTyping(target: EventTarget | null): boolean {
    return target instanceof HTMLElement &&
        target.matches('textarea, select, input:not([type=checkbox])');
}

function pressed(event: KeyboardEvent): void {
    // The browser's own dialog deals with its keys.
    if (document.querySelector('dialog[open]') !== null ||
        event.defaultPrevented)
    {
        return;
    }
    const single = !event.altKey && event.key !== 'Escape';
    const command = single && !settings.singleKeys.value
        ? undefined : commandOf(event, isTyping(event.target));
    const act = command === undefined ? undefined : COMMANDS[command];

    if (act !== undefined) {
        event.preventDefault();
        act();
    }
}

// Each few seconds, and when somebody comes back: what time alone changes.
function look(): void {
    now.value = Date.now();
    desk.check();
    if (!document.hidden) {
        desk.lookAgain();
    }
}

function follow(): void {
    route.value = parseRoute(location.hash);
}

keepSettings(storageOf('localStorage'));
follow();
window.addEventListener('hashchange', follow);
window.addEventListener('keydown', pressed);
window.addEventListener('pointerdown', allowSound, { once: true });
window.addEventListener('keydown', allowSound, { once: true });
window.addEventListener('online', () => desk.network(true));
window.addEventListener('offline', () => desk.network(false));
setInterval(look, 10_000);
window.addEventListener('beforeunload', (event) => {
    // A reload keeps them, the end of the tab does not: the browser asks.
    if (desk.outbox.items.peek().length > 0) {
        event.preventDefault();
    }
});
window.addEventListener('focus', look);
window.addEventListener('pageshow', look);
document.addEventListener('visibilitychange', look);

effect(() => {
    const { value } = route;

    if (value.view === 'conversation') {
        untracked(() => desk.show({ gm: value.gm, uid: value.uid }));
    } else {
        untracked(() => desk.close());
    }
});
effect(() => {
    document.title = titleOf(words.value, desk.unread.value,
        settings.title.value);
});
effect(() => {
    document.documentElement.lang = locale.value;
});
effect(() => {
    document.documentElement.dataset['theme'] = settings.theme.value;
});
effect(() => {
    messageMax.value = desk.me.value?.message_max ?? MESSAGE_MAX;
});

render(
    <DeskContext.Provider value={desk}><App /></DeskContext.Provider>,
    document.getElementById('console')!);
void desk.start();
