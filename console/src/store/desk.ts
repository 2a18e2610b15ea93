// The desk: who is here, the accounts, their conversations, what is open. Events and
// replies go in, signals come out; the views only show them.

import { batch, computed, signal, type ReadonlySignal, type Signal }
    from '@preact/signals';
import { asFailure, type Failure, type Api } from '../api.js';
import type { StreamState } from '../stream.js';
import type {
    Account, CannedReply, DeskEvent, Me, ReadEvent, ResetEvent, StreamMessage,
} from '../types.js';
import {
    answered, fromLog, listed, tailed, unreadOf, type Conversation,
} from './conversations.js';
import { Feed } from './feed.js';
import { followedOf, keepFollowed } from './followed.js';
import { Kept, prefixOf } from './kept.js';
import { Later } from './later.js';
import { keyOf, unreadAfter, type Log } from './log.js';
import { Logs } from './logs.js';
import { Markers } from './markers.js';
import type { DeskOptions, Open } from './options.js';
import { Outbox, type Outgoing, type Sent } from './outbox.js';
import { Presence } from './presence.js';
import { mayAct, mayActAtAll, mayLook } from './rights.js';
import { Roster } from './roster.js';
import { Strangers } from './strangers.js';
import { textOf } from '../text.js';
import { isOver } from '../time.js';

const FRIENDS_AT_ONCE = 6;

// How often what no event tells is asked for, ms: other accounts or another role were
// given; a game server fell silent.
const RIGHTS_EVERY = 20_000;
const FRIENDS_EVERY = 60_000;

// Canned replies that are so old are read again when they are needed, ms.
const CANNED_FOR = 5000;

export class Desk {
    readonly me: Signal<Me | undefined> = signal(undefined);
    readonly problem: Signal<Failure | undefined> = signal(undefined);
    readonly accounts: Signal<readonly Account[]> = signal([]);
    readonly loading = signal(true);
    readonly followed: Signal<ReadonlySet<string>> = signal(new Set<string>());
    readonly open: Signal<Open | undefined> = signal(undefined);
    readonly link: Signal<StreamState> = signal('connecting');
    readonly canned: Signal<readonly CannedReply[]> = signal([]);
    // Of the list: an account ('' for all), and words.
    readonly onlyAccount = signal('');
    readonly filter = signal('');

    readonly sorted: ReadonlySignal<readonly Conversation[]>;
    readonly unread: ReadonlySignal<number>;

    outbox!: Outbox;
    kept!: Kept;
    private readonly presence: Presence;
    private feed: Feed | undefined;
    private readonly roster: Roster;
    private readonly logs: Logs;
    private readonly later = new Later();
    private readonly markers: Markers;
    private readonly strangers: Strangers;
    private rightsAt = 0;
    private friendsAt = 0;
    private cannedAt = 0;

    constructor(private readonly options: DeskOptions) {
        this.logs = new Logs(options.api);
        this.presence = new Presence(options.api);
        this.roster = new Roster(options.api, {
            isFollowed: (gm) => this.followed.value.has(gm),
            isOpen: (gm, uid) => this.isOpen(gm, uid),
            readAgain: (gm) => this.friendsSoon(gm),
        });
        this.strangers = new Strangers(this.roster, this.later, options.notify);
        this.markers = new Markers(options, this.roster, this.logs, this.later, {
            mayAct: (gm) => this.me.value !== undefined &&
                mayAct(this.me.value, gm),
            isSeen: (gm, uid) => this.isOpen(gm, uid) && options.isSeen(),
        });
        this.sorted = computed(() => listed(this.roster.all.value.values(),
            this.onlyAccount.value, this.filter.value));
        this.unread = computed(() => unreadOf(this.roster.all.value.values()));
        this.keepFor('');
    }

    get api(): Api {
        return this.options.api;
    }

    // The accounts that this desk keeps online.
    get present(): ReadonlySignal<ReadonlySet<string>> {
        return this.presence.accounts;
    }

    private keepFor(operator: string): void {
        const prefix = prefixOf(operator);
        const keptInTab = new Kept(this.options.session, prefix);

        this.kept = new Kept(this.options.local, prefix);
        this.presence.keepIn(keptInTab);
        this.outbox = new Outbox({
            send: (message) => this.deliver(message),
            stored: (message, sent) => this.stored(message, sent),
            failed: (message) => this.options.failed?.(message),
            sleep: this.options.sleep,
            now: this.options.now,
            msgid: this.options.msgid,
        }, keptInTab);
    }

    // Reads all that the first view shows, and opens the streams beside it.
    async start(): Promise<void> {
        this.feed?.stop();
        try {
            const me = await this.api.me();

            this.keepFor(me.operator ?? '');
            this.me.value = me;
            this.rightsAt = this.friendsAt = this.options.now();
            await this.readAccounts();
            this.startFeed();
            if (mayLook(me)) {
                this.cannedSoon();
            }
            await this.readAllFriends();
            this.problem.value = undefined;
        } catch (error) {
            this.problem.value = asFailure(error);
        } finally {
            this.loading.value = false;
        }
    }

    stop(): void {
        this.feed?.stop();
        this.later.stop();
    }

    // Accounts and the streams

    // Who I am may have changed as well as what is given to me.
    async readRights(): Promise<void> {
        const me = await this.api.me();

        if (JSON.stringify(me) !== JSON.stringify(this.me.value)) {
            this.me.value = me;
        }
        await this.readAccounts();
    }

    // Who has no role is told so, and nothing else.
    async readAccounts(): Promise<void> {
        const may = this.me.value === undefined || mayLook(this.me.value);
        const accounts = may ? await this.api.accounts() : [];
        const there = accounts.map((one) => one.gm_account);
        const followed = may ? followedOf(there, this.kept) : [];
        const before = this.followed.value;

        batch(() => {
            const gone = this.accounts.value.map((one) => one.gm_account)
                .filter((one) => !there.includes(one));

            this.accounts.value = accounts;
            this.followed.value = new Set(followed);
            this.forgetGone(there, gone);
        });
        this.follow();
        if (this.feed !== undefined) {
            followed.filter((one) => !before.has(one))
                .forEach((one) => this.friendsSoon(one));
        }
    }

    // Accounts that were taken from this operator: nothing of them is shown any more.
    // One that was never there stays open: its view says what the bridge says.
    private forgetGone(there: readonly string[], gone: readonly string[]): void {
        const left = [...this.present.value].filter(
            (one) => !there.includes(one));

        if (left.length > 0) {
            this.presence.keep(left, false);
        }
        this.roster.keep((one) => this.followed.value.has(one.gm));
        this.logs.forget((gm) => !there.includes(gm));
        if (gone.includes(this.open.peek()?.gm ?? '')) {
            this.open.value = undefined;
        }
    }

    // To be called every few seconds while somebody may look, and when somebody comes
    // back: asks for what no event tells, where it is time.
    lookAgain(): void {
        const now = this.options.now();

        if (this.me.value === undefined) {
            return;
        }
        if (isOver(this.rightsAt, now, RIGHTS_EVERY)) {
            this.rightsAt = now;
            this.later.soon('rights', () => this.readRights());
        }
        if (isOver(this.friendsAt, now, FRIENDS_EVERY) &&
            this.link.value === 'live')
        {
            this.friendsAt = now;
            this.followed.value.forEach((gm) => this.friendsSoon(gm));
        }
    }

    // To be called every few seconds, and when somebody comes back: the machine may
    // have slept, and the streams with it.
    check(): void {
        this.feed?.check();
    }

    private startFeed(): void {
        const { api, fetcher } = this.options;

        this.feed = new Feed({
            base: api.base,
            fetcher,
            acks: () => this.me.value !== undefined &&
                mayActAtAll(this.me.value),
        }, {
            event: (name, data) => this.event(name, data),
            // What has no id, and came before, was missed.
            ready: (accounts, again) => {
                if (again) {
                    this.catchUp(accounts);
                } else {
                    accounts.forEach((gm) => this.friendsSoon(gm));
                    this.accountsSoon();
                }
            },
            refused: () => this.later.soon('rights', () => this.readRights()),
            acknowledge: (cursor) => api.post('ack', { cursor }),
        });
        this.feed.state.subscribe((state) => {
            this.link.value = state;
        });
        this.follow();
    }

    private follow(): void {
        this.feed?.follow([...this.followed.value], this.present.value);
    }

    // The network came back, or went away.
    network(there: boolean): void {
        if (there) {
            this.feed?.kick();
        } else {
            this.feed?.drop();
        }
    }

    async chooseFollowed(gm: string, yes: boolean): Promise<void> {
        const followed = new Set(this.followed.value);

        if (yes) {
            followed.add(gm);
        } else {
            followed.delete(gm);
        }
        this.followed.value = followed;
        keepFollowed([...followed],
            this.accounts.value.map((one) => one.gm_account), this.kept);
        if (!yes) {
            this.roster.keep((one) => one.gm !== gm);
            this.presence.keep([gm], false);
        }
        this.follow();
        if (yes) {
            await this.readFriends(gm);
        }
    }

    async switchOnline(gm: string, online: boolean): Promise<void> {
        await this.presence.switchTo(gm, online);
        this.setOnline(gm, online);
        this.follow();
    }

    private setOnline(gm: string, online: boolean): void {
        this.accounts.value = this.accounts.value.map((one) =>
            one.gm_account === gm ? { ...one, online } : one);
    }

    // Friends

    private async readAllFriends(): Promise<void> {
        const left = [...this.followed.value];
        const worker = async () => {
            for (let gm = left.shift(); gm !== undefined; gm = left.shift()) {
                await this.readFriends(gm);
            }
        };

        await Promise.all(Array.from({ length: FRIENDS_AT_ONCE }, worker));
    }

    readFriends(gm: string): Promise<void> {
        return this.roster.read(gm);
    }

    conversation(gm: string, uid: string): Conversation | undefined {
        return this.roster.get(gm, uid);
    }

    // Events

    event(name: string, data: unknown): void {
        switch (name) {
        case 'message':
            this.received(data as StreamMessage);
            break;
        case 'read':
            this.read(data as ReadEvent);
            break;
        case 'desk':
            this.deskEvent(data as DeskEvent);
            break;
        case 'reset':
            this.catchUp([(data as ResetEvent).gm_account]);
            break;
        default:
            // Later versions may add some.
        }
    }

    private received(message: StreamMessage): void {
        const { gm_account: gm, uid } = message;

        this.logs.append(gm, uid, {
            key: keyOf({ dir: 'to_gm', id: message.id }),
            id: message.id,
            dir: 'to_gm',
            gm,
            text: textOf(message),
            ts: message.ts,
            delivered: undefined,
        });
        switch (this.roster.received(message)) {
        case 'unknown':
            this.strangers.wrote(message);
            break;
        case 'news':
            if (!(this.isOpen(gm, uid) && this.options.isSeen())) {
                this.options.notify(message, textOf(message));
            }
            break;
        default:
            // It came again.
        }
    }

    private read({ gm_account: gm, uid, id }: ReadEvent): void {
        const one = this.conversation(gm, uid);
        const log = this.logs.peek(gm, uid);

        if (one === undefined) {
            return;
        }
        if (one.last?.id === id || one.seen === id) {
            this.roster.change(gm, uid, (old) => ({ ...old, unread: 0 }));
        } else if (log?.messages.some((message) => message.id === id)) {
            this.roster.change(gm, uid, (old) => ({
                ...old,
                unread: Math.min(old.unread, unreadAfter(log, id)),
            }));
        } else {
            this.friendsSoon(gm);
        }
    }

    private deskEvent(event: DeskEvent): void {
        const { gm_account: gm, action, uid, id } = event;

        switch (action) {
        case 'send':
            if (uid !== undefined && !this.knows(gm, uid, id)) {
                this.tailSoon(gm, uid);
            }
            break;
        case 'online':
        case 'offline':
            this.later.soon(`accounts:${gm}`, async () => {
                await this.readAccounts();
                if (action === 'offline') {
                    this.takenOffline(gm);
                }
            });
            break;
        default:
            this.friendsSoon(gm);
        }
    }

    // Somebody else took it off: this desk does not put it back.
    private takenOffline(gm: string): void {
        const account = this.accounts.value.find((one) => one.gm_account === gm);

        if (account?.online === false && this.present.value.has(gm)) {
            this.presence.keep([gm], false);
            this.follow();
        }
    }

    // What this desk has on its way is told by the reply.
    private knows(gm: string, uid: string, id: string | undefined): boolean {
        const log = this.logs.peek(gm, uid);

        return this.conversation(gm, uid)?.last?.id === id ||
            (log?.messages.some((one) => one.dir === 'to_player' &&
                one.id === id) ?? false);
    }

    private catchUp(accounts: readonly string[]): void {
        for (const gm of accounts) {
            this.friendsSoon(gm);
        }
        this.accountsSoon();
        this.logs.forget((gm, uid) => {
            if (!accounts.includes(gm)) {
                return false;
            }
            if (this.isOpen(gm, uid)) {
                this.logs.doubt(gm, uid);
                this.tailSoon(gm, uid);
                return false;
            }
            return true;
        });
    }

    // With the rights: what is shown of an account goes by them.
    private accountsSoon(): void {
        this.later.soon('rights', () => this.readRights());
    }

    friendsSoon(gm: string): void {
        this.later.soon(`friends:${gm}`, () => this.readFriends(gm));
    }

    private tailSoon(gm: string, uid: string): void {
        this.later.soon(`tail:${gm}:${uid}`, async () => {
            if (this.outbox.of(gm, uid).some((one) => one.state === 'sending')) {
                this.tailSoon(gm, uid);
            } else {
                await this.readTail(gm, uid);
            }
        });
    }

    // The open conversation

    isOpen(gm: string, uid: string): boolean {
        const open = this.open.peek();

        return open?.gm === gm && open.uid === uid;
    }

    private isFriend(gm: string, uid: string): boolean {
        return this.conversation(gm, uid)?.ended === false;
    }

    logOf(gm: string, uid: string): Signal<Log> {
        return this.logs.of(gm, uid);
    }

    async openConversation(gm: string, uid: string): Promise<void> {
        this.show({ gm, uid });
        if (!this.followed.value.has(gm) &&
            this.accounts.value.some((one) => one.gm_account === gm))
        {
            await this.chooseFollowed(gm, true);
        }
        await this.readTail(gm, uid);
    }

    close(): void {
        this.show(undefined);
    }

    // Which one is open. Of the others, those whose friendship is over go.
    show(open: Open | undefined): void {
        if (open === undefined || !this.isOpen(open.gm, open.uid)) {
            this.open.value = open;
        }
        this.roster.keep((one) => !one.ended || this.isOpen(one.gm, one.uid));
    }

    async readTail(gm: string, uid: string): Promise<void> {
        const before = this.conversation(gm, uid)?.last;
        const page = await this.logs.readTail(gm, uid, this.isOpen(gm, uid));
        const newest = page.messages[0];
        const log = this.logs.peek(gm, uid);

        if (newest === undefined || newest.gm_account !== gm) {
            return;
        }
        if (log?.loaded === true) {
            this.roster.change(gm, uid, (old) => fromLog(old, log, newest));
        } else if (this.conversation(gm, uid)?.last === before) {
            this.roster.change(gm, uid, (old) => tailed(old, newest));
        } else {
            // Something came while the page was on its way.
            this.tailSoon(gm, uid);
        }
    }

    readOlder(gm: string, uid: string): Promise<void> {
        return this.logs.readOlder(gm, uid);
    }

    isWaiting(gm: string, uid: string): boolean {
        return this.isFriend(gm, uid) && this.logs.isWaiting(gm, uid);
    }

    // All that is shown was read.
    markRead(gm: string, uid: string): Promise<void> {
        return this.markers.read(gm, uid);
    }

    // Writing

    private async deliver(message: Outgoing): Promise<Sent> {
        const reply = await this.api.post('send', {
            gm_account: message.gm,
            uid: message.uid,
            text: message.text,
            msgid: message.msgid,
        });

        return {
            id: String(reply['id']),
            hostSilent: reply['host_silent'] === true,
        };
    }

    private stored(message: Outgoing, sent: Sent): void {
        const { gm, uid, text } = message;
        const now = this.options.now();

        batch(() => {
            this.logs.append(gm, uid, {
                key: `sent:${message.msgid}`,
                id: sent.id,
                dir: 'to_player',
                gm,
                text,
                ts: now,
                delivered: false,
            });
            this.roster.change(gm, uid, (old) => ({
                ...answered(old, sent.id, text, now),
                silent: sent.hostSilent,
            }));
        });
    }

    draft(gm: string, uid: string): string {
        return this.kept.get(`draft:${gm}:${uid}`, '');
    }

    keepDraft(gm: string, uid: string, text: string): void {
        this.kept.set(`draft:${gm}:${uid}`, text);
    }

    // Players

    async add(gm: string, host: string, uid: string): Promise<void> {
        await this.api.post('add', { gm_account: gm, host, uid });
        await this.readFriends(gm);
    }

    async end(gm: string, uid: string): Promise<void> {
        await this.api.post('del', { gm_account: gm, uid });
        await this.readFriends(gm);
    }

    // Is its game server still silent? Nothing tells when that changes. Of a player
    // who went it would be refused, and noted in the audit.
    async readPlayer(gm: string, uid: string): Promise<void> {
        if (!this.isFriend(gm, uid)) {
            return;
        }

        const player = await this.api.player(uid);

        if (player?.gm_account === gm) {
            const { silent, host } = player;

            this.roster.change(gm, uid, (old) => ({ ...old, silent, host }));
        }
    }

    // Others may have changed them: to be called when they are needed.
    cannedSoon(): void {
        const now = this.options.now();

        if (this.cannedAt === 0 || isOver(this.cannedAt, now, CANNED_FOR)) {
            this.cannedAt = now;
            this.later.soon('canned', async () => {
                this.canned.value = await this.api.canned();
            }, 0);
        }
    }
}
