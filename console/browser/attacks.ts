// What a page of another site can try. All of it runs in that page.

import type { Page } from 'playwright-core';

export interface Call {
    // Where the endpoint is, whole.
    url: string;
    params: Record<string, string>;
}

// Makes the call in every way that a page has, and gives what it could read of the
// answers: of a bridge that is safe, nothing.
export function attack(page: Page, call: Call): Promise<string[]> {
    return page.evaluate(async ({ url, params }) => {
        const query = `${url}?${new URLSearchParams(params)}`;
        const json = JSON.stringify(params);
        const read: string[] = [];
        const soon = () => new Promise<void>((resolve) =>
            setTimeout(resolve, 3000));

        // ---- fetch

        const fetches: [string, string, RequestInit][] = [];

        for (const credentials of ['include', 'omit'] as const) {
            for (const mode of ['cors', 'no-cors'] as const) {
                const base: RequestInit = { credentials, mode };
                const post = { ...base, method: 'POST' };
                const name = `${mode} ${credentials}`;

                fetches.push(
                    [`GET ${name}`, query, base],
                    [`form ${name}`, url,
                        { ...post, body: new URLSearchParams(params) }],
                    [`text ${name}`, url, { ...post, body: json }],
                    [`query ${name}`, query, post]);
            }
            fetches.push(
                [`header ${credentials}`, url, { credentials, method: 'POST',
                    headers: { 'X-GMChat': '1' },
                    body: new URLSearchParams(params) }],
                [`json ${credentials}`, url, { credentials, method: 'POST',
                    headers: { 'Content-Type': 'application/json',
                        'X-GMChat': '1' }, body: json }],
                [`PUT ${credentials}`, query, { credentials, method: 'PUT' }]);
        }
        const tried = fetches.map(async ([name, to, init]) => {
            const stop = new AbortController();
            const timer = setTimeout(() => stop.abort(), 3000);

            try {
                const response = await fetch(to,
                    { ...init, signal: stop.signal });

                if (response.type !== 'opaque') {
                    read.push(`${name}: ${response.status}`);
                }
            } catch {
                // Which is how it should be.
            } finally {
                clearTimeout(timer);
            }
        });

        // ---- elements

        const ended = (element: HTMLElement) => Promise.race([soon(),
            new Promise<void>((resolve) => {
                element.onload = () => resolve();
                element.onerror = () => resolve();
            })]);
        const add = (name: string, set: Record<string, string>) => {
            const element = document.createElement(name);

            for (const [attribute, value] of Object.entries(set)) {
                element.setAttribute(attribute, value);
            }
            const end = ended(element);

            document.body.append(element);
            return end.then(() => {
                if (element instanceof HTMLIFrameElement) {
                    let inside: string | undefined;

                    try {
                        inside = element.contentWindow?.document.body.innerText;
                    } catch {
                        // Of another origin.
                    }
                    if (inside !== undefined && inside !== '') {
                        read.push(`iframe: ${inside}`);
                    }
                }
                element.remove();
            });
        };
        const forms = [
            ['application/x-www-form-urlencoded', params],
            ['multipart/form-data', params],
            // {"action":"send",...,"x":"="}
            ['text/plain', { [`${json.slice(0, -1)},"x":"`]: '"}' }],
        ] as const;
        const submitted = forms.map(async ([enctype, fields], place) => {
            const frame = document.createElement('iframe');

            frame.name = `${Math.random()}-${place}`;
            document.body.append(frame);

            const end = ended(frame);
            const form = document.createElement('form');

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
            form.submit();
            await end;
            form.remove();
            frame.remove();
        });

        // ---- what stays open

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
                setTimeout(end, 3000);
            }));
        // Its handshake is a GET, which a server may take for a call.
        const socket = new Promise<void>((resolve) => {
            const one = new WebSocket(query.replace(/^http/, 'ws'));

            one.onopen = () => {
                read.push('WebSocket');
                one.send(json);
            };
            one.onmessage = (event) => read.push(`frame: ${event.data}`);
            one.onclose = () => resolve();
            setTimeout(() => one.close(), 3000);
        });

        navigator.sendBeacon(url, new URLSearchParams(params));
        navigator.sendBeacon(url, json);
        navigator.sendBeacon(query);
        await Promise.all([...tried, ...submitted, ...sources, socket,
            add('img', { src: query }),
            add('img', { src: query, crossorigin: 'use-credentials' }),
            add('script', { src: query }),
            add('link', { rel: 'stylesheet', href: query }),
            add('iframe', { src: query })]);
        return read;
    }, call);
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
