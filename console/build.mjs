// Writes dist/desk/ and dist/simulator/, what nginx serves: of each an index.html, and
// a script and a style sheet whose names hold a hash of what is in them, so that
// browsers may keep them for good.
// With --test: bundles test/*.test.ts instead, and gives them to node's test runner.

import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { copyFile, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const DIST = join(ROOT, 'dist');
const TESTS = join(ROOT, 'node_modules/.test');

// Compressed bytes of all that the first view of a page loads.
const BUDGET = 150 * 1024;

const ICON = 'static/icon.svg';

const PAGES = [
    {
        name: 'desk',
        html: 'static/index.html',
        script: 'src/main.tsx',
        style: 'styles/console.css',
    },
    {
        name: 'simulator',
        html: 'simulator/index.html',
        script: 'simulator/main.tsx',
        style: 'simulator/simulator.css',
    },
];

const common = {
    absWorkingDir: ROOT,
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
};

async function runTests() {
    const names = (await readdir(join(ROOT, 'test')))
        .filter((name) => name.endsWith('.test.ts') ||
            name.endsWith('.test.tsx'));

    await rm(TESTS, { recursive: true, force: true });
    await build({
        ...common,
        entryPoints: names.map((name) => join('test', name)),
        outdir: TESTS,
        outExtension: { '.js': '.test.mjs' },
        entryNames: '[name]',
        platform: 'node',
        target: 'node18',
        sourcemap: 'inline',
    });
    // Named one by one: what a folder means to --test differs between versions.
    spawn(process.execPath, ['--test', ...(await readdir(TESTS))
        .map((name) => join(TESTS, name))], { stdio: 'inherit' })
        .on('exit', (code) => { process.exitCode = code ?? 1; });
}

// The file that became of an entry point, as index.html names it.
function outputOf(metafile, entry, suffix) {
    for (const [path, output] of Object.entries(metafile.outputs)) {
        if (output.entryPoint === entry && path.endsWith(suffix)) {
            return basename(path);
        }
    }
    throw new Error(`${entry} was not built`);
}

async function buildPage({ name, html, script, style }) {
    const folder = join(DIST, name);

    const { metafile } = await build({
        ...common,
        entryPoints: [script, style],
        outdir: folder,
        entryNames: 'assets/[name]-[hash]',
        minify: true,
        metafile: true,
        target: ['chrome100', 'firefox100', 'safari15.4'],
        define: { 'process.env.NODE_ENV': '"production"' },
        legalComments: 'none',
    });
    const page = (await readFile(join(ROOT, html), 'utf8'))
        .replace('{{script}}', outputOf(metafile, script, '.js'))
        .replace('{{style}}', outputOf(metafile, style, '.css'));

    await writeFile(join(folder, 'index.html'), page);
    await copyFile(join(ROOT, ICON), join(folder, 'icon.svg'));
    await compress(name);
}

// Beside each file of a page its compressed form, for gzip_static.
async function compress(page) {
    const folder = join(DIST, page);
    const assets = await readdir(join(folder, 'assets'));
    let total = 0;

    for (const name of ['index.html', 'icon.svg',
        ...assets.map((asset) => join('assets', asset))])
    {
        const content = await readFile(join(folder, name));
        const packed = gzipSync(content, { level: constants.Z_BEST_COMPRESSION });

        await writeFile(join(folder, `${name}.gz`), packed);
        total += packed.length;
        console.log(`${page}/${name}: ${content.length} bytes, ` +
            `${packed.length} packed`);
    }
    console.log(`${page}: together ${total} bytes packed`);
    if (total > BUDGET) {
        throw new Error(`${page}: more than the budget of ${BUDGET} bytes`);
    }
}

async function buildPages() {
    await rm(DIST, { recursive: true, force: true });
    for (const page of PAGES) {
        await buildPage(page);
    }
}

await (process.argv.includes('--test') ? runTests() : buildPages());
