// What axe-core finds in a page. It is evaluated by the debugger, as the page's own
// policy lets no other script in.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Desk } from './desk.js';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
    'best-practice'];

let source: Promise<string> | undefined;

interface Finding {
    id: string;
    nodes: { html: string; failureSummary?: string }[];
}

// One line for each element that breaks a rule.
export async function findings(desk: Desk): Promise<string[]> {
    source ??= readFile(createRequire(import.meta.url)
        .resolve('axe-core/axe.min.js'), 'utf8');

    const debug = await desk.context.newCDPSession(desk.page);
    const { result, exceptionDetails } = await debug.send('Runtime.evaluate', {
        expression: `${await source}; axe.run(document, { runOnly: ` +
            `${JSON.stringify(RULES)}, resultTypes: ['violations'] })` +
            '.then(({ violations }) => JSON.stringify(violations))',
        awaitPromise: true,
        returnByValue: true,
    });

    await debug.detach();
    if (exceptionDetails !== undefined) {
        throw new Error(`axe-core: ${exceptionDetails.text}`);
    }
    return (JSON.parse(String(result.value)) as Finding[]).flatMap((one) =>
        one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)} ` +
            (node.failureSummary ?? '').slice(0, 240)));
}
