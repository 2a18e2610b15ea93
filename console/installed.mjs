// Does node_modules hold what package-lock.json names, for this machine? With --dev:
// what the checks and tests need as well. The exit status is 0 for yes, 1 for no.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const WITH_DEV = process.argv.includes('--dev');

async function readJson(...path) {
    return JSON.parse(await readFile(join(ROOT, ...path), 'utf8'));
}

// A package for other machines may be missing, and so may one of which nothing but
// "optional" is said. devOptional is for tests, or for what could do without.
function isWanted({ dev, devOptional, optional, os, cpu }) {
    if ((dev || devOptional) && !WITH_DEV) {
        return false;
    }
    return !optional || (os !== undefined && cpu !== undefined &&
        os.includes(process.platform) && cpu.includes(process.arch));
}

async function isThere([path, { version }]) {
    try {
        return (await readJson(path, 'package.json')).version === version;
    } catch {
        return false;
    }
}

const { packages } = await readJson('package-lock.json');
const wanted = Object.entries(packages)
    .filter(([path, one]) => path !== '' && isWanted(one));
const there = await Promise.all(wanted.map(isThere));

process.exitCode = there.every((one) => one) ? 0 : 1;
