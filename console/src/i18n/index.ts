// Which words: those of the browser's languages, or the ones that were chosen.

import { computed, type ReadonlySignal } from '@preact/signals';
import { settings } from '../settings.js';
import { en, type Words } from './en.js';
import { zh } from './zh.js';

export type { Words } from './en.js';

export const LANGUAGES = { en, zh } as const;
export type Language = keyof typeof LANGUAGES;

// The first of the browser's languages that is there.
export function chooseLanguage(wanted: readonly string[]): Language {
    for (const tag of wanted) {
        const language = tag.toLowerCase().split('-')[0];

        if (language === 'en' || language === 'zh') {
            return language;
        }
    }
    return 'en';
}

export const language: ReadonlySignal<Language> = computed(() =>
    settings.language.value === 'auto'
        ? chooseLanguage(globalThis.navigator?.languages ?? [])
        : settings.language.value);

// For Intl and for the attribute lang.
export const locale: ReadonlySignal<string> = computed(() =>
    language.value === 'zh' ? 'zh-CN' : 'en-GB');

export const words: ReadonlySignal<Words> = computed(() =>
    LANGUAGES[language.value]);
