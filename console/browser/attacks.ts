// What a page of another site can try. All of it runs in that page; what it gives is
// what could be read of the answers: of a bridge that is safe, nothing.

import type { Page } from 'playwright-core';

export interface Call {
    // Where the endpoint is, whole.
    url: string;
    params: Record<string, string>;
}

// Milliseconds for what may never be answered.
const PATIENCE = 3000;

// Makes the call in every way that a page has.
export async function attack(page: Page, call: Call): Promise<string[]> {
    const ways = [byFetch, byElements, byForms, byStreams];

    return (await Promise.all(ways.map((way) =>
        page.evaluate(way, { ...call, patience: PATIENCE })))).flat();
}

type Order = Call & { patience: number };

async function byFetch({ url, params, patience }: Order): Promise<string[]> {
    const query = `${url}?${new URLSearchParams(params)}`;
    const json = JSON.stringify(params);
    const form = () => new URLSearchParams(params);
    const header = { 'X-GMChat': '1' };
    const tries: [string, string, RequestInit][] = [];
    const read: string[] = [];

    for (const credentials of ['include', 'omit'] as const) {
        for (const mode of ['cors', 'no-cors'] as const) {
            const get: RequestInit = { credentials, mode };
            const post = { ...get, method: 'POST' };
            const name = `${mode} ${credentials}`;

            tries.push([`GET ${name}`, query, get],
                [`form ${name}`, url, { ...post, body: form() }],
                [`text ${name}`, url, { ...post, body: json }],
                [`query ${name}`, query, post]);
        }
        const post = { credentials, method: 'POST' };

        tries.push([`PUT ${credentials}`, query, { ...post, method: 'PUT' }],
            [`header ${credentials}`, url,
                { ...post, headers: header, body: form() }],
            [`json ${credentials}`, url, { ...post, body: json,
                headers: { ...header, 'Content-Type': 'application/json' } }]);
    }
    await Promise.all(tries.map(async ([name, to, init]) => {
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(), patience);

        try {
            const response = await fetch(to, { ...init, signal: stop.signal });

            if (response.type !== 'opaque') {
                read.push(`${name}: ${response.status}`);
            }
        } catch {
            // Which is how it should be.
        } finally {
            clearTimeout(timer);
        }
    }));
    navigator.sendBeacon(url, form());
    navigator.sendBeacon(url, json);
    navigator.sendBeacon(query);
    return read;
}

async function byElements({ url, params, patience }: Order): Promise<string[]> {
    const src = `${url}?${new URLSearchParams(params)}`;
    const read: string[] = [];
    const add = async (name: string, set: Record<string, string>) => {
        const element = document.createElement(name);

        for (const [attribute, value] of Object.entries(set)) {
            element.setAttribute(attribute, value);
        }
        await new Promise<unknown>((resolve) => {
            element.onload = resolve;
            element.onerror = resolve;
            setTimeout(resolve, patience);
            document.body.append(element);
        });
        if (element instanceof HTMLIFrameElement) {
            try {
                const inside = element.contentWindow?.document.body.innerText;

                read.push(...inside ? [`iframe: ${inside}`] : []);
            } catch {
                // Of another origin.
            }
        }
        element.remove();
    };

    await Promise.all([
        add('img', { src }),
        add('img', { src, crossorigin: 'use-credentials' }),
        add('script', { src }),
        add('link', { rel: 'stylesheet', href: src }),
        add('iframe', { src }),
    ]);
    return read;
}

// Into a frame of its own each.
async function byForms({ url, params, patience }: Order): Promise<string[]> {
    const json = JSON.stringify(params);
    const forms = [
        ['application/x-www-form-urlencoded', params],
        ['multipart/form-data', params],
        // {"action":"send",...,"x":"="}
        ['text/plain', { [`${json.slice(0, -1)},"x":"`]: '"}' }],
    ] as const;

    await Promise.all(forms.map(async ([enctype, fields], place) => {
        const frame = document.createElement('iframe');
        const form = document.createElement('form');

        frame.name = `${Math.random()}-${place}`;
        document.body.append(frame);
        form.method = 'post';
        form.action = url;
        form.enctype = enctype;
        form.target = frame.name;
        for (const [name, value] of Object.entries(fields)) {
            const field = document.createElement('input');

            field.type = 'hidden';
            field.name = name;
            field.value = value;
            form.append(field);
        }
        document.body.append(form);
        await new Promise<unknown>((resolve) => {
            frame.onload = resolve;
            setTimeout(resolve, patience);
            form.submit();
        });
        form.remove();
        frame.remove();
    }));
    return [];
}

// A WebSocket's handshake is a GET, which a server may take for a call.
async function byStreams({ url, params, patience }: Order): Promise<string[]> {
    const query = `${url}?${new URLSearchParams(params)}`;
    const read: string[] = [];
    const sources = [true, false].map((withCredentials) =>
        new Promise<void>((resolve) => {
            const source = new EventSource(query, { withCredentials });
            const end = () => {
                source.close();
                resolve();
            };

            source.onopen = () => {
                read.push('EventSource');
                end();
            };
            source.onerror = end;
            setTimeout(end, patience);
        }));
    const socket = new Promise<void>((resolve) => {
        const one = new WebSocket(query.replace(/^http/, 'ws'));

        one.onopen = () => {
            read.push('WebSocket');
            one.send(JSON.stringify(params));
        };
        one.onmessage = (event) => read.push(`frame: ${event.data}`);
        one.onclose = () => resolve();
        setTimeout(() => one.close(), patience);
    });

    await Promise.all([...sources, socket]);
    return read;
}

// Opens the console in a window and in a frame, and speaks to both.
export function clickjack(page: Page, url: string): Promise<string[]> {
    return page.evaluate(async (to) => {
        const read: string[] = [];
        const frame = document.createElement('iframe');
        const loaded = new Promise((resolve) => {
            frame.onload = resolve;
        });

        frame.src = to;
        document.body.append(frame);
        await loaded;
        window.onmessage = (event) => read.push(`message: ${event.data}`);

        const opened = window.open(to);
        const isStillEmpty = () => {
            try {
                return opened?.location.href === 'about:blank';
            } catch {
                return false;
            }
        };

        while (isStillEmpty()) {
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
        for (const other of [frame.contentWindow, opened]) {
            for (const message of ['send', { action: 'send', uid: '710001' },
                { type: 'getState' }])
            {
                other?.postMessage(message, '*');
            }
            try {
                read.push(`document: ${other?.document.title}`);
            } catch {
                // Of another origin.
            }
        }
        return read;
    }, url);
}
