// One stream that is kept: opened, read, acknowledged, and opened again behind the
// last event that arrived whenever it ends.

import { queryOf } from './api.js';
import { fault } from './fault.js';
import { SseParser, type SseEvent } from './sse.js';

export type StreamState = 'connecting' | 'live' | 'away' | 'refused';

// Three heartbeats of the bridge did not come.
const SILENCE = 45_000;
const ACK_AFTER = 1000;
const LONG_LIST = 2000;
const REFUSED_PAUSE = 30_000;

// Events that the store keeps until they are acknowledged.
const KEPT: ReadonlySet<string> = new Set(['message', 'relation']);

// A stream that lived so long was no failure: the next one is opened at once.
const SETTLED = 10_000;

// At random within a span that doubles, so that desks that lost the bridge at the
// same moment do not come back at the same moment.
export function backOff(failures: number, random: () => number): number {
    return failures === 0
        ? 0 : Math.round(random() * Math.min(30_000, 500 * 2 ** failures));
}

export interface StreamEnd {
    why: 'ended' | 'lost' | 'refused';
    status?: number;
    // Milliseconds that the bridge asked for.
    retry?: number | undefined;
}

export interface StreamHooks {
    // id: the cursor behind this event, '' before the stream said any.
    event(name: string, data: unknown, id: string): void;
    state(state: StreamState): void;
    // An access that is gone: the account list has to be read again.
    refused(status: number): void;
    // Says that all up to the cursor is dealt with; may fail.
    acknowledge(cursor: string): Promise<unknown>;
}

export interface StreamOptions {
    base: string;
    // The GMs of a gm stream.
    accounts: readonly string[];
    // The game server of a gs stream, which has no accounts.
    host?: string;
    online: boolean;
    // False: somebody else acknowledges, or nobody does. Asked for each event: a role
    // may change while the stream is open.
    acks(): boolean;
    cursor: string;
    fetcher: typeof fetch;
    random?: () => number;
    silence?: number;
    // Milliseconds since 1970.
    now?: () => number;
}

export class Stream {
    cursor: string;
    private failures = 0;
    private stopped = false;
    private abort: AbortController | undefined;
    private wake: (() => void) | undefined;
    private ackTimer: ReturnType<typeof setTimeout> | undefined;
    private toAck = '';
    // When something came last, or was asked for; 0 where no connection is open.
    private heard = 0;
    private readonly silence: number;
    private readonly now: () => number;

    constructor(
        private readonly options: StreamOptions,
        private readonly hooks: StreamHooks,
    ) {
        this.cursor = options.cursor;
        this.silence = options.silence ?? SILENCE;
        this.now = options.now ?? Date.now;
    }

    start(): void {
        void this.run();
    }

    stop(): void {
        this.stopped = true;
        clearTimeout(this.ackTimer);
        this.abort?.abort();
        this.wake?.();
    }

    // Ends a pause: the network is there again.
    kick(): void {
        this.failures = 0;
        this.wake?.();
    }

    // The network is gone, which a connection that says nothing would not notice.
    drop(): void {
        this.abort?.abort();
    }

    // No timer runs while a machine sleeps: after it the clock says that too long
    // nothing came, and the connection may be one that only this side has.
    check(): void {
        if (this.heard !== 0 && this.now() - this.heard > this.silence) {
            this.abort?.abort();
        }
    }

    // A list that is too long for a request line goes into a body.
    private request(headers: Record<string, string>): [string, RequestInit] {
        const { base, accounts, host, online } = this.options;
        const list = accounts.join(',');
        const params = {
            action: 'stream',
            host,
            gm_account: host === undefined ? list : undefined,
            online: online ? '1' : undefined,
        };

        if (list.length < LONG_LIST) {
            return [`${base}?${queryOf(params)}`, { method: 'GET', headers }];
        }
        return [base, {
            method: 'POST',
            headers: {
                ...headers,
                'Content-Type': 'application/json',
                'X-GMChat': '1',
            },
            body: JSON.stringify(params),
        }];
    }

    private async run(): Promise<void> {
        while (!this.stopped) {
            this.hooks.state('connecting');
            const began = this.now();
            const end = await this.attach();

            if (this.stopped) {
                return;
            }
            if (this.now() - began > SETTLED) {
                this.failures = 0;
            }
            await this.pause(end);
        }
    }

    private async pause(end: StreamEnd): Promise<void> {
        const random = this.options.random ?? Math.random;
        // What the bridge asks for is meant once: where streams end again and again,
        // the pause has to grow.
        let ms = Math.max(end.retry ?? 0, backOff(this.failures, random));

        if (end.why === 'refused') {
            ms = REFUSED_PAUSE;
            this.hooks.state('refused');
            this.hooks.refused(end.status ?? 0);
        } else {
            this.hooks.state('away');
        }
        this.failures++;
        await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, ms);

            this.wake = () => {
                clearTimeout(timer);
                resolve();
            };
        });
        this.wake = undefined;
    }

    private async attach(): Promise<StreamEnd> {
        const abort = new AbortController();
        const headers: Record<string, string> = { Accept: 'text/event-stream' };

        if (this.cursor !== '') {
            headers['Last-Event-ID'] = this.cursor;
        }
        let timer: ReturnType<typeof setTimeout> | undefined;
        const heard = () => {
            this.heard = this.now();
            clearTimeout(timer);
            timer = setTimeout(() => abort.abort(), this.silence);
        };

        this.abort = abort;
        abort.signal.addEventListener('abort', () => clearTimeout(timer));
        heard();
        try {
            const [url, init] = this.request(headers);
            const response = await this.options.fetcher(url, {
                ...init,
                cache: 'no-store',
                credentials: 'same-origin',
                redirect: 'error',
                signal: abort.signal,
            });

            if (response.status !== 200 || response.body === null) {
                return this.refusal(response.status);
            }
            return await this.read(response.body, heard);
        } catch {
            return { why: 'lost' };
        } finally {
            this.heard = 0;
            abort.abort();
        }
    }

    private refusal(status: number): StreamEnd {
        // A cursor that the bridge does not take would be refused for ever.
        if (status === 400 && this.cursor !== '') {
            this.cursor = '';
            return { why: 'lost' };
        }
        return status >= 400 && status < 500 && status !== 429
            ? { why: 'refused', status } : { why: 'lost', status };
    }

    private async read(body: ReadableStream<Uint8Array>, heard: () => void):
        Promise<StreamEnd>
    {
        const reader = body.getReader();
        const decoder = new TextDecoder();
        const parser = new SseParser();

        for (;;) {
            const { done, value } = await reader.read();

            if (done) {
                return { why: 'ended', retry: parser.retry };
            }
            heard();
            for (const event of
                parser.feed(decoder.decode(value, { stream: true })))
            {
                this.take(event);
            }
        }
    }

    private take(event: SseEvent): void {
        if (this.stopped) {
            return;
        }
        if (event.name === 'open') {
            this.hooks.state('live');
        }
        try {
            this.hooks.event(event.name, JSON.parse(event.data), event.id);
        } catch (error) {
            // Else this event would come again and again, and none behind it.
            fault(error);
        }
        if (event.id !== '') {
            this.cursor = event.id;
        }
        if (KEPT.has(event.name) && this.options.acks()) {
            this.toAck = event.id;
            this.ackTimer ??= setTimeout(() => void this.ack(), ACK_AFTER);
        }
    }

    // One at a time; what comes meanwhile is covered by the next one.
    private async ack(): Promise<void> {
        const cursor = this.toAck;

        try {
            await this.hooks.acknowledge(cursor);
        } catch {
            // What is not acknowledged comes again, and is known then.
        }
        this.ackTimer = this.toAck === cursor || this.stopped
            ? undefined : setTimeout(() => void this.ack(), ACK_AFTER);
    }
}
