// The desk's streams: one for the accounts that this desk keeps online, which the
// bridge takes offline when the desk is gone, and one for those that it only follows.

import { signal, type Signal } from '@preact/signals';
import { Stream, type StreamState } from '../stream.js';

export interface FeedHooks {
    event(name: string, data: unknown): void;
    // A stream has looked at all of these accounts. again: it was away before.
    ready(accounts: readonly string[], again: boolean): void;
    refused(status: number): void;
    acknowledge(cursor: string): Promise<unknown>;
}

export interface FeedOptions {
    base: string;
    fetcher: typeof fetch;
    acks(): boolean;
}

interface Branch {
    stream: Stream;
    accounts: readonly string[];
    state: StreamState;
}

const WORST: readonly StreamState[] = ['refused', 'away', 'connecting', 'live'];

export class Feed {
    readonly state: Signal<StreamState> = signal('connecting');
    private readonly branches = new Map<boolean, Branch>();
    // The accounts that some stream has looked at before: what came between that
    // one and the next may have been missed.
    private readonly looked = new Set<string>();

    constructor(
        private readonly options: FeedOptions,
        private readonly hooks: FeedHooks,
    ) {}

    follow(accounts: readonly string[], kept: ReadonlySet<string>): void {
        this.branch(true, accounts.filter((one) => kept.has(one)));
        this.branch(false, accounts.filter((one) => !kept.has(one)));
        this.report();
    }

    stop(): void {
        for (const { stream } of this.branches.values()) {
            stream.stop();
        }
        this.branches.clear();
    }

    kick(): void {
        for (const { stream } of this.branches.values()) {
            stream.kick();
        }
    }

    drop(): void {
        for (const { stream } of this.branches.values()) {
            stream.drop();
        }
    }

    // Is what looks open still open?
    check(): void {
        for (const { stream } of this.branches.values()) {
            stream.check();
        }
    }

    private branch(online: boolean, accounts: readonly string[]): void {
        const old = this.branches.get(online);

        if (old !== undefined) {
            if (old.accounts.join() === accounts.join()) {
                return;
            }
            old.stream.stop();
            this.branches.delete(online);
        }
        if (accounts.length > 0) {
            this.open(online, accounts, old);
        }
    }

    private open(online: boolean, accounts: readonly string[],
        old: Branch | undefined): void
    {
        const stream = new Stream({
            base: this.options.base,
            fetcher: this.options.fetcher,
            acks: this.options.acks,
            accounts,
            online,
            cursor: old?.stream.cursor ?? '',
        }, {
            state: (state) => {
                branch.state = state;
                this.report();
            },
            event: (name, data) => {
                if (name === 'ready') {
                    this.ready(accounts);
                } else {
                    this.hooks.event(name, data);
                }
            },
            refused: this.hooks.refused,
            acknowledge: this.hooks.acknowledge,
        });
        const branch: Branch = {
            stream,
            accounts,
            state: old?.state ?? 'connecting',
        };

        this.branches.set(online, branch);
        stream.start();
    }

    private ready(accounts: readonly string[]): void {
        const again = accounts.some((one) => this.looked.has(one));

        accounts.forEach((one) => this.looked.add(one));
        this.hooks.ready(accounts, again);
    }

    private report(): void {
        const states = [...this.branches.values()].map((one) => one.state);

        this.state.value =
            WORST.find((state) => states.includes(state)) ?? 'live';
    }
}
