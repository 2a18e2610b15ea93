// What a page must not do: errors, dialogs, breaches of its Content-Security-Policy.

import type { BrowserContext, Page } from 'playwright-core';

// What the browser itself writes of a call that failed or was refused: the stories
// bring that about.
const OF_CALLS = /^Failed to load resource: /;

export class Watch {
    readonly seen: string[] = [];
    // How often the browser asked whether a page is to be left. It stayed.
    leaving = 0;

    // calls: may calls fail?
    constructor(private readonly calls: boolean) {}

    async follow(context: BrowserContext): Promise<void> {
        await context.exposeBinding('gmchatViolation', (_source, what: string) => {
            this.seen.push(`violation: ${what}`);
        });
        await context.addInitScript(() => {
            document.addEventListener('securitypolicyviolation', (event) => {
                (window as unknown as
                    { gmchatViolation: (what: string) => void })
                    .gmchatViolation(`${event.violatedDirective} ` +
                        `${event.blockedURI} ${event.sample}`);
            });
        });
        context.on('page', (page) => this.page(page));
    }

    private page(page: Page): void {
        page.on('console', (message) => {
            if ((message.type() === 'error' || message.type() === 'warning') &&
                !(this.calls && OF_CALLS.test(message.text())))
            {
                this.seen.push(`${message.type()}: ${message.text()} ` +
                    message.location().url);
            }
        });
        page.on('pageerror', (error) => {
            this.seen.push(`error: ${error.stack ?? error.message}`);
        });
        page.on('dialog', (dialog) => {
            if (dialog.type() === 'beforeunload') {
                this.leaving++;
            } else {
                this.seen.push(`dialog: ${dialog.message()}`);
            }
            void dialog.dismiss();
        });
    }
}
