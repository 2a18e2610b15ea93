// Things to do soon, each once for all that asks for it within a moment.

import { Failure } from '../api.js';
import { fault } from '../fault.js';

const SOON = 300;

export class Later {
    private readonly timers =
        new Map<string, ReturnType<typeof setTimeout>>();

    soon(name: string, what: () => Promise<unknown>, ms = SOON): void {
        if (this.timers.has(name)) {
            return;
        }
        this.timers.set(name, setTimeout(() => {
            this.timers.delete(name);
            what().catch((error: unknown) => {
                // The bridge is away: its return reads all again.
                if (!(error instanceof Failure)) {
                    fault(error);
                }
            });
        }, ms));
    }

    stop(): void {
        for (const timer of this.timers.values()) {
            clearTimeout(timer);
        }
        this.timers.clear();
    }
}
