// What a browser keeps: drafts, what is on its way, settings. A browser may refuse
// to keep anything (private windows, a full disk); the desk works without.

export interface Storage {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
}

export class Kept {
    constructor(
        private readonly storage: Storage | undefined,
        private readonly prefix: string,
    ) {}

    get<T>(name: string, otherwise: T): T {
        try {
            const text = this.storage?.getItem(this.prefix + name);

            return text == null ? otherwise : JSON.parse(text) as T;
        } catch {
            return otherwise;
        }
    }

    set(name: string, value: unknown): void {
        try {
            if (value === undefined || value === '') {
                this.storage?.removeItem(this.prefix + name);
            } else {
                this.storage?.setItem(this.prefix + name,
                    JSON.stringify(value));
            }
        } catch {
            // Not kept, then.
        }
    }
}

// Of each operator its own, so that two who share a browser do not share drafts.
export function prefixOf(operator: string): string {
    return `gmchat:${encodeURIComponent(operator)}:`;
}
