// The accounts that this desk keeps online: for as long as it is there.

import { signal, type Signal } from '@preact/signals';
import { Failure, type Api } from '../api.js';
import type { Kept } from './kept.js';

const LEASE = 60;     // s

export class Presence {
    readonly accounts: Signal<ReadonlySet<string>> = signal(new Set<string>());
    private kept: Kept | undefined;

    constructor(private readonly api: Api) {}

    // kept: of this tab, so that a reload goes on.
    keepIn(kept: Kept): void {
        this.kept = kept;
        this.accounts.value = new Set(kept.get<string[]>('present', []));
    }

    keep(accounts: readonly string[], yes: boolean): void {
        const present = new Set(this.accounts.peek());

        for (const gm of accounts) {
            if (yes) {
                present.add(gm);
            } else {
                present.delete(gm);
            }
        }
        this.accounts.value = present;
        this.kept?.set('present', [...present]);
    }

    // A lease at once, and then the stream, after which the bridge takes the account
    // offline a moment later, however it ended.
    async switchTo(gm: string, online: boolean): Promise<void> {
        if (online) {
            await this.api.post('online', { gm_account: gm, lease: LEASE });
        } else {
            await this.api.post('offline', { gm_account: gm })
                .catch((error: unknown) => {
                    // No errno: it was offline already.
                    if (!(error instanceof Failure && error.kind === 'refused' &&
                        error.errno === null))
                    {
                        throw error;
                    }
                });
        }
        this.keep([gm], online);
    }
}
