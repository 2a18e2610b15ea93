// node run.mjs NAME: bundles NAME.ts of this folder and runs it. What it needs to know
// comes by the environment: see story.ts.

import { build } from 'esbuild';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const name = process.argv[2] ?? '';

if (!/^[a-z]+$/.test(name)) {
    throw new Error('usage: node run.mjs NAME');
}

// Below node_modules, so that the packages are found; of each process its own, for
// many may run at once.
const output = join(HERE, `../node_modules/.browser/${name}-${process.pid}.mjs`);

process.setSourceMapsEnabled(true);
await build({
    entryPoints: [join(HERE, `${name}.ts`)],
    outfile: output,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    external: ['playwright-core', 'axe-core'],
    sourcemap: 'inline',
    logLevel: 'warning',
});
try {
    await import(pathToFileURL(output).href);
} finally {
    await rm(output);
}
