// What a page asks of its browser.

// undefined where the browser keeps nothing for this page.
export function storageOf(name: 'localStorage' | 'sessionStorage') {
    try {
        return window[name];
    } catch {
        return undefined;
    }
}

// crypto.randomUUID is there for secure contexts only.
export function newMsgid(prefix: string): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));

    return `${prefix}-${[...bytes].map((one) =>
        one.toString(16).padStart(2, '0')).join('')}`;
}
