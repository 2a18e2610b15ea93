// One game server: its stream, what of it was dealt with, and whether it runs.
// Deliver first, keep the cursor then, acknowledge last: a page that is closed
// between the first two gets an event again, under an id that it knows.

import { signal, type Signal } from '@preact/signals';
import { Api } from '../src/api.js';
import type { Kept } from '../src/store/kept.js';
import { Stream, type StreamState } from '../src/stream.js';
import type { StreamMessage } from '../src/types.js';
import type { Wire } from './wire.js';

export type ServerState = StreamState | 'stopped';

export interface RelationEvent {
    id: string;
    uid: string;
    change: 'apply' | 'remove';
    gm_account: string;
    gm_name?: string;
}

export interface ServerHooks {
    relation(event: RelationEvent): void;
    message(event: StreamMessage): void;
    // The store has lost or given away some of these.
    reset(of: string): void;
}

interface Saved {
    cursor: string;
    running: boolean;
}

export class GameServer {
    readonly state: Signal<ServerState> = signal('stopped');
    // When the state was the one before.
    readonly since: Signal<number>;
    readonly running: Signal<boolean>;
    // The GMs that are online and have a friend on this host.
    readonly gms: Signal<readonly string[]> = signal([]);
    readonly api: Api;
    private readonly fetcher: typeof fetch;
    private stream: Stream | undefined;
    private cursor: string;
    private acknowledged: string;

    constructor(
        readonly host: string,
        private readonly base: string,
        private readonly wire: Wire,
        private readonly kept: Kept,
        private readonly hooks: ServerHooks,
        private readonly now: () => number,
    ) {
        const saved = kept.get<Saved>(`host:${host}`,
            { cursor: '', running: true });

        this.cursor = saved.cursor;
        this.acknowledged = saved.cursor;
        this.running = signal(saved.running);
        this.since = signal(now());
        this.fetcher = wire.fetcherOf(host);
        this.api = new Api(base, this.fetcher);
    }

    // Opens the stream, unless the server was switched off.
    begin(): void {
        if (this.running.peek() && this.stream === undefined) {
            this.open();
        }
    }

    // Leaves the stream, with all that was shown acknowledged.
    async end(): Promise<void> {
        this.stream?.stop();
        this.stream = undefined;
        this.gms.value = [];
        this.become('stopped');
        if (this.cursor !== this.acknowledged) {
            await this.acknowledge(this.cursor);
        }
    }

    async switch(on: boolean): Promise<void> {
        this.running.value = on;
        this.save();
        if (on) {
            this.begin();
        } else {
            await this.end();
        }
    }

    // The network is there again.
    kick(): void {
        this.stream?.kick();
    }

    // After a sleep of the machine: a connection may be one that only this side has.
    check(): void {
        this.stream?.check();
    }

    private open(): void {
        const stream = new Stream({
            base: this.base,
            accounts: [],
            host: this.host,
            online: false,
            acks: () => true,
            cursor: this.cursor,
            fetcher: this.fetcher,
        }, {
            state: (state) => {
                if (this.stream === stream) {
                    this.become(state);
                }
            },
            event: (name, data, id) => this.take(name, data, id),
            refused: () => undefined,
            acknowledge: (cursor) => this.acknowledge(cursor),
        });

        this.stream = stream;
        stream.start();
    }

    private become(state: ServerState): void {
        if (state !== this.state.peek()) {
            this.state.value = state;
            this.since.value = this.now();
        }
    }

    private take(name: string, data: unknown, id: string): void {
        this.wire.event(this.host, name, data, id);
        switch (name) {
        case 'relation':
            this.hooks.relation(data as RelationEvent);
            break;
        case 'message':
            this.hooks.message(data as StreamMessage);
            break;
        case 'online':
            this.gms.value = (data as { gm_accounts: string[] }).gm_accounts;
            break;
        case 'reset':
            this.hooks.reset((data as { of: string }).of);
            break;
        default:
            // open, ready, and what later versions may add.
        }
        if (id !== '') {
            this.cursor = id;
            this.save();
        }
    }

    private async acknowledge(cursor: string): Promise<void> {
        try {
            await this.api.post('ack', { cursor });
            this.acknowledged = cursor;
        } catch {
            // What is not acknowledged comes again, and is known then.
        }
    }

    private save(): void {
        const saved: Saved = {
            cursor: this.cursor,
            running: this.running.peek(),
        };

        this.kept.set(`host:${this.host}`, saved);
    }
}
