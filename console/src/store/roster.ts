// The conversations of the accounts that the desk follows, by friends and by events.

import { signal, type Signal } from '@preact/signals';
import type { Api } from '../api.js';
import type { Friend, StreamMessage } from '../types.js';
import {
    conversationKey, fromFriend, includes, received, type Conversation,
} from './conversations.js';

export interface RosterHooks {
    isFollowed(gm: string): boolean;
    // One that is open stays in the list when its friendship is over.
    isOpen(gm: string, uid: string): boolean;
    // The list that was just read is older than what is known of some: another one
    // says what holds.
    readAgain(gm: string): void;
}

type Conversations = ReadonlyMap<string, Conversation>;

// A list of friends that is on its way.
interface Reading {
    gm: string;
    // Of the lists of all accounts, the how-manieth.
    number: number;
    // Messages that came meanwhile, which it may lack.
    missed: StreamMessage[];
    // Conversations that were answered or read meanwhile, which it may not know.
    touched: Set<string>;
}

export class Roster {
    readonly all: Signal<Conversations> =
        signal(new Map<string, Conversation>());
    private readonly readings = new Set<Reading>();
    // Of each account, the newest list that was taken.
    private readonly taken = new Map<string, number>();
    private last = 0;

    constructor(
        private readonly api: Api,
        private readonly hooks: RosterHooks,
    ) {}

    get(gm: string, uid: string): Conversation | undefined {
        return this.all.value.get(conversationKey(gm, uid));
    }

    // Was the list of this account ever there?
    isRead(gm: string): boolean {
        return this.taken.has(gm);
    }

    change(gm: string, uid: string, how: (one: Conversation) => Conversation):
        void
    {
        const one = this.get(gm, uid);

        if (one !== undefined) {
            for (const reading of this.readings) {
                reading.touched.add(one.key);
            }
            this.set(how(one));
        }
    }

    private set(one: Conversation): void {
        this.all.value = new Map(this.all.value).set(one.key, one);
    }

    // Of all conversations, those that this says.
    keep(which: (one: Conversation) => boolean): void {
        if ([...this.all.peek().values()].some((one) => !which(one))) {
            this.all.value = new Map([...this.all.peek()].filter(
                ([, one]) => which(one)));
        }
    }

    async read(gm: string): Promise<void> {
        const reading: Reading = {
            gm, number: ++this.last, missed: [], touched: new Set(),
        };

        this.readings.add(reading);
        try {
            const friends = await this.api.friends(gm);

            // Two may be on their way, and the second one be the first to come.
            if (this.hooks.isFollowed(gm) &&
                reading.number > (this.taken.get(gm) ?? 0))
            {
                this.taken.set(gm, reading.number);
                this.put(reading, friends);
            }
        } finally {
            this.readings.delete(reading);
        }
    }

    private put({ gm, missed, touched }: Reading, friends: readonly Friend[]): void {
        const fresh = new Map<string, Conversation>();

        for (const [key, old] of this.all.value) {
            if (old.gm !== gm) {
                fresh.set(key, old);
            } else if (this.hooks.isOpen(old.gm, old.uid)) {
                fresh.set(key, { ...old, ended: true });
            }
        }
        for (const friend of friends) {
            const one = fromFriend(gm, friend);
            const old = this.all.value.get(one.key);

            fresh.set(one.key, old !== undefined && touched.has(one.key)
                ? { ...old, host: one.host, since: one.since, ended: false } : one);
        }
        for (const message of missed) {
            const key = conversationKey(message.gm_account, message.uid);
            const one = fresh.get(key);

            if (message.gm_account === gm && one !== undefined &&
                !includes(one, message))
            {
                fresh.set(key, received(one, message));
            }
        }
        this.all.value = fresh;
        if ([...touched].some((key) => fresh.get(key)?.gm === gm)) {
            this.hooks.readAgain(gm);
        }
    }

    // known: it was counted already. unknown: no such conversation is there.
    received(message: StreamMessage): 'news' | 'known' | 'unknown' {
        const { gm_account: gm, uid } = message;
        const one = this.get(gm, uid);

        for (const { missed } of this.readings) {
            missed.push(message);
        }
        if (one === undefined) {
            return 'unknown';
        }
        if (includes(one, message)) {
            return 'known';
        }
        this.set(received(one, message));
        return 'news';
    }
}
