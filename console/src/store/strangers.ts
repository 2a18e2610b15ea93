// Messages of players who are in no list yet: somebody else added them a moment ago.

import { textOf } from '../text.js';
import type { StreamMessage } from '../types.js';
import type { Later } from './later.js';
import type { Roster } from './roster.js';

export class Strangers {
    private readonly waiting = new Map<string, StreamMessage[]>();

    constructor(
        private readonly roster: Roster,
        private readonly later: Later,
        private readonly notify: (message: StreamMessage, text: string) => void,
    ) {}

    // Told when the list says that it is not read yet. What comes before the first
    // list is no news.
    wrote(message: StreamMessage): void {
        const gm = message.gm_account;

        if (!this.roster.isRead(gm)) {
            this.later.soon(`friends:${gm}`, () => this.roster.read(gm));
            return;
        }
        this.waiting.set(gm, [...this.waiting.get(gm) ?? [], message]);
        this.later.soon(`strangers:${gm}`, () => this.look(gm));
    }

    private async look(gm: string): Promise<void> {
        const messages = this.waiting.get(gm) ?? [];

        this.waiting.delete(gm);
        await this.roster.read(gm);
        for (const one of messages) {
            if ((this.roster.get(gm, one.uid)?.unread ?? 0) > 0) {
                this.notify(one, textOf(one));
            }
        }
    }
}
