// A fault of the page itself: it goes on, and the browser's console has it, with the
// place where it was thrown.
export function fault(error: unknown): void {
    if (typeof reportError === 'function') {
        reportError(error);
    } else {
        console.error(error);
    }
}
