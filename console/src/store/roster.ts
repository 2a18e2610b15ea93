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
}

type Conversations = ReadonlyMap<string, Conversation>;

export class Roster {
    readonly all: Signal<Conversations> =
        signal(new Map<string, Conversation>());
    // Messages that came while a list was on its way, which may lack them.
    private readonly missed = new Set<StreamMessage[]>();

    constructor(
        private readonly api: Api,
        private readonly hooks: RosterHooks,
    ) {}

    get(gm: string, uid: string): Conversation | undefined {
        return this.all.value.get(conversationKey(gm, uid));
    }

    change(gm: string, uid: string, how: (one: Conversation) => Conversation):
        void
    {
        const one = this.get(gm, uid);

        if (one !== undefined) {
            this.all.value = new Map(this.all.value).set(one.key, how(one));
        }
    }

    // Of all conversations, those that this says.
    keep(which: (one: Conversation) => boolean): void {
        this.all.value = new Map([...this.all.value].filter(
            ([, one]) => which(one)));
    }

    async read(gm: string): Promise<void> {
        const missed: StreamMessage[] = [];

        this.missed.add(missed);
        try {
            const friends = await this.api.friends(gm);

            if (this.hooks.isFollowed(gm)) {
                this.put(gm, friends, missed);
            }
        } finally {
            this.missed.delete(missed);
        }
    }

    private put(gm: string, friends: readonly Friend[],
        missed: readonly StreamMessage[]): void
    {
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

            fresh.set(one.key, one);
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
    }

    // known: it was counted already. unknown: no such conversation is there.
    received(message: StreamMessage): 'news' | 'known' | 'unknown' {
        const { gm_account: gm, uid } = message;
        const one = this.get(gm, uid);

        for (const missed of this.missed) {
            missed.push(message);
        }
        if (one === undefined) {
            return 'unknown';
        }
        if (includes(one, message)) {
            return 'known';
        }
        this.change(gm, uid, (old) => received(old, message));
        return 'news';
    }
}
