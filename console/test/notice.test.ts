import assert from 'node:assert/strict';
import { test } from 'node:test';
import { en } from '../src/i18n/en.js';
import { desktop, sound, titleOf } from '../src/notice.js';
import { settings } from '../src/settings.js';

test('the title counts what is unread, unless it is not to', () => {
    assert.equal(titleOf(en, 0, true), en.title);
    assert.equal(titleOf(en, 3, true), `(3) ${en.title}`);
    assert.equal(titleOf(en, 1000, true), `(999+) ${en.title}`);
    assert.equal(titleOf(en, 3, false), en.title);
});

// A browser's part that notes what is made of it.
function browser(permission: string) {
    const shown: { title: string; options: NotificationOptions }[] = [];
    let tones = 0;
    const parameter = {
        value: 0, setValueAtTime: () => undefined,
        linearRampToValueAtTime: () => undefined,
        exponentialRampToValueAtTime: () => undefined,
    };
    const node = {
        gain: parameter, frequency: parameter, connect: (to: unknown) => to,
        start: () => { tones++; }, stop: () => undefined,
    };

    Object.assign(globalThis, {
        AudioContext: class {
            state = 'running';
            currentTime = 0;
            createGain() { return node; }
            createOscillator() { return node; }
        },
        Notification: class {
            static permission = permission;

            constructor(title: string, options: NotificationOptions) {
                shown.push({ title, options });
            }
        },
    });
    return { shown, tones: () => tones };
}

test('a sound for several messages at once, and none where it is turned off', (t) => {
    const { tones } = browser('granted');

    t.after(() => { settings.sound.value = true; });
    settings.sound.value = false;
    sound(100_000);
    assert.equal(tones(), 0);
    settings.sound.value = true;
    sound(100_000);
    assert.equal(tones(), 2, 'two tones');
    sound(100_500);
    assert.equal(tones(), 2, 'not again at once');
    sound(102_000);
    assert.equal(tones(), 4);
});

test('a notification where it is turned on and the browser allows it', (t) => {
    const tell = () => desktop(en, '5001', '71', 'a\nline', () => undefined);

    t.after(() => { settings.desktop.value = false; });

    const off = browser('granted');

    tell();
    assert.deepEqual(off.shown, [], 'turned off, as it is at first');
    settings.desktop.value = true;

    const denied = browser('denied');

    tell();
    assert.deepEqual(denied.shown, [], 'the browser does not allow it');

    const { shown } = browser('granted');

    tell();
    assert.deepEqual(shown, [{ title: en.newFrom('71'),
        options: { body: 'a line', tag: '5001:71' } }]);
});
