import assert from 'node:assert/strict';
import { test } from 'node:test';
import { en } from '../simulator/words/en.js';
import { zh } from '../simulator/words/zh.js';
import { wordsFor } from '../simulator/words/index.js';

// Every text of a language under its place; of a function what it makes of this.
function textsOf(words: unknown, place = ''): [string, string][] {
    if (typeof words === 'string') {
        return [[place, words]];
    }
    if (typeof words === 'function') {
        return [[place, String((words as (...of: string[]) => unknown)('7', '8'))]];
    }
    return Object.entries(words as object).flatMap(
        ([name, one]) => textsOf(one, `${place}/${name}`));
}

const places = (words: unknown) => textsOf(words).map(([place]) => place).sort();

test('both languages have the same words, and as many of each list', () => {
    const stories = { stories: [], answers: {} };

    assert.deepEqual(places({ ...zh, ...stories }), places({ ...en, ...stories }));
    assert.ok(zh.stories.length >= 5 && en.stories.length >= 5);
    assert.ok(zh.stories.every((story) => story.length > 1));
    assert.ok(en.stories.every((story) => story.length > 1));
});

test('no word is empty, none is the same in both', () => {
    const english = new Map(textsOf(en));

    for (const [place, text] of textsOf(zh)) {
        assert.notEqual(text.trim(), '', place);
        assert.notEqual(english.get(place)?.trim(), '', place);
    }

    const same = textsOf(zh).filter(([place, text]) => english.get(place) === text);

    // A function of two that are told apart by their kind alone.
    assert.deepEqual(same.map(([place]) => place), ['/greets']);
});

test('an answer is in the language of the question', () => {
    assert.equal(wordsFor('剑找到了吗?'), zh);
    assert.equal(wordsFor('Is it back?'), en);
});
