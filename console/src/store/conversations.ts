// The conversations of the desk's list: what friends says of each, kept up by events.

import type { Friend, StreamMessage, WireMessage } from '../types.js';
import { oneLine, textOf } from '../text.js';
import { compareIds, compareNumbers } from './ids.js';
import { waitingSince, type Log } from './log.js';

export interface Last {
    id: string;
    dir: 'to_player' | 'to_gm';
    line: string;
    ts: number;
}

export interface Conversation {
    key: string;
    gm: string;
    uid: string;
    host: string;
    silent: boolean;
    since: number;
    unread: number;
    // Milliseconds since 1970 of the oldest message that has no answer; 0: none.
    waiting: number;
    last: Last | undefined;
    // The newest id of the player's messages that is known; '' for none.
    seen: string;
    // When the GM wrote last, by the store's clock: what the player wrote before is
    // counted. 0 where that is not known.
    answeredAt: number;
    // The friendship is over; it stands there because it is open.
    ended: boolean;
}

export function conversationKey(gm: string, uid: string): string {
    return `${gm}:${uid}`;
}

function lastOf(wire: WireMessage): Last {
    return {
        id: wire.id,
        dir: wire.dir,
        line: oneLine(textOf(wire)),
        ts: wire.ts,
    };
}

export function fromFriend(gm: string, friend: Friend): Conversation {
    const { last } = friend;

    return {
        key: conversationKey(gm, friend.uid),
        gm,
        uid: friend.uid,
        host: friend.host,
        silent: friend.silent,
        since: friend.since,
        unread: friend.unread,
        waiting: friend.waiting_since ?? 0,
        last: last === null ? undefined : lastOf(last),
        seen: last?.dir === 'to_gm' ? last.id : '',
        answeredAt: last?.dir === 'to_player' ? last.ts : 0,
        ended: false,
    };
}

// Does what is known of a conversation hold this message already? A stream gives
// again what was not acknowledged, also what friends has counted.
export function includes(conversation: Conversation, message: StreamMessage):
    boolean
{
    const { seen, answeredAt } = conversation;

    return seen !== '' && compareIds(seen, message.id) >= 0 ||
        answeredAt >= message.ts;
}

export function received(conversation: Conversation, message: StreamMessage):
    Conversation
{
    return {
        ...conversation,
        unread: conversation.unread + 1,
        waiting: conversation.waiting || message.ts,
        last: lastOf({ ...message, dir: 'to_gm' }),
        seen: message.id,
    };
}

// The GM wrote, and who answers has read. By this browser's clock, which may be wrong.
export function answered(conversation: Conversation, id: string, text: string,
    now: number): Conversation
{
    return {
        ...conversation,
        unread: 0,
        waiting: 0,
        last: { id, dir: 'to_player', line: oneLine(text), ts: now },
    };
}

// The newest message of the history was read. What of the player's it shows is not
// counted by it: the stream tells of that one, too, and then it is news.
export function tailed(conversation: Conversation, newest: WireMessage):
    Conversation
{
    const last = lastOf(newest);

    return newest.dir === 'to_player'
        ? { ...conversation, unread: 0, waiting: 0, last, answeredAt: newest.ts }
        : { ...conversation, waiting: conversation.waiting || newest.ts, last };
}

// What the log of an open conversation says, which has the newest page of history
// and what came since. newest: of that page.
export function fromLog(conversation: Conversation, log: Log,
    newest: WireMessage): Conversation
{
    const { gm, answeredAt } = conversation;
    const last = log.messages.at(-1);

    if (last === undefined || last.gm !== gm) {
        return conversation;
    }
    return {
        ...conversation,
        unread: last.dir === 'to_player' ? 0 : conversation.unread,
        waiting: waitingSince(log, gm) ?? (conversation.waiting || last.ts),
        last: {
            id: last.id, dir: last.dir, line: oneLine(last.text), ts: last.ts,
        },
        answeredAt: newest.dir === 'to_player' && newest.gm_account === gm
            ? newest.ts : answeredAt,
    };
}

// Who waits comes first, the longest waiting one at the top; then the latest talk.
export function compareConversations(a: Conversation, b: Conversation): number {
    if (a.waiting !== 0 || b.waiting !== 0) {
        if (a.waiting === 0) {
            return 1;
        }
        if (b.waiting === 0) {
            return -1;
        }
        if (a.waiting !== b.waiting) {
            return a.waiting - b.waiting;
        }
    }
    return talkedAt(b) - talkedAt(a) || compareNumbers(a.uid, b.uid);
}

function talkedAt(conversation: Conversation): number {
    return conversation.last?.ts ?? conversation.since;
}

// filter: digits of a player or a host, or any part of the last line.
export function matches(conversation: Conversation, filter: string): boolean {
    const words = filter.trim().toLowerCase();

    return words === '' || conversation.uid.includes(words) ||
        conversation.host === words ||
        (conversation.last?.line.toLowerCase().includes(words) ?? false);
}

// What a list shows of them, in its order: of an account ('' for all), and what
// matches the filter.
export function listed(all: Iterable<Conversation>, gm: string, filter: string):
    readonly Conversation[]
{
    return [...all]
        .filter((one) => (gm === '' || one.gm === gm) && matches(one, filter))
        .sort(compareConversations);
}

export function unreadOf(all: Iterable<Conversation>): number {
    let count = 0;

    for (const one of all) {
        count += one.unread;
    }
    return count;
}
