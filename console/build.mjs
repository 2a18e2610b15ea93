// Writes dist/, what nginx serves: index.html, and a script and a style sheet whose
// names hold a hash of what is in them, so that browsers may keep them for good.
// With --test: bundles test/*.test.ts instead, and gives them to node's test runner.

import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile, copyFile }
    from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const DIST = join(ROOT, 'dist');
const TESTS = join(ROOT, 'node_modules/.test');

// Compressed bytes of all that a first view loads.
const BUDGET = 150 * 1024;

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

async function buildPage() {
    await rm(DIST, { recursive: true, force: true });

    const { metafile } = await build({
        ...common,
        entryPoints: ['src/main.tsx', 'styles/console.css'],
        outdir: DIST,
        entryNames: 'assets/[name]-[hash]',
        minify: true,
        metafile: true,
        target: ['chrome100', 'firefox100', 'safari15.4'],
        define: { 'process.env.NODE_ENV': '"production"' },
        legalComments: 'none',
    });
    const page = (await readFile(join(ROOT, 'static/index.html'), 'utf8'))
        .replace('{{script}}', outputOf(metafile, 'src/main.tsx', '.js'))
        .replace('{{style}}', outputOf(metafile, 'styles/console.css', '.css'));

    await mkdir(DIST, { recursive: true });
    await writeFile(join(DIST, 'index.html'), page);
    await copyFile(join(ROOT, 'static/icon.svg'), join(DIST, 'icon.svg'));
    await compress();
}

// Beside each file its compressed form, for gzip_static.
async function compress() {
    const assets = await readdir(join(DIST, 'assets'));
    let total = 0;

    for (const name of ['index.html', 'icon.svg',
        ...assets.map((asset) => join('assets', asset))])
    {
        const content = await readFile(join(DIST, name));
        const packed = gzipSync(content, { level: constants.Z_BEST_COMPRESSION });

        await writeFile(join(DIST, `${name}.gz`), packed);
        total += packed.length;
        console.log(`${name}: ${content.length} bytes, ${packed.length} packed`);
    }
    console.log(`together ${total} bytes packed`);
    if (total > BUDGET) {
        throw new Error(`more than the budget of ${BUDGET} bytes`);
    }
}

await (process.argv.includes('--test') ? runTests() : buildPage());
