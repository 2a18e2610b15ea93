// Ids of the bridge, 'epoch-n': within one mailbox they rise.

export function compareIds(a: string, b: string): number {
    const [epochA = '', nA = ''] = a.split('-');
    const [epochB = '', nB = ''] = b.split('-');

    // A store that lost its newest writes begins a new epoch, and may give a number
    // again: the epoch decides first.
    return compareNumbers(epochA, epochB) || compareNumbers(nA, nB);
}

// Of decimal numbers without leading zeros, of any length.
export function compareNumbers(a: string, b: string): number {
    if (a.length !== b.length) {
        return a.length - b.length;
    }
    return a < b ? -1 : a > b ? 1 : 0;
}

// 1 to 19 digits, no leading zero, at most 2^63 - 1: as the bridge takes numbers.
export function isNumber(text: string): boolean {
    return /^(0|[1-9]\d{0,18})$/.test(text) &&
        compareNumbers(text, '9223372036854775807') <= 0;
}
