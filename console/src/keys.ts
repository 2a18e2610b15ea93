// The keyboard map: what the help shows is what works.

import type { Words } from './i18n/en.js';

export type Command = keyof Words['keys'];

export interface Key {
    // As KeyboardEvent has it.
    key: string;
    alt?: boolean;
    command: Command;
    // Also while something is being typed.
    typing?: boolean;
    // Shown, but done where it is typed.
    local?: boolean;
}

export const KEYS: readonly Key[] = [
    { key: '?', command: 'help' },
    { key: '/', command: 'search' },
    { key: 'j', command: 'next' },
    { key: 'ArrowDown', alt: true, command: 'next', typing: true },
    { key: 'k', command: 'previous' },
    { key: 'ArrowUp', alt: true, command: 'previous', typing: true },
    { key: 'w', command: 'waiting' },
    { key: 'w', alt: true, command: 'waiting', typing: true },
    { key: 'r', command: 'compose' },
    { key: 't', command: 'retry' },
    { key: 'x', command: 'end' },
    { key: 'a', command: 'add' },
    { key: 'f', command: 'find' },
    { key: 'o', command: 'online' },
    { key: 'u', command: 'older' },
    { key: 'e', command: 'newest' },
    { key: 'd', command: 'place' },
    { key: ',', command: 'settings' },
    { key: 'Escape', command: 'leave', typing: true },
    { key: 'Enter', command: 'send', local: true },
    { key: 'Shift+Enter', command: 'newline', local: true },
    { key: '/', command: 'canned', local: true },
];

export interface Pressed {
    key: string;
    // The place on the keyboard: with Alt some systems type another character.
    code?: string;
    altKey: boolean;
    ctrlKey: boolean;
    metaKey: boolean;
    isComposing?: boolean;
    keyCode?: number;
}

// Is this key the input method's? Safari ends a composition before the key that
// ends it, which then has the code 229.
export function isComposing(event: Pressed): boolean {
    return event.isComposing === true || event.keyCode === 229;
}

export function commandOf(event: Pressed, typing: boolean): Command | undefined {
    if (isComposing(event) || event.ctrlKey || event.metaKey) {
        return undefined;
    }
    const letter = event.altKey ? /^Key([A-Z])$/.exec(event.code ?? '') : null;
    const key = letter === null ? event.key : letter[1]!.toLowerCase();

    return KEYS.find((one) => one.local !== true && one.key === key &&
        (one.alt ?? false) === event.altKey &&
        (!typing || one.typing === true))?.command;
}

const NAMES: Readonly<Record<string, string>> = {
    ArrowDown: '↓',
    ArrowUp: '↑',
    Escape: 'Esc',
};

export function nameOf(key: Key): string {
    const name = NAMES[key.key] ?? key.key;

    return key.alt === true ? `Alt+${name}` : name;
}
