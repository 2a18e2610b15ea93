// Who plays: the game servers and their players, with the numbers of gmchat-demo.

export interface Person {
    uid: string;
    host: string;
    // '' for one whom a GM added, and who is not of the cast.
    name: string;
}

export const HOSTS = ['1001', '1002', '1003'] as const;

export const CAST: readonly Person[] = [
    { host: '1001', uid: '710001', name: 'Anna' },
    { host: '1001', uid: '710002', name: 'Aki' },
    { host: '1001', uid: '710003', name: 'Arun' },
    { host: '1002', uid: '720001', name: 'Ben' },
    { host: '1002', uid: '720002', name: 'Bao' },
    { host: '1002', uid: '720003', name: 'Bella' },
    { host: '1003', uid: '730001', name: 'Chen' },
    { host: '1003', uid: '730002', name: 'Clara' },
    { host: '1003', uid: '730003', name: 'Cem' },
];

// One of so many colours, the same for a player each time.
export const HUES = 6;

export function hueOf(uid: string): number {
    let sum = 0;

    for (const digit of uid) {
        sum = (sum * 7 + Number(digit)) % 997;
    }
    return sum % HUES;
}
