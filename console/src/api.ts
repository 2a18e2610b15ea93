// Calls of the gm endpoint. What reads is a GET; what changes something is a POST
// with the header X-GMChat, which no page of another site can send.

import type {
    Account, AuditEntry, CannedReply, Friend, Host, Me, Operator, Player,
    WireMessage,
} from './types.js';
import { textOf } from './text.js';

export type Params = Record<string, string | number | undefined>;

// refused: the bridge said no, and why. unreachable: nobody answered, nothing is
// known of the call. late: it was sent and there was no answer in time.
export type FailureKind = 'refused' | 'unreachable' | 'late';

export class Failure extends Error {
    constructor(
        readonly kind: FailureKind,
        // Of the contract; null where a refusal has none.
        readonly errno: number | null,
        message: string,
        // Milliseconds that Retry-After asks for; 0 where it does not.
        readonly retryAfter = 0,
    ) {
        super(message);
    }

    // May the same call succeed later, unchanged?
    get passing(): boolean {
        return this.kind !== 'refused' || PASSING.has(this.errno);
    }
}

export function asFailure(error: unknown): Failure {
    return error instanceof Failure
        ? error : new Failure('unreachable', null, String(error));
}

const PASSING = new Set<number | null>([-4, -5, -6, -9]);

const LATE = 15_000;

export interface Reply {
    res: number;
    errno?: number;
    error?: string;
    data?: unknown;
    [member: string]: unknown;
}

export interface HistoryPage {
    messages: WireMessage[];    // newest first
    more: boolean;
}

// What nginx itself refuses has a page in the place of a reply.
function errnoOfStatus(status: number): number {
    if (status === 401 || status === 403) {
        return -7;
    }
    if (status === 404) {
        return -8;
    }
    if (status === 413) {
        return -11;
    }
    if (status === 429) {
        return -9;
    }
    if (status === 502 || status === 503) {
        return -5;
    }
    return status >= 500 ? -6 : -3;
}

export function parseReply(status: number, text: string, retryAfter: number):
    Reply
{
    let reply: Reply | undefined;

    try {
        reply = JSON.parse(text) as Reply;
    } catch {
        // Not the bridge's words: the status has to do.
    }
    if (reply === undefined || reply === null || typeof reply.res !== 'number') {
        throw new Failure('refused', errnoOfStatus(status),
            `HTTP ${status}`, retryAfter);
    }
    if (reply.res !== 1) {
        throw new Failure('refused', reply.errno ?? null, reply.error ?? '',
            retryAfter);
    }
    return reply;
}

export function queryOf(params: Params): string {
    const query = new URLSearchParams();

    for (const [name, value] of Object.entries(params)) {
        if (value !== undefined) {
            query.set(name, String(value));
        }
    }
    // The bridge takes a + for itself.
    return query.toString().replace(/\+/g, '%20');
}

export class Api {
    constructor(
        readonly base: string,
        private readonly fetcher: typeof fetch,
        private readonly late = LATE,
    ) {}

    get(action: string, params: Params = {}): Promise<Reply> {
        const query = queryOf({ action, ...params, format: 'json' });

        return this.call(`${this.base}?${query}`, { method: 'GET' });
    }

    post(action: string, params: Params = {}): Promise<Reply> {
        return this.call(this.base, {
            method: 'POST',
            headers: {
                'Content-Type': 'application/json',
                'X-GMChat': '1',
            },
            body: JSON.stringify({ action, ...params }),
        });
    }

    private async call(url: string, init: RequestInit): Promise<Reply> {
        const abort = new AbortController();
        let late = false;
        const timer = setTimeout(() => {
            late = true;
            abort.abort();
        }, this.late);

        try {
            const response = await this.fetcher(url, {
                ...init,
                cache: 'no-store',
                credentials: 'same-origin',
                redirect: 'error',
                signal: abort.signal,
            });
            const wait = Number(response.headers.get('Retry-After')) || 0;

            return parseReply(response.status, await response.text(),
                wait * 1000);
        } catch (error) {
            if (error instanceof Failure) {
                throw error;
            }
            throw new Failure(late ? 'late' : 'unreachable', null,
                String(error));
        } finally {
            clearTimeout(timer);
        }
    }

    private async list<T>(action: string, params: Params = {}): Promise<T[]> {
        const { data } = await this.get(action, params);

        return Array.isArray(data) ? data as T[] : [];
    }

    async me(): Promise<Me> {
        const [me] = await this.list<Me>('me');

        return me ?? { role: 'none', gm_accounts: [] };
    }

    accounts(): Promise<Account[]> {
        return this.list('accounts');
    }

    friends(gm: string): Promise<Friend[]> {
        return this.list('friends', { gm_account: gm });
    }

    async history(uid: string, before: string, limit: number):
        Promise<HistoryPage>
    {
        const reply = await this.get('history',
            { uid, before: before || undefined, limit });

        return {
            messages: Array.isArray(reply.data)
                ? reply.data as WireMessage[] : [],
            more: reply['more'] === true,
        };
    }

    async player(uid: string): Promise<Player | undefined> {
        const [player] = await this.list<Player>('player', { uid });

        return player;
    }

    async canned(): Promise<CannedReply[]> {
        const list = await this.list<{ name: string; text?: string; msg?: string }>(
            'canned');

        return list.map((one) => ({ name: one.name, text: textOf(one) }));
    }

    hosts(): Promise<Host[]> {
        return this.list('hosts');
    }

    operators(): Promise<Operator[]> {
        return this.list('operators');
    }

    audit(before: string, limit: number): Promise<AuditEntry[]> {
        return this.list('audit', { before: before || undefined, limit });
    }
}
