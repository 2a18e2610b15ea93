// Calls of a page that a test holds up, or whose answers it loses.

import type { Page, Route } from 'playwright-core';

function actionOf(route: Route): string {
    const body = route.request().postDataJSON() as { action?: string } | null;

    return body?.action ?? '';
}

// Calls of one action wait until they are let go.
export async function holdUp(page: Page, action: string):
    Promise<() => Promise<void>>
{
    const held: (() => void)[] = [];

    await page.route('**/console/gm', async (route) => {
        if (actionOf(route) === action) {
            await new Promise<void>((resolve) => held.push(resolve));
        }
        await route.continue();
    });
    return async () => {
        held.splice(0).forEach((letGo) => letGo());
        await page.unrouteAll({ behavior: 'wait' });
    };
}

// The next call of an action is done, and its answer never comes.
export async function loseAnswer(page: Page, action: string): Promise<void> {
    let times = 1;

    await page.route('**/console/gm', async (route) => {
        if (actionOf(route) === action && times-- > 0) {
            await route.fetch();
            await route.abort('connectionreset');
        } else {
            await route.continue();
        }
    });
}
