// The read markers that this desk moves.

import { isOver } from '../time.js';
import type { Later } from './later.js';
import { newestOf } from './log.js';
import type { Logs } from './logs.js';
import type { DeskOptions } from './options.js';
import type { Roster } from './roster.js';

// Where the bridge did not take one, ms.
const AGAIN = 10_000;

export interface MarkerHooks {
    mayAct(gm: string): boolean;
    isSeen(gm: string, uid: string): boolean;
}

export class Markers {
    private refusedAt = -AGAIN;

    constructor(
        private readonly options: Pick<DeskOptions, 'api' | 'now'>,
        private readonly roster: Roster,
        private readonly logs: Logs,
        private readonly later: Later,
        private readonly hooks: MarkerHooks,
    ) {}

    // All that the log holds was read: told once for each newest message.
    async read(gm: string, uid: string): Promise<void> {
        const one = this.roster.get(gm, uid);
        const log = this.logs.peek(gm, uid);
        const newest = log && newestOf(log, 'to_gm');

        if (one === undefined || one.unread === 0 || newest === undefined ||
            !this.hooks.mayAct(gm) ||
            !isOver(this.refusedAt, this.options.now(), AGAIN))
        {
            return;
        }
        this.roster.change(gm, uid, (old) => ({ ...old, unread: 0 }));
        try {
            await this.options.api.post('read',
                { gm_account: gm, uid, id: newest.id });
        } catch {
            this.refused(gm, uid);
        }
    }

    // The count comes back by the list, at once; the marker is moved later.
    private refused(gm: string, uid: string): void {
        this.refusedAt = this.options.now();
        this.later.soon(`friends:${gm}`, () => this.roster.read(gm));
        this.later.soon('read', async () => {
            if (this.hooks.isSeen(gm, uid)) {
                await this.read(gm, uid);
            }
        }, AGAIN);
    }
}
