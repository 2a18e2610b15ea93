// What is known of the conversations that were opened; of many, the last ones.

import { signal, type Signal } from '@preact/signals';
import type { Api, HistoryPage } from '../api.js';
import { conversationKey } from './conversations.js';
import {
    EMPTY, append, isWaiting, prepend, refresh, type Log, type Message,
} from './log.js';

const PAGE = 50;
const MOST = 30;

export class Logs {
    private readonly logs = new Map<string, Signal<Log>>();
    private readonly paging = new Set<string>();
    // Of these something may have been missed since they were read.
    private readonly doubted = new Set<string>();

    constructor(private readonly api: Api) {}

    of(gm: string, uid: string): Signal<Log> {
        const key = conversationKey(gm, uid);
        const log = this.logs.get(key) ?? signal(EMPTY);

        this.logs.delete(key);
        this.logs.set(key, log);
        for (const other of this.logs.keys()) {
            if (this.logs.size <= MOST) {
                break;
            }
            this.logs.delete(other);
            this.doubted.delete(other);
        }
        return log;
    }

    // Without making one.
    peek(gm: string, uid: string): Log | undefined {
        return this.logs.get(conversationKey(gm, uid))?.peek();
    }

    // Read anew when they are opened.
    forget(which: (gm: string, uid: string) => boolean): void {
        for (const key of this.logs.keys()) {
            const [gm = '', uid = ''] = key.split(':');

            if (which(gm, uid)) {
                this.logs.delete(key);
                this.doubted.delete(key);
            }
        }
    }

    // Something of it may have been missed: the next page decides.
    doubt(gm: string, uid: string): void {
        this.doubted.add(conversationKey(gm, uid));
    }

    // A live message goes behind what is known of a conversation.
    append(gm: string, uid: string, message: Message): void {
        const log = this.logs.get(conversationKey(gm, uid));

        if (log?.peek().loaded) {
            log.value = append(log.peek(), message);
        }
    }

    // The newest messages, and what became of those that were sent. Of a
    // conversation that was never opened: the newest one, which is not kept.
    async readTail(gm: string, uid: string, isOpen: boolean):
        Promise<HistoryPage>
    {
        const key = conversationKey(gm, uid);
        const asked = this.peek(gm, uid);
        const wanted = isOpen || asked?.loaded === true;
        const doubt = this.doubted.has(key);
        const page = await this.api.history(uid, '', wanted ? PAGE : 1);

        if (wanted) {
            const log = this.of(gm, uid);

            if (doubt) {
                this.doubted.delete(key);
            }
            log.value = refresh(log.peek(), page, asked, doubt);
        }
        return page;
    }

    async readOlder(gm: string, uid: string): Promise<void> {
        const key = conversationKey(gm, uid);
        const log = this.of(gm, uid);
        const oldest = log.peek().messages[0];

        if (oldest === undefined || !log.peek().more || this.paging.has(key)) {
            return;
        }
        this.paging.add(key);
        try {
            const page = await this.api.history(uid, oldest.id, PAGE);

            // What was read anew meanwhile begins elsewhere.
            if (log.peek().messages[0]?.id === oldest.id) {
                log.value = prepend(log.peek(), page.messages, page.more);
            }
        } finally {
            this.paging.delete(key);
        }
    }

    // Does it show a message that waits for its game server?
    isWaiting(gm: string, uid: string): boolean {
        const log = this.peek(gm, uid);

        return log !== undefined && isWaiting(log);
    }
}
