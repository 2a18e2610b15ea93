// What the list of a conversation shows: what is stored, and behind it what is on its
// way; where a day begins, and where what is new does.

import type { Failure } from '../api.js';
import { dayOf } from '../time.js';
import type { Log, Message } from './log.js';
import type { Outgoing } from './outbox.js';

export type ItemState = 'sending' | 'stored' | 'delivered' | 'failed';

export interface Item {
    key: string;
    mine: boolean;
    gm: string;
    text: string;
    ts: number;
    // Of what GMs wrote, as far as it is known.
    state: ItemState | undefined;
    failure: Failure | undefined;
    // Of what failed: '' for all else.
    msgid: string;
    // The first one of its day.
    day: boolean;
    // The first one that was not read when the conversation was opened.
    fresh: boolean;
    // The first one of several that its side wrote in a row.
    first: boolean;
}

// Behind a longer pause a new row of messages begins, ms.
const PAUSE = 300_000;

function stateOf(message: Message): ItemState | undefined {
    if (message.dir === 'to_gm' || message.delivered === undefined) {
        return undefined;
    }
    return message.delivered ? 'delivered' : 'stored';
}

export function itemsOf(log: Log, outgoing: readonly Outgoing[], freshKey: string):
    Item[]
{
    let day = Number.NaN;
    const items: Item[] = [];
    const put = (item: Omit<Item, 'day' | 'fresh' | 'first'>) => {
        const its = dayOf(item.ts);
        const before = items.at(-1);

        items.push({
            ...item,
            day: its !== day,
            fresh: item.key === freshKey,
            first: before?.mine !== item.mine || before.gm !== item.gm ||
                item.ts - before.ts > PAUSE,
        });
        day = its;
    };

    for (const message of log.messages) {
        put({
            key: message.key,
            mine: message.dir === 'to_player',
            gm: message.gm,
            text: message.text,
            ts: message.ts,
            state: stateOf(message),
            failure: undefined,
            msgid: '',
        });
    }
    for (const message of outgoing) {
        put({
            key: `sent:${message.msgid}`,
            mine: true,
            gm: message.gm,
            text: message.text,
            ts: message.at,
            state: message.state,
            failure: message.failure,
            msgid: message.msgid,
        });
    }
    return items;
}

// The key of the oldest of so many unread messages; '' for none.
export function freshKeyOf(log: Log, unread: number): string {
    let left = unread;

    for (let at = log.messages.length - 1; left > 0 && at >= 0; at--) {
        const message = log.messages[at]!;

        if (message.dir === 'to_gm' && --left === 0) {
            return message.key;
        }
    }
    return '';
}
