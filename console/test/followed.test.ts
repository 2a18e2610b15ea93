import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followedOf, keepFollowed } from '../src/store/followed.js';
import { Kept } from '../src/store/kept.js';

const accounts = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, at) => String(from + at));

test('few accounts are followed, of many none unasked', () => {
    assert.deepEqual(followedOf(accounts(1, 20), new Kept(undefined, '')),
        accounts(1, 20));
    assert.deepEqual(followedOf(accounts(1, 21), new Kept(undefined, '')), []);
});

test('what was given since is followed, what was let go is not', () => {
    const kept = new Kept(undefined, '');

    followedOf(['1', '2'], kept);
    keepFollowed(['2'], ['1', '2'], kept);
    assert.deepEqual(followedOf(['1', '2', '3'], kept), ['2', '3']);
});

test('the 21st account takes none of the others away', () => {
    const kept = new Kept(undefined, '');

    followedOf(accounts(1, 20), kept);
    assert.deepEqual(followedOf(accounts(1, 21), kept), accounts(1, 20));
});

test('an account that went and came again is followed again', () => {
    const kept = new Kept(undefined, '');

    followedOf(['1', '2'], kept);
    assert.deepEqual(followedOf(['1'], kept), ['1']);
    assert.deepEqual(followedOf(['1', '2'], kept), ['1', '2']);
});

test('what the browser does not keep lasts as long as the page', () => {
    const full = {
        getItem: () => null,
        setItem: () => { throw new Error('full'); },
        removeItem: () => undefined,
    };
    const kept = new Kept(full, 'p:');

    kept.set('draft', 'words');
    assert.equal(kept.get('draft', ''), 'words');
    kept.set('draft', '');
    assert.equal(kept.get('draft', ''), '');
});
