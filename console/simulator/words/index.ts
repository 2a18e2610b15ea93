// The same choice as the console's, of the words of this page.

import { computed, type ReadonlySignal } from '@preact/signals';
import { language } from '../../src/i18n/index.js';
import { en, type SimWords } from './en.js';
import { zh } from './zh.js';

export type { SimWords } from './en.js';

export const SIM_LANGUAGES = { en, zh } as const;

export const simWords: ReadonlySignal<SimWords> = computed(() =>
    SIM_LANGUAGES[language.value]);

// Of the language in which somebody wrote, as far as its letters tell.
export function wordsFor(text: string): SimWords {
    return /[\u4e00-\u9fff]/.test(text) ? zh : simWords.peek();
}
