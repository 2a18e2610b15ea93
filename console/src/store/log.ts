// One conversation as far as it is known here: a run of messages without a gap, oldest
// first, the newest at its end. The order is the one of history; no clock decides.

import type { Direction, WireMessage } from '../types.js';
import { textOf } from '../text.js';

export interface Message {
    // Of a list of messages: stays when a message that was sent gets its id.
    key: string;
    id: string;
    dir: Direction;
    gm: string;
    text: string;
    ts: number;
    // Of what GMs wrote: did the game server acknowledge it? Not known: undefined.
    delivered: boolean | undefined;
}

export interface Log {
    messages: readonly Message[];
    // Is there something older in the store?
    more: boolean;
    // Was history read? Else what stands here is live messages alone.
    loaded: boolean;
    // keyOf the newest message that a page of history held: up to it nothing is
    // missing, whatever was not heard of. '' for none.
    sure: string;
}

export const EMPTY: Log = { messages: [], more: true, loaded: false, sure: '' };

// Ids of the two directions are of two mailboxes.
export function keyOf(message: { dir: Direction; id: string }): string {
    return `${message.dir}:${message.id}`;
}

export function fromWire(wire: WireMessage): Message {
    return {
        key: keyOf(wire),
        id: wire.id,
        dir: wire.dir,
        gm: wire.gm_account,
        text: textOf(wire),
        ts: wire.ts,
        delivered: wire.delivered,
    };
}

function known(log: Log): Map<string, number> {
    return new Map(log.messages.map((message, at) => [keyOf(message), at]));
}

// A message came, or one that was sent here is stored now.
export function append(log: Log, message: Message): Log {
    if (log.messages.some((one) => keyOf(one) === keyOf(message))) {
        return log;
    }
    return { ...log, messages: [...log.messages, message] };
}

// What stands behind the oldest message of the log. page: newest first.
export function prepend(log: Log, page: readonly WireMessage[], more: boolean):
    Log
{
    const at = known(log);
    const older = page.map(fromWire).filter((one) => !at.has(keyOf(one)));

    return { ...log, messages: [...older.reverse(), ...log.messages], more };
}

export interface Page {
    messages: readonly WireMessage[];   // newest first
    more: boolean;
}

// The newest page was read (again). asked: the log as it was when the page was asked
// for; what came since may be behind the page. doubt: something may have been missed,
// so that a page which does not reach back to what is sure takes the place of all.
export function refresh(log: Log, page: Page, asked = log, doubt = false): Log {
    const old = known(log);
    const fresh = page.messages.map((wire) => {
        const message = fromWire(wire);
        const at = old.get(keyOf(message));

        return at === undefined ? message : merged(log.messages[at]!, message);
    }).reverse();
    const inPage = new Set(fresh.map(keyOf));
    const next = {
        loaded: true,
        sure: fresh.length > 0 ? keyOf(fresh.at(-1)!) : log.sure,
    };
    const shared = log.messages.findIndex((one) => inPage.has(keyOf(one)));
    const before = known(asked);
    // Replies and events overtake one another: one that the page lacks may stand in
    // front of one that it has.
    const since = (message: Message) =>
        !before.has(keyOf(message)) && !inPage.has(keyOf(message));

    if (shared < 0 || (doubt && page.more && !inPage.has(log.sure))) {
        // Nothing in common: more came than a page holds, or all is new here.
        return {
            messages: [...fresh, ...log.messages.filter(since)],
            more: page.more,
            ...next,
        };
    }

    let last = log.messages.length - 1;

    while (!inPage.has(keyOf(log.messages[last]!))) {
        last--;
    }
    const older = log.loaded ? log.messages.slice(0, shared) : [];

    return {
        messages: [...older, ...fresh,
            ...log.messages.slice(shared, last + 1).filter(since),
            ...log.messages.slice(last + 1)],
        more: older.length > 0 ? log.more : page.more,
        ...next,
    };
}

// Under the key that the view has. A page may be older than what is known.
function merged(old: Message, message: Message): Message {
    return {
        ...message,
        key: old.key,
        delivered: old.delivered === true || message.delivered,
    };
}

// Since when the player waits for this GM, by the log; 0: the GM wrote last. Where
// that lies before all that is known: undefined.
export function waitingSince(log: Log, gm: string): number | undefined {
    let since = 0;

    for (let at = log.messages.length - 1; at >= 0; at--) {
        const message = log.messages[at]!;

        if (message.dir === 'to_player' || message.gm !== gm) {
            return since;
        }
        since = message.ts;
    }
    return log.more ? undefined : since;
}

// Messages of the player behind the marker; all of them where it is not in the log.
export function unreadAfter(log: Log, marker: string): number {
    let count = 0;

    for (let at = log.messages.length - 1; at >= 0; at--) {
        const message = log.messages[at]!;

        if (message.id === marker) {
            break;
        }
        if (message.dir === 'to_gm') {
            count++;
        }
    }
    return count;
}

export function newestOf(log: Log, dir?: Direction): Message | undefined {
    for (let at = log.messages.length - 1; at >= 0; at--) {
        if (dir === undefined || log.messages[at]!.dir === dir) {
            return log.messages[at];
        }
    }
    return undefined;
}

// Has something that a game server may yet acknowledge?
export function isWaiting(log: Log): boolean {
    return log.messages.some((one) =>
        one.dir === 'to_player' && one.delivered === false);
}
