// What the desk needs of the page that it is in.

import type { Api } from '../api.js';
import type { StreamMessage } from '../types.js';
import type { Storage } from './kept.js';
import type { Outgoing } from './outbox.js';

export interface DeskOptions {
    api: Api;
    fetcher: typeof fetch;
    local: Storage | undefined;
    session: Storage | undefined;
    msgid(): string;
    now(): number;
    sleep(ms: number): Promise<void>;
    // A player wrote, and it is news.
    notify(message: StreamMessage, text: string): void;
    // What was written could not be sent.
    failed?(message: Outgoing): void;
    // Is the page in front, so that what it shows is read?
    isSeen(): boolean;
}

export interface Open {
    gm: string;
    uid: string;
}
