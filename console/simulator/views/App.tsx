import { language } from '../../src/i18n/index.js';
import { settings } from '../../src/settings.js';
import { now, said } from '../../src/ui.js';
import { fieldAsked, hintOpen, useStage, wireOpen } from '../stage.js';
import { simWords } from '../words/index.js';
import { Chat } from './Chat.js';
import { Hint } from './Hint.js';
import { Servers } from './Servers.js';
import { WirePane } from './WirePane.js';

// So long a connection may take, ms, before it is worth a word.
const PATIENCE = 8000;

export function App() {
    return (
        <div class="page">
            <TopBar />
            <Trouble />
            {hintOpen.value && <Hint />}
            <main class={wireOpen.value ? 'stage' : 'stage no-wire'}>
                <Servers />
                <Chat />
                <WirePane />
            </main>
            <p class={`said ${said.value === '' ? '' : 'shown'}`} role="status">
                {said.value}
            </p>
        </div>
    );
}

function TopBar() {
    const w = simWords.value;

    return (
        <header class="top sim-top">
            <a class="skip" href="#field" onClick={(event) => {
                event.preventDefault();
                fieldAsked.value++;
            }}>{w.skip}</a>
            <h1>{w.title}</h1>
            <a class="to-desk" href={deskAddress()} target="_blank" rel="noopener">
                {w.openDesk} <span aria-hidden="true">↗</span>
                <span class="hidden">{w.newTab}</span>
            </a>
            <div class="tools">
                {!hintOpen.value && <button class="tool" aria-label={w.hintOpen}
                    title={w.hintOpen} onClick={() => { hintOpen.value = true; }}>
                    <span aria-hidden="true">?</span></button>}
                <LanguageButton />
                <ThemeButton />
            </div>
        </header>
    );
}

// Where the GM's desk is, as index.html says.
export function deskAddress(): string {
    return globalThis.document?.querySelector<HTMLMetaElement>(
        'meta[name="gmchat-desk"]')?.content ?? '/console/';
}

function LanguageButton() {
    const other = language.value === 'en' ? 'zh' : 'en';

    return (
        <button class="tool small" lang={other === 'zh' ? 'zh-CN' : 'en'}
            onClick={() => { settings.language.value = other; }}>
            {simWords.value.otherLanguage}
        </button>
    );
}

function ThemeButton() {
    const w = simWords.value;
    const { theme } = settings;
    const dark = theme.value === 'dark' || theme.value === 'auto' &&
        globalThis.matchMedia?.('(prefers-color-scheme: dark)').matches === true;

    return (
        <button class="tool" aria-label={w.dark} title={w.dark}
            aria-pressed={dark}
            onClick={() => { theme.value = dark ? 'light' : 'dark'; }}>
            <span aria-hidden="true">◐</span>
        </button>
    );
}

// What is wrong with the connections, in words.
function Trouble() {
    const { world } = useStage();
    const w = simWords.value;

    if (world.elsewhere.value) {
        return (
            <div class="note" role="alert">{w.elsewhere}
                <button onClick={() => world.begin()}>{w.playHere}</button>
            </div>
        );
    }
    const states = world.servers.map(({ state, since }) => ({
        state: state.value, long: now.value - since.value > PATIENCE,
    }));
    const waits = world.wire.entries.value.some((one) =>
        one.state === 'waiting' && now.value - one.at > PATIENCE);
    const text = states.some((one) => one.state === 'refused') ? w.refused
        : states.some((one) => one.state === 'away') ? w.away
        : waits || states.some((one) => one.state === 'connecting' && one.long)
            ? w.slow : '';

    return <div class={`banner ${text === '' ? '' : 'shown'}`} role="status">
        {text}</div>;
}
