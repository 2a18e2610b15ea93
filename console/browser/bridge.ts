// Calls of the bridge that are the test's own: a game server, and the ops chat service,
// which no operator is named for.

import { is, until } from './tap.js';

export type Params = Record<string, string | number>;

export interface Reply {
    res: number;
    errno?: number;
    error?: string;
    cursor?: string;
    id?: string;
    data?: unknown;
}

export interface Item {
    id: string;
    uid: string;
    gm_account: string;
    text?: string;
    msg?: string;
}

export class Bridge {
    // base: http://127.0.0.1:port
    constructor(readonly base: string, private readonly gsPath = '/gs',
        private readonly gmPath = '/gm') {}

    private async call(path: string, action: string, params: Params):
        Promise<Reply>
    {
        const response = await fetch(`${this.base}${path}`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ action, ...params }),
        });

        return await response.json() as Reply;
    }

    async gs(action: string, params: Params): Promise<Reply> {
        return succeeded(action, await this.call(this.gsPath, action, params));
    }

    async gm(action: string, params: Params = {}): Promise<Reply> {
        return succeeded(action, await this.call(this.gmPath, action, params));
    }

    async gmItems<T>(action: string, params: Params = {}): Promise<T[]> {
        return (await this.gm(action, { ...params, format: 'json' })).data as T[];
    }

    // A call that is made again until it succeeds: what it asks of may be away.
    async gsAgain(action: string, params: Params): Promise<Reply> {
        return await until(
            () => this.call(this.gsPath, action, params).catch(() => undefined),
            (reply) => reply?.res === 1) ?? { res: 0 };
    }

    // A player writes.
    says(uid: string, text: string): Promise<Reply> {
        return this.gs('send', { uid, text });
    }

    // What lies ready for a game server: it is not taken.
    async ready(host: string): Promise<{ items: Item[]; cursor: string }> {
        const reply = await this.gs('receive',
            { host, ack: '', limit: 1000, format: 'json' });

        return { items: reply.data as Item[], cursor: reply.cursor ?? '' };
    }

    // A game server fetches what is for its players, and says so: the texts.
    async fetches(host: string): Promise<string[]> {
        const { items, cursor } = await this.ready(host);

        if (items.length > 0) {
            await this.gs('receive', { host, ack: cursor, format: 'json' });
        }
        return items.map((item) => item.text ?? '');
    }

    // Waits until there is something to fetch, and says what it should be.
    async gets(host: string, texts: readonly string[], label: string):
        Promise<void>
    {
        await until(async () => (await this.ready(host)).items.length,
            (count) => count >= texts.length);
        is(await this.fetches(host), [...texts], label);
    }

    // All of a conversation, oldest first.
    async history(uid: string): Promise<string[]> {
        const items = await this.gmItems<Item>('history', { uid, limit: 1000 });

        return items.map((item) => item.text ?? '').reverse();
    }
}

function succeeded(action: string, reply: Reply): Reply {
    if (reply.res !== 1) {
        throw new Error(`${action}: ${JSON.stringify(reply)}`);
    }
    return reply;
}
