import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteLength, clean, oneLine, split, textOf } from '../src/text.js';

test('a Chinese character is three bytes, an emoji four', () => {
    assert.equal(byteLength('你好'), 6);
    assert.equal(byteLength('😀'), 4);
});

test('clean drops zero bytes, mends halves of characters and line ends', () => {
    assert.equal(clean('a\0b'), 'ab');
    assert.equal(clean('x\uD83Dy'), 'x\uFFFDy');
    assert.equal(clean('\uDE00'), '\uFFFD');
    assert.equal(clean('😀'), '😀');
    assert.equal(clean('a\r\nb\rc'), 'a\nb\nc');
});

test('4,000 Chinese characters are cut into parts that fit, and none is lost', () => {
    const text = '中'.repeat(4000);
    const parts = split(text, 4096);

    assert.equal(parts.length, 3);
    assert.equal(parts.join(''), text);
    assert.ok(parts.every((part) => byteLength(part) <= 4096));
});

test('a text that fits exactly is one part, one byte more makes two', () => {
    assert.equal(split('a'.repeat(4096), 4096).length, 1);
    assert.equal(split('a'.repeat(4097), 4096).length, 2);
});

test('a cut comes behind a sentence where one ends near', () => {
    assert.deepEqual(split('One two three. Four five.', 20),
        ['One two three.', 'Four five.']);
});

test('what is seen as one character is never cut apart', () => {
    const family = '👨‍👩‍👧‍👦';

    for (const part of split(family.repeat(5), 60)) {
        assert.equal(part.length % family.length, 0);
    }
});

test('text of base64 that is not UTF-8', () => {
    assert.equal(textOf({ text: '<b>' }), '<b>');
    assert.equal(textOf({ msg: btoa('\xff') }), '\uFFFD');
    assert.equal(textOf({ msg: 'no base64!' }), 'no base64!');
});

test('one line of the list', () => {
    assert.equal(oneLine('  a\n b  '), 'a b');
    assert.equal(oneLine('x'.repeat(200)).length, 121);
});
