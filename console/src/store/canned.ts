// Canned replies: chosen by / and a name, with variables that the desk fills in.

import type { CannedReply } from '../types.js';

// The name that is being typed: / at the beginning, and no space yet.
export function cannedQuery(draft: string): string | undefined {
    return /^\/(\S{0,32})$/u.exec(draft)?.[1];
}

// Names that begin with the query first, then those that hold it, then texts.
export function findCanned(replies: readonly CannedReply[], query: string,
    most = 8): CannedReply[]
{
    const words = query.toLowerCase();
    const rank = (reply: CannedReply): number => {
        const name = reply.name.toLowerCase();

        if (name.startsWith(words)) {
            return 0;
        }
        if (name.includes(words)) {
            return 1;
        }
        return reply.text.toLowerCase().includes(words) ? 2 : 3;
    };

    return replies
        .map((reply) => ({ reply, rank: rank(reply) }))
        .filter((one) => one.rank < 3)
        .sort((a, b) => a.rank - b.rank ||
            (a.reply.name < b.reply.name ? -1 : 1))
        .slice(0, most)
        .map((one) => one.reply);
}

export const VARIABLES = ['player', 'host', 'gm', 'gm_account', 'date', 'time'] as
    const;

export type Variables = Record<typeof VARIABLES[number], string>;

// {player} and its like; what is no variable stays as it is.
export function fillIn(text: string, values: Variables): string {
    return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
        Object.hasOwn(values, name)
            ? values[name as keyof Variables] : whole);
}

// As the bridge takes names: 1 to 32 letters of any script, digits, _ and -.
export function isCannedName(name: string): boolean {
    return /^[\p{L}\p{N}_-]{1,32}$/u.test(name);
}
