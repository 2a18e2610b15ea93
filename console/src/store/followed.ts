// Which of the accounts a desk follows: of few all of them, of many those that were
// chosen. It is kept for each operator.

import type { Kept } from './kept.js';

// More accounts than these are not followed unasked.
const MOST = 20;

// there: the accounts that this operator has now. Those that were given since the
// last time are followed as long as there is room.
export function followedOf(there: readonly string[], kept: Kept): string[] {
    const chosen = kept.get<string[] | undefined>('followed', undefined);

    if (chosen === undefined && there.length > MOST) {
        return [];
    }

    const known = kept.get<string[]>('known', chosen === undefined ? [] : [...there]);
    const followed = there.filter((one) => chosen?.includes(one) === true);

    for (const one of there) {
        if (!known.includes(one) && followed.length < MOST) {
            followed.push(one);
        }
    }
    keepFollowed(followed, there, kept);
    return followed;
}

export function keepFollowed(followed: readonly string[],
    there: readonly string[], kept: Kept): void
{
    kept.set('followed', followed);
    kept.set('known', there);
}
