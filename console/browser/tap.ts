// What a script says to the test that started it, and asks it for. A line of standard
// output is one of
//
//     ok - label             not ok - label
//     # for people to read
//     figure [name, number]  for a benchmark
//     do ["what", word...]   the answer is a line of JSON on standard input
//     done                   the last one: without it the test fails

import { isDeepStrictEqual } from 'node:util';
import { createInterface } from 'node:readline';

// Milliseconds for what has to come about: machines may be slow.
export const PATIENCE = 60_000;
const LOOK = 25;

// Characters of a value that is not what it should be.
const MOST = 2000;

function line(text: string): void {
    process.stdout.write(`${text}\n`);
}

export function diag(text: string): void {
    for (const one of text.split('\n')) {
        line(`# ${one}`);
    }
}

export function ok(value: unknown, label: string): boolean {
    const holds = Boolean(value);

    line(`${holds ? 'ok' : 'not ok'} - ${label.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')}`);
    return holds;
}

export function figure(name: string, value: number): void {
    line(`figure ${JSON.stringify([name, value])}`);
}

function shown(value: unknown): string {
    return (JSON.stringify(value, undefined, 1) ?? 'undefined').slice(0, MOST);
}

export function is<T>(got: T, expected: T, label: string): boolean {
    const same = ok(isDeepStrictEqual(got, expected), label);

    if (!same) {
        diag(`got: ${shown(got)}\nexpected: ${shown(expected)}`);
    }
    return same;
}

export function pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

// Looks until the value fits, or for PATIENCE: the last value.
export async function until<T>(look: () => Promise<T> | T,
    fits: (value: T) => boolean, patience = PATIENCE): Promise<T>
{
    const end = Date.now() + patience;

    for (;;) {
        const value = await look();

        if (fits(value) || Date.now() > end) {
            return value;
        }
        await pause(LOOK);
    }
}

// What comes to hold.
export async function becomes<T>(look: () => Promise<T> | T, expected: T,
    label: string): Promise<boolean>
{
    return is(await until(look, (value) => isDeepStrictEqual(value, expected)),
        expected, label);
}

export async function holds(look: () => Promise<unknown> | unknown,
    label: string): Promise<boolean>
{
    return ok(await until(look, Boolean), label);
}

// Asks the test to do something; its answer.

const waiting: ((answer: unknown) => void)[] = [];
const answers = createInterface({ input: process.stdin });

answers.on('line', (text) => waiting.shift()?.(JSON.parse(text)));
// The test is gone: so is what it started.
answers.on('close', () => process.exit(1));

export function ask(...words: (string | number)[]): Promise<unknown> {
    line(`do ${JSON.stringify(words)}`);
    return new Promise((resolve) => waiting.push(resolve));
}

export function done(): void {
    line('done');
}
