// What people choose for this browser, whoever they are.

import { effect, signal, type Signal } from '@preact/signals';
import { Kept, type Storage } from './store/kept.js';

const CHOICES = {
    language: ['auto', 'en', 'zh'],
    theme: ['auto', 'light', 'dark'],
} as const;

export interface Settings {
    language: Signal<typeof CHOICES.language[number]>;
    theme: Signal<typeof CHOICES.theme[number]>;
    title: Signal<boolean>;
    sound: Signal<boolean>;
    desktop: Signal<boolean>;
    // Do keys without Alt do something?
    singleKeys: Signal<boolean>;
}

export const settings: Settings = {
    language: signal('auto'),
    theme: signal('auto'),
    title: signal(true),
    sound: signal(true),
    desktop: signal(false),
    singleKeys: signal(true),
};

// Reads what was kept, and keeps what is changed from now on.
export function keepSettings(storage: Storage | undefined): void {
    const kept = new Kept(storage, 'gmchat-settings:');

    for (const [name, one] of Object.entries(settings) as
        [string, Signal<unknown>][])
    {
        const value = kept.get(name, one.peek());
        const choices: readonly unknown[] | undefined =
            CHOICES[name as keyof typeof CHOICES];

        if (choices === undefined || choices.includes(value)) {
            one.value = value;
        }
        effect(() => kept.set(name, one.value));
    }
}
