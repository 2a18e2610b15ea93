// What the page shows besides the desk's own state: the place, the dialog, the clock.

import { signal, type Signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { hashOf, parseRoute, type Route } from './route.js';
import type { Desk } from './store/desk.js';

export type DialogName = 'help' | 'settings' | 'add' | 'find';

export interface Question {
    text: string;
    yes: string;
    act(): Promise<unknown>;
}

export const route: Signal<Route> = signal({ view: 'desk' });
export const dialog: Signal<DialogName | undefined> = signal(undefined);
// The player that the dialog for adding one begins with.
export const wanted: Signal<string> = signal('');
export const question: Signal<Question | undefined> = signal(undefined);
export const said: Signal<string> = signal('');
// For what is written as a time ago.
export const now: Signal<number> = signal(Date.now());

// Counters that views watch: the keyboard asks them for something.
export const asked = {
    search: signal(0),
    compose: signal(0),
    older: signal(0),
    newest: signal(0),
};

export function go(to: Route): void {
    const hash = hashOf(to);

    if (location.hash !== hash) {
        location.hash = hash;
    }
    route.value = parseRoute(hash);
}

let silence: ReturnType<typeof setTimeout> | undefined;

// A line at the foot of the page, which screen readers speak.
export function say(text: string): void {
    said.value = text;
    clearTimeout(silence);
    silence = setTimeout(() => {
        said.value = '';
    }, 6000);
}

export const DeskContext = createContext<Desk | undefined>(undefined);

export function useDesk(): Desk {
    const desk = useContext(DeskContext);

    if (desk === undefined) {
        throw new Error('a view outside of the page');
    }
    return desk;
}

export interface PageSettings {
    api: string;
    status: string;
}

function meta(name: string, otherwise: string): string {
    return document.querySelector<HTMLMetaElement>(
        `meta[name="gmchat-${name}"]`)?.content || otherwise;
}

// What index.html says of the bridge beside it.
export function pageSettings(): PageSettings {
    return {
        api: meta('api', 'gm'),
        status: meta('status', 'status'),
    };
}

// Bytes of a message, where the bridge does not say it.
export const MESSAGE_MAX = 4096;

export const messageMax: Signal<number> = signal(MESSAGE_MAX);
