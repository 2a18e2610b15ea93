// What goes over the wire, as the programmer of a game server sees it: the last
// calls with their replies, and the last events.

import { signal, type Signal } from '@preact/signals';

export interface WireEntry {
    key: number;
    at: number;
    host: string;
    kind: 'call' | 'event';
    // The action, or the event's name.
    name: string;
    method: string;
    // As it was called: relative to the page.
    url: string;
    headers: readonly (readonly [string, string])[];
    // What was sent; of an event nothing.
    body: string;
    // Of an event 0; of a call without an answer (yet) as well.
    status: number;
    // Milliseconds to the answer.
    took: number;
    // The reply, or the event's data.
    text: string;
    // Of an event: the cursor.
    id: string;
    state: 'waiting' | 'done' | 'refused' | 'lost';
}

const MOST = 150;

// Members that say what it is about.
const GIST: ReadonlySet<string> = new Set(['uid', 'text', 'change', 'gm_name',
    'gm_account', 'gm_accounts', 'cursor', 'of']);

// What a game server needs of the headers.
const SHOWN = ['Accept', 'Content-Type', 'Last-Event-ID'];

function headersOf(init: RequestInit): [string, string][] {
    const headers = new Headers(init.headers);

    return SHOWN.flatMap((name): [string, string][] => {
        const value = headers.get(name);

        return value === null ? [] : [[name, value]];
    });
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

function actionOf(url: string, body: string): string {
    const query = new URLSearchParams(url.split('?')[1] ?? '');

    return query.get('action') ??
        (parsed(body) as { action?: string } | undefined)?.action ?? '';
}

export class Wire {
    // The newest first.
    readonly entries: Signal<readonly WireEntry[]> = signal([]);
    private last = 0;

    constructor(
        private readonly fetcher: typeof fetch,
        private readonly now: () => number,
    ) {}

    // A fetch whose calls are shown as those of a host.
    fetcherOf(host: string): typeof fetch {
        return (url, init) => this.call(host, String(url), init ?? {});
    }

    event(host: string, name: string, data: unknown, id: string): void {
        this.put({
            host, kind: 'event', name, id, state: 'done',
            method: '', url: '', headers: [], body: '', status: 0, took: 0,
            text: JSON.stringify(data),
        });
    }

    clear(): void {
        this.entries.value = [];
    }

    private put(entry: Omit<WireEntry, 'key' | 'at'>): number {
        const key = ++this.last;

        this.entries.value =
            [{ ...entry, key, at: this.now() }, ...this.entries.peek()]
                .slice(0, MOST);
        return key;
    }

    private change(key: number, change: Partial<WireEntry>): void {
        this.entries.value = this.entries.peek().map(
            (one) => one.key === key ? { ...one, ...change } : one);
    }

    private async call(host: string, url: string, init: RequestInit):
        Promise<Response>
    {
        const began = this.now();
        const body = typeof init.body === 'string' ? init.body : '';
        const key = this.put({
            host, kind: 'call', name: actionOf(url, body), id: '',
            state: 'waiting', method: init.method ?? 'GET', url,
            headers: headersOf(init), body, status: 0, took: 0, text: '',
        });

        try {
            const response = await this.fetcher(url, init);
            const refused = response.status !== 200;

            this.change(key, {
                status: response.status,
                took: this.now() - began,
                state: refused ? 'refused' : 'done',
            });
            if (!isStream(response)) {
                void this.note(key, response.clone());
            }
            return response;
        } catch (error) {
            this.change(key, { state: 'lost', took: this.now() - began });
            throw error;
        }
    }

    // A reply of HTTP status 200 may be a refusal.
    private async note(key: number, response: Response): Promise<void> {
        try {
            const text = (await response.text()).trim();
            const refused = response.status !== 200 ||
                (parsed(text) as { res?: number } | undefined)?.res !== 1;

            this.change(key, { text, state: refused ? 'refused' : 'done' });
        } catch {
            this.change(key, { state: 'lost' });
        }
    }
}

function isStream(response: Response): boolean {
    return response.headers.get('Content-Type')
        ?.startsWith('text/event-stream') === true;
}

// Of a refusal.
export function errnoOf(entry: WireEntry): number | undefined {
    return (parsed(entry.text) as { errno?: number } | undefined)?.errno;
}

// What a call or event is about, in a few words: its texts and numbers.
export function gistOf(entry: WireEntry): string {
    const about = parsed(entry.kind === 'call' ? entry.body : entry.text);

    if (typeof about !== 'object' || about === null) {
        return '';
    }
    return Object.entries(about)
        .filter(([name]) => GIST.has(name))
        .map(([, value]) => String(value))
        .filter((value) => value !== '')
        .join(' ');
}

function quoted(word: string): string {
    return `'${word.replace(/'/g, `'\\''`)}'`;
}

// For a terminal of this machine. page: the address of this page.
export function curlOf(entry: WireEntry, page: string): string {
    const streams = entry.headers.some(([, value]) =>
        value === 'text/event-stream');

    return [
        streams ? 'curl -N' : 'curl',
        quoted(new URL(entry.url, page).href),
        ...entry.headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
        ...entry.body === '' ? [] : [`-d ${quoted(entry.body)}`],
    ].join(' ');
}

// An event as the stream has it.
export function sourceOf(entry: WireEntry): string {
    const id = entry.id === '' ? '' : `id: ${entry.id}\n`;

    return `event: ${entry.name}\n${id}data: ${entry.text}\n`;
}

export interface Piece {
    kind: 'key' | 'text' | 'value' | 'sign';
    text: string;
}

// A string and whether it names a member; a number or a word; signs and spaces.
const PIECE = new RegExp([
    '("(?:[^"\\\\]|\\\\.)*")(:)?',
    '(-?[\\d.]+(?:[eE][+-]?\\d+)?|true|false|null)',
    '[^"\\d\\-tfn]+',
].join('|'), 'g');

// JSON on lines of its own, cut where colours change; other text as it is.
export function piecesOf(text: string): Piece[] {
    const value = parsed(text);

    if (value === undefined) {
        return text === '' ? [] : [{ kind: 'text', text }];
    }
    const source = JSON.stringify(value, null, 2);
    const pieces: Piece[] = [];

    for (const [whole, string, colon, word] of source.matchAll(PIECE)) {
        if (string !== undefined) {
            pieces.push({ kind: colon === undefined ? 'text' : 'key',
                text: string });
            if (colon !== undefined) {
                pieces.push({ kind: 'sign', text: colon });
            }
        } else {
            pieces.push({ kind: word === undefined ? 'sign' : 'value',
                text: whole });
        }
    }
    return pieces;
}
