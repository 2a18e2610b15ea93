// A bridge for the simulator's tests: streams are spoken by hand, calls are answered
// by what is put in `answers`, else with success.

import type { Storage } from '../src/store/kept.js';
import { World, type WorldOptions } from '../simulator/world.js';

export interface Asked {
    url: string;
    body: Record<string, string>;
    cursor: string | null;
}

export function memory(): Storage & { all: Map<string, string> } {
    const all = new Map<string, string>();

    return {
        all,
        getItem: (key) => all.get(key) ?? null,
        setItem: (key, value) => void all.set(key, value),
        removeItem: (key) => void all.delete(key),
    };
}

export class Bridge {
    readonly asked: Asked[] = [];
    // To a call of this action; taken in order.
    readonly answers: { action: string; status?: number; reply: unknown }[] = [];
    private readonly open =
        new Map<string, ReadableStreamDefaultController<Uint8Array>>();
    private sent = 0;

    readonly fetch = (async (input: RequestInfo | URL, init: RequestInit = {}) => {
        const url = String(input);
        const body = typeof init.body === 'string'
            ? JSON.parse(init.body) as Record<string, string> : {};

        this.asked.push({
            url, body, cursor: new Headers(init.headers).get('Last-Event-ID'),
        });
        if (url.includes('action=stream')) {
            return this.stream(/host=(\d+)/.exec(url)![1]!, init.signal);
        }
        return this.answer(body['action'] ?? '');
    }) as typeof fetch;

    // Says an event on the stream of a host.
    say(host: string, name: string, data: unknown, id = ''): void {
        const cursor = id === '' ? '' : `id: ${id}\n`;

        this.open.get(host)!.enqueue(new TextEncoder().encode(
            `event: ${name}\n${cursor}data: ${JSON.stringify(data)}\n\n`));
    }

    isOpen(host: string): boolean {
        return this.open.has(host);
    }

    calls(action: string): Record<string, string>[] {
        return this.asked.map((one) => one.body)
            .filter((body) => body['action'] === action);
    }

    cursorsOf(host: string): (string | null)[] {
        return this.asked.filter((one) => one.url.includes(`host=${host}`))
            .map((one) => one.cursor);
    }

    private stream(host: string, signal: AbortSignal | null | undefined): Response {
        const body = new ReadableStream<Uint8Array>({
            start: (control) => {
                this.open.set(host, control);
                signal?.addEventListener('abort', () => {
                    if (this.open.get(host) === control) {
                        this.open.delete(host);
                    }
                    try {
                        control.error(new Error('aborted'));
                    } catch {
                        // It had ended.
                    }
                });
            },
        });

        setTimeout(() => {
            if (this.isOpen(host)) {
                this.say(host, 'open', { stream: '6f' });
            }
        });
        return new Response(body,
            { headers: { 'Content-Type': 'text/event-stream' } });
    }

    private answer(action: string): Response {
        const at = this.answers.findIndex((one) => one.action === action);
        const [found] = at < 0 ? [] : this.answers.splice(at, 1);
        const reply = found?.reply ??
            (action === 'send' ? { res: 1, id: `9-${++this.sent}` } : { res: 1 });

        return new Response(JSON.stringify(reply), {
            status: found?.status ?? 200,
            headers: { 'Content-Type': 'application/json; charset=utf-8' },
        });
    }
}

let tabs = 0;

export function worldOf(bridge: Bridge, more: Partial<WorldOptions> = {}): World {
    const tab = ++tabs;
    let last = 0;

    return new World({
        base: 'gs',
        fetcher: bridge.fetch,
        storage: memory(),
        msgid: () => `player-${tab}-${++last}`,
        now: () => 1_000_000,
        sleep: async () => undefined,
        ...more,
    });
}

// Until it is so; a test that waits in vain fails.
export async function until(so: () => boolean): Promise<void> {
    for (const end = Date.now() + 10_000; !so();) {
        if (Date.now() > end) {
            throw new Error(`never: ${String(so)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
    }
}

export const stopAll = (world: World) =>
    Promise.all(world.servers.map((server) => server.end()));

export const apply = (uid: string, n: number) => ({
    id: `1-${n}`, uid, change: 'apply', gm_account: '5001', gm_name: 'Iris',
});

export const message = (uid: string, n: number, text: string) => ({
    id: `2-${n}`, uid, gm_account: '5001', text, ts: 999_000,
});
