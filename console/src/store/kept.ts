// What a browser keeps: drafts, what is on its way, settings. A browser may refuse
// to keep anything (private windows, a full disk); the desk works without.

export interface Storage {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
}

export class Kept {
    // What the browser refused to keep: for as long as the page is there.
    private readonly refused = new Map<string, string>();

    constructor(
        private readonly storage: Storage | undefined,
        private readonly prefix: string,
    ) {}

    // What another page kept may be of another kind: then it is not there.
    get<T>(name: string, otherwise: T): T {
        try {
            const text = this.refused.get(name) ??
                this.storage?.getItem(this.prefix + name);

            if (text == null) {
                return otherwise;
            }
            const value = JSON.parse(text) as T;

            return otherwise === undefined || kindOf(value) === kindOf(otherwise)
                ? value : otherwise;
        } catch {
            return otherwise;
        }
    }

    set(name: string, value: unknown): void {
        const text = value === undefined || value === ''
            ? undefined : JSON.stringify(value);

        this.refused.delete(name);
        try {
            if (this.storage === undefined) {
                throw new Error('nowhere to keep it');
            }
            if (text === undefined) {
                this.storage.removeItem(this.prefix + name);
            } else {
                this.storage.setItem(this.prefix + name, text);
            }
        } catch {
            if (text !== undefined) {
                this.refused.set(name, text);
            }
        }
    }
}

function kindOf(value: unknown): string {
    return Array.isArray(value) ? 'array' : typeof value;
}

// Of each operator its own, so that two who share a browser do not share drafts.
export function prefixOf(operator: string): string {
    return `gmchat:${encodeURIComponent(operator)}:`;
}
