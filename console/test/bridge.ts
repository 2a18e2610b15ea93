// A desk and a bridge that answers its calls; a stream is opened and stays silent.

import { Api } from '../src/api.js';
import { Desk } from '../src/store/desk.js';
import type { StreamMessage, WireMessage } from '../src/types.js';

export interface Call {
    method: string;
    action: string;
    params: Record<string, string>;
    headers: Headers;
}

export type Answers = Record<string, (call: Call) => unknown>;

function callOf(url: string, init: RequestInit): Call {
    const params = init.method === 'POST'
        ? JSON.parse(String(init.body)) as Record<string, string>
        : Object.fromEntries(new URL(url, 'http://x').searchParams);

    return {
        method: init.method ?? 'GET',
        action: params['action'] ?? '',
        params,
        headers: new Headers(init.headers),
    };
}

// An answer may be a promise: a reply that is on its way.
export function deskOf(answers: Answers) {
    const calls: Call[] = [];
    const notified: string[] = [];
    const failed: string[] = [];
    const seen = { now: true };
    const clock = { now: 5000 };
    let last = 0;
    const fetcher = (async (url: string, init: RequestInit) => {
        const call = callOf(url, init);

        calls.push(call);
        if (call.action === 'stream') {
            return new Response(new ReadableStream(), { status: 200 });
        }
        const answer = await (answers[call.action] ??
            (() => ({ res: 1, data: [] })))(call);

        return new Response(JSON.stringify(answer), { status: 200 });
    }) as typeof fetch;
    const desk = new Desk({
        api: new Api('/gm', fetcher),
        fetcher,
        local: undefined,
        session: undefined,
        msgid: () => `id-${++last}`,
        now: () => clock.now,
        sleep: async () => undefined,
        notify: (message) => { notified.push(message.uid); },
        failed: (message) => { failed.push(message.uid); },
        isSeen: () => seen.now,
    });

    return { desk, calls, notified, failed, seen, clock };
}

export const MESSAGE = (n: number, dir: 'to_gm' | 'to_player' = 'to_gm'): WireMessage => ({
    id: `9-${n}`, dir, gm_account: '5001', text: `m${n}`, ts: 1000 + n,
});

export const EVENT = (n: number, uid = '71'): StreamMessage => ({
    id: `9-${n}`, uid, gm_account: '5001', text: `m${n}`, ts: 1000 + n,
});

export const BRIDGE: Answers = {
    me: () => ({ res: 1, data: [{ operator: 'ann', role: 'gm',
        gm_accounts: ['5001'] }] }),
    accounts: () => ({ res: 1, data: [{ gm_account: '5001', name: 'Iris',
        online: false, friends: 1 }] }),
    friends: () => ({ res: 1, data: [
        { uid: '71', host: '1', since: 1, undelivered: 0, last: MESSAGE(1),
            unread: 1, silent: false, waiting_since: 1001 },
        { uid: '72', host: '2', since: 2, undelivered: 0, unread: 0,
            silent: false, last: null },
    ] }),
    history: () => ({ res: 1, data: [MESSAGE(1)], more: false }),
    send: () => ({ res: 1, id: '8-1', host_silent: true }),
    read: () => ({ res: 1 }),
    online: () => ({ res: 1 }),
    offline: () => ({ res: 0 }),
};

export const settled = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));

// A reply that comes when it is told to.
export function held<T>() {
    let answer!: (reply: T) => void;
    const reply = new Promise<T>((resolve) => { answer = resolve; });

    return { reply, answer };
}

// Turns of the event loop until it holds; what never does fails the test.
export async function until(holds: () => boolean): Promise<void> {
    const end = Date.now() + 10_000;

    while (!holds()) {
        if (Date.now() > end) {
            throw new Error(`never: ${holds.toString()}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
    }
}
