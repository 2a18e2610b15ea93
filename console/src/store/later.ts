// Things to do soon, each once for all that asks for it within a moment.

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
            what().catch(() => {
                // The bridge is away: its return reads all again.
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
