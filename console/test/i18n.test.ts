import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../src/api.js';
import { detail, explain } from '../src/errors.js';
import { en } from '../src/i18n/en.js';
import { zh } from '../src/i18n/zh.js';
import { chooseLanguage } from '../src/i18n/index.js';
import { dayMark, howLong, shortly } from '../src/time.js';
import { titleOf } from '../src/notice.js';

// Paths of all words, with what kind they are.
function paths(of: object, before = ''): string[] {
    return Object.entries(of).flatMap(([name, value]) =>
        typeof value === 'object' && value !== null
            ? paths(value as object, `${before}${name}.`)
            : [`${before}${name}:${typeof value}`]);
}

test('both languages have the same words', () => {
    assert.deepEqual(paths(zh).sort(), paths(en).sort());
});

test('no word is empty, no Chinese one was left in English', () => {
    const all = (of: object): [string, unknown][] => Object.entries(of).flatMap(
        ([name, value]) => typeof value === 'object' && value !== null
            ? all(value as object) : [[name, value] as [string, unknown]]);

    for (const [name, value] of [...all(en), ...all(zh)]) {
        if (typeof value === 'string') {
            assert.notEqual(value.trim(), '', name);
        }
    }

    const english = new Map(all(en));
    const same = all(zh).filter(([name, value]) => typeof value === 'string' &&
        english.get(name) === value).map(([name]) => name);

    assert.deepEqual(same, ['you']);
});

test('the first language of the browser that is there', () => {
    assert.equal(chooseLanguage(['de-DE', 'zh-Hans-CN', 'en']), 'zh');
    assert.equal(chooseLanguage(['en-US', 'zh']), 'en');
    assert.equal(chooseLanguage(['fr']), 'en');
    assert.equal(chooseLanguage([]), 'en');
});

test('every error of the contract has words of its own', () => {
    const seen = new Set<string>();

    for (const errno of [1, 2, 3, 4, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11])
    {
        const text = explain(en, new Failure('refused', errno, ''));

        assert.notEqual(text, en.errors.other);
        seen.add(text);
    }
    assert.equal(seen.size, 15);
    assert.equal(explain(en, new Failure('refused', 4, ''), 'add'),
        en.errors.noPlayer);
    assert.equal(explain(en, new Failure('refused', 77, '')), en.errors.other);
    assert.equal(explain(zh, new Failure('late', null, '')), zh.errors.late);
    assert.equal(detail(new Failure('refused', -3, 'text: is too long')),
        'text: is too long');
    assert.equal(detail(new Failure('refused', 3, 'x')), '');
});

test('days and durations', () => {
    const noon = new Date(2026, 4, 5, 12).getTime();
    const hour = 3_600_000;

    assert.equal(dayMark(en, 'en-GB', noon, noon + hour), 'Today');
    assert.equal(dayMark(en, 'en-GB', noon - 13 * hour, noon), 'Yesterday');
    assert.equal(dayMark(zh, 'zh-CN', noon - 72 * hour, noon), '2026年5月2日');
    assert.equal(shortly(en, 'en-GB', noon, noon), '12:00');
    assert.equal(howLong(en, 59_999), '59 s');
    assert.equal(howLong(en, 60_000), '1 min');
    assert.equal(howLong(zh, 2 * hour), '2 小时');
    assert.equal(howLong(en, 48 * hour), '2 days');
    assert.equal(howLong(en, -5), '0 s');
});

test('the title counts', () => {
    assert.equal(titleOf(en, 0, true), 'GM desk');
    assert.equal(titleOf(en, 3, true), '(3) GM desk');
    assert.equal(titleOf(en, 1000, true), '(999+) GM desk');
    assert.equal(titleOf(en, 3, false), 'GM desk');
});
