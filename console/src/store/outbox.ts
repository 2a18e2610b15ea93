// What the operator writes and the bridge has not confirmed. One message of a
// conversation at a time is on its way, so that their order holds. Whatever happens,
// a message keeps its msgid: trying again stores it once.

import { signal, type Signal } from '@preact/signals';
import { asFailure, type Failure } from '../api.js';
import { conversationKey } from './conversations.js';
import type { Kept } from './kept.js';

export interface Outgoing {
    msgid: string;
    gm: string;
    uid: string;
    text: string;
    at: number;
    state: 'sending' | 'failed';
    // Why it failed.
    failure?: Failure | undefined;
}

export interface Sent {
    id: string;
    hostSilent: boolean;
}

export interface OutboxHooks {
    send(message: Outgoing): Promise<Sent>;
    stored(message: Outgoing, sent: Sent): void;
    failed(message: Outgoing): void;
    sleep(ms: number): Promise<void>;
    now(): number;
    msgid(): string;
}

const TRIES = 4;

// Nobody waits longer before a screen, ms: then it failed, and says why.
const LONGEST = 15_000;

// What a tab keeps across a reload has no class any more.
interface Saved {
    msgid: string;
    gm: string;
    uid: string;
    text: string;
    at: number;
}

export class Outbox {
    readonly items: Signal<readonly Outgoing[]>;
    private readonly busy = new Set<string>();

    constructor(
        private readonly hooks: OutboxHooks,
        private readonly kept: Kept,
    ) {
        // Nobody knows what became of these: the operator may try again.
        this.items = signal(kept.get<Saved[]>('outbox', []).map(
            (saved) => ({ ...saved, state: 'failed' as const })));
    }

    of(gm: string, uid: string): readonly Outgoing[] {
        return this.items.value.filter(
            (one) => one.gm === gm && one.uid === uid);
    }

    hasFailed(gm: string, uid: string): boolean {
        return this.items.value.some((one) => one.state === 'failed' &&
            one.gm === gm && one.uid === uid);
    }

    add(gm: string, uid: string, text: string): void {
        this.put([...this.items.value, {
            msgid: this.hooks.msgid(),
            gm,
            uid,
            text,
            at: this.hooks.now(),
            state: 'sending',
        }]);
        void this.pump(gm, uid);
    }

    retry(msgid: string): void {
        const found = this.items.value.find((one) => one.msgid === msgid);

        if (found?.state === 'failed') {
            this.change(msgid, { state: 'sending', failure: undefined });
            void this.pump(found.gm, found.uid);
        }
    }

    // All of a conversation that failed, in the order in which it was written.
    retryAll(gm: string, uid: string): void {
        for (const { msgid } of this.of(gm, uid)) {
            this.retry(msgid);
        }
    }

    drop(msgid: string): void {
        this.put(this.items.value.filter((one) => one.msgid !== msgid));
    }

    private put(items: readonly Outgoing[]): void {
        this.items.value = items;
        this.kept.set('outbox', items.length === 0 ? undefined :
            items.map(({ msgid, gm, uid, text, at }): Saved =>
                ({ msgid, gm, uid, text, at })));
    }

    private change(msgid: string, change: Partial<Outgoing>): void {
        this.put(this.items.value.map(
            (one) => one.msgid === msgid ? { ...one, ...change } : one));
    }

    private async pump(gm: string, uid: string): Promise<void> {
        const key = conversationKey(gm, uid);

        if (this.busy.has(key)) {
            return;
        }
        this.busy.add(key);
        try {
            for (;;) {
                const next = this.of(gm, uid).find(
                    (one) => one.state === 'sending');

                if (next === undefined) {
                    return;
                }
                await this.deliver(next);
            }
        } finally {
            this.busy.delete(key);
        }
    }

    private async deliver(message: Outgoing): Promise<void> {
        for (let tries = 1; ; tries++) {
            try {
                const sent = await this.hooks.send(message);

                this.drop(message.msgid);
                this.hooks.stored(message, sent);
                return;
            } catch (error) {
                const failure = asFailure(error);

                if (!failure.passing || tries >= TRIES ||
                    failure.retryAfter > LONGEST)
                {
                    this.giveUp(message, failure);
                    return;
                }
                await this.hooks.sleep(failure.retryAfter ||
                    300 * 2 ** tries);
            }
        }
    }

    // Where the bridge is away, what waits behind would fail the same way, and must
    // not overtake.
    private giveUp(message: Outgoing, failure: Failure): void {
        const failing = failure.passing
            ? this.of(message.gm, message.uid).filter(
                (one) => one.state === 'sending')
            : [message];

        for (const one of failing) {
            this.change(one.msgid, { state: 'failed', failure });
        }
        this.hooks.failed(message);
    }
}
