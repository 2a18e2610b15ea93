// What the errors of the contract mean, in words.

import type { Failure } from './api.js';
import type { Words } from './i18n/en.js';

type Key = keyof Words['errors'];

const MEANING: Readonly<Record<string, Key>> = {
    '1': 'exists',
    '2': 'noGm',
    '3': 'hasGm',
    '4': 'notFriend',
    '5': 'notFriend',
    '-1': 'notInteger',
    '-2': 'missing',
    '-3': 'malformed',
    '-4': 'full',
    '-5': 'storeAway',
    '-6': 'outcome',
    '-7': 'notAllowed',
    '-8': 'noAction',
    '-9': 'tooMany',
    '-10': 'msgid',
    '-11': 'tooLarge',
};

// action: 4 says another thing of add than of send.
export function explain(words: Words, failure: Failure, action = ''): string {
    if (failure.kind !== 'refused') {
        return words.errors[failure.kind];
    }
    if (failure.errno === null) {
        return words.errors.wasNot;
    }
    if (failure.errno === 4 && action === 'add') {
        return words.errors.noPlayer;
    }
    return words.errors[MEANING[failure.errno] ?? 'other'];
}

// The bridge's own sentence says more where the call itself is at fault.
export function detail(failure: Failure): string {
    const own = failure.errno !== null && [-1, -2, -3, -7].includes(failure.errno);

    return failure.kind === 'refused' && own ? failure.message : '';
}
