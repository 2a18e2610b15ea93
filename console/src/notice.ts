// Telling an operator who looks elsewhere: the title, a sound, the desktop.

import type { Words } from './i18n/en.js';
import { settings } from './settings.js';
import { oneLine } from './text.js';
import { isOver } from './time.js';

export function titleOf(words: Words, unread: number, counted: boolean): string {
    return counted && unread > 0
        ? `(${unread > 999 ? '999+' : unread}) ${words.title}` : words.title;
}

let audio: AudioContext | undefined;
let sounded = 0;

// Between two sounds, ms.
const PAUSE = 1500;

// A tone that comes later than this is about nothing any more, ms.
const FRESH = 1000;

// Two short tones, made here. A browser is silent until somebody touched the page.
export function sound(now = Date.now()): void {
    if (!settings.sound.value || !isOver(sounded, now, PAUSE)) {
        return;
    }
    sounded = now;
    audio ??= new AudioContext();
    if (audio.state === 'running') {
        tones(audio);
        return;
    }

    // What is played into a silent one would all come at once when it wakes.
    const woken = audio;

    woken.resume().then(() => {
        if (Date.now() - now < FRESH) {
            tones(woken);
        }
    }, () => undefined);
}

function tones(context: AudioContext): void {
    tone(context, 660, 0);
    tone(context, 880, 0.12);
}

// A browser lets a page sound once somebody touched it: so that the first message
// after that is heard.
export function allowSound(): void {
    if (settings.sound.value) {
        audio ??= new AudioContext();
        audio.resume().catch(() => undefined);
    }
}

function tone(context: AudioContext, frequency: number, after: number): void {
    const begin = context.currentTime + after;
    const gain = context.createGain();
    const oscillator = context.createOscillator();

    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(0.12, begin + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, begin + 0.25);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(begin);
    oscillator.stop(begin + 0.3);
}

export function desktopState(): 'granted' | 'denied' | 'default' {
    return typeof Notification === 'undefined'
        ? 'denied' : Notification.permission;
}

// Asked for when it is switched on, never before.
export async function allowDesktop(): Promise<boolean> {
    if (desktopState() === 'default') {
        await Notification.requestPermission();
    }
    return desktopState() === 'granted';
}

// One for each player: a second message takes the first one's place.
export function desktop(words: Words, gm: string, uid: string, text: string,
    go: () => void): void
{
    if (!settings.desktop.value || desktopState() !== 'granted') {
        return;
    }
    try {
        const notification = new Notification(words.newFrom(uid),
            { body: oneLine(text), tag: `${gm}:${uid}` });

        notification.onclick = () => {
            window.focus();
            go();
            notification.close();
        };
    } catch {
        // Some browsers of phones allow them to service workers only.
    }
}
