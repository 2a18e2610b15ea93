// Puts the simulator together: the world, its automatic play, the keyboard.

import { effect } from '@preact/signals';
import { render } from 'preact';
import { newMsgid, storageOf } from '../src/browser.js';
import { locale } from '../src/i18n/index.js';
import { keepSettings, settings } from '../src/settings.js';
import { Kept } from '../src/store/kept.js';
import { now, pageSettings } from '../src/ui.js';
import { Play } from './play.js';
import { hintOpen, StageContext, wireOpen } from './stage.js';
import { simWords, wordsFor } from './words/index.js';
import { PREFIX, World } from './world.js';
import { App } from './views/App.js';

// From this width on the wire has a column of its own.
const WIDE = '(min-width: 1180px)';

const storage = storageOf('localStorage');
const kept = new Kept(storage, PREFIX);
const sleep = (ms: number) =>
    new Promise<void>((resolve) => setTimeout(resolve, ms));

const world: World = new World({
    base: pageSettings().api,
    fetcher: window.fetch.bind(window),
    storage,
    msgid: () => newMsgid('player'),
    now: Date.now,
    sleep,
    heard: (player, text) => void play.heard(player, text),
});
const play = new Play(world, {
    words: () => simWords.peek(),
    wordsFor,
    now: Date.now,
    random: Math.random,
    sleep,
});

function pressed(event: KeyboardEvent): void {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;

    if (event.altKey && by !== 0 && !event.defaultPrevented) {
        event.preventDefault();
        world.step(by);
    }
}

keepSettings(storage);
hintOpen.value = kept.get('hint', true);
wireOpen.value = kept.get('wire', matchMedia(WIDE).matches);
play.answers.value = kept.get('answers', false);
effect(() => kept.set('hint', hintOpen.value));
effect(() => kept.set('wire', wireOpen.value));
effect(() => kept.set('answers', play.answers.value));
effect(() => {
    document.title = simWords.value.title;
});
effect(() => {
    document.documentElement.lang = locale.value;
});
effect(() => {
    document.documentElement.dataset['theme'] = settings.theme.value;
});

window.addEventListener('keydown', pressed);
window.addEventListener('online', () => world.kick());
window.addEventListener('storage', () => void world.otherTab());
setInterval(() => {
    now.value = Date.now();
    world.check();
}, 1000);

render(
    <StageContext.Provider value={{ world, play }}><App /></StageContext.Provider>,
    document.getElementById('simulator')!);
world.begin();
