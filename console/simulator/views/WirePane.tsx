import { locale } from '../../src/i18n/index.js';
import { full } from '../../src/time.js';
import { HOSTS } from '../cast.js';
import { copy, useStage, wireHost, wireOpen } from '../stage.js';
import { curlOf, errnoOf, gistOf, piecesOf, sourceOf, type WireEntry }
    from '../wire.js';
import { simWords } from '../words/index.js';

export function WirePane() {
    const { world } = useStage();
    const w = simWords.value;
    const host = wireHost.value;
    const entries = world.wire.entries.value.filter(
        (one) => host === '' || one.host === host);
    const open = wireOpen.value;

    return (
        <section class="wire" aria-labelledby="wire-title">
            <header>
                <h2 id="wire-title">{w.wire}</h2>
                {!open && entries[0] !== undefined && <span class="latest quiet">
                    {entries[0].name} {entries[0].host} {gistOf(entries[0])}
                </span>}
                {open && <HostChoice />}
                {open && <button class="small" onClick={() => world.wire.clear()}>
                    {w.clear}</button>}
                <button class="small" aria-expanded={open} aria-controls="wire"
                    onClick={() => { wireOpen.value = !open; }}>
                    {open ? w.hide : w.show}<span class="hidden">: {w.wire}</span>
                </button>
            </header>
            <div id="wire" hidden={!open}>
                <p class="quiet wire-hint">{w.wireHint}</p>
                {entries.length === 0 && <p class="quiet">{w.wireEmpty}</p>}
                <ol>
                    {open && entries.map((entry) => (
                        <li key={entry.key}><Entry entry={entry} /></li>
                    ))}
                </ol>
            </div>
        </section>
    );
}

function HostChoice() {
    const w = simWords.value;

    return (
        <select aria-label={w.wireOf} value={wireHost.value}
            onChange={(event) => { wireHost.value = event.currentTarget.value; }}>
            <option value="">{w.allServers}</option>
            {HOSTS.map((host) =>
                <option key={host} value={host}>{w.server(host)}</option>)}
        </select>
    );
}

// The time of day to the millisecond, as logs have it.
function stamp(ts: number): string {
    const at = new Date(ts);
    const two = (n: number) => String(n).padStart(2, '0');

    return `${two(at.getHours())}:${two(at.getMinutes())}:` +
        `${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function outcomeOf(entry: WireEntry): string {
    const w = simWords.value;

    switch (entry.state) {
    case 'waiting':
        return w.waiting;
    case 'lost':
        return entry.status === 0 ? w.lost : `${entry.status}`;
    default: {
        const errno = errnoOf(entry);

        return errno === undefined
            ? `${entry.status}` : `${entry.status} errno ${errno}`;
    }
    }
}

function Entry({ entry }: { entry: WireEntry }) {
    const w = simWords.value;
    const call = entry.kind === 'call';

    return (
        <details class={`entry ${entry.kind}`} data-name={entry.name}
            data-state={entry.state}>
            <summary>
                <span class="way" aria-hidden="true">{call ? '→' : '←'}</span>
                <span class="hidden">{call ? w.call : w.event}</span>
                <b>{entry.name}</b>
                <span class="host">{entry.host}</span>
                {call && <span class="outcome">{outcomeOf(entry)}</span>}
                <span class="gist quiet">{gistOf(entry)}</span>
                <time class="quiet" title={full(locale.value, entry.at)}
                    dateTime={new Date(entry.at).toISOString()}>
                    {stamp(entry.at)}</time>
            </summary>
            {call ? <Call entry={entry} /> : <Event entry={entry} />}
        </details>
    );
}

function Call({ entry }: { entry: WireEntry }) {
    const w = simWords.value;
    const page = globalThis.location?.href ?? 'http://127.0.0.1/simulator/';

    return (
        <div class="inside">
            <h3>{w.request}</h3>
            <pre tabIndex={0}>{entry.method} {new URL(entry.url, page).pathname
                }{new URL(entry.url, page).search}{'\n'}
                {entry.headers.map(([name, value]) => `${name}: ${value}\n`)}
                {entry.body !== '' && '\n'}<Json text={entry.body} /></pre>
            <h3>{w.reply} <span class="quiet">{outcomeOf(entry)}
                {entry.took > 0 && <>, {w.took(entry.took)}</>}</span></h3>
            {entry.text !== '' &&
                <pre tabIndex={0}><Json text={entry.text} /></pre>}
            <button class="small" onClick={() =>
                void copy(curlOf(entry, page), 'curl')}>{w.copyCurl}</button>
        </div>
    );
}

function Event({ entry }: { entry: WireEntry }) {
    const w = simWords.value;

    return (
        <div class="inside">
            <h3>{w.data}</h3>
            <pre tabIndex={0}>{`event: ${entry.name}\n`}
                {entry.id !== '' && `id: ${entry.id}\n`}
                {'data: '}<Json text={entry.text} /></pre>
            <button class="small" onClick={() =>
                void copy(sourceOf(entry), entry.name)}>{w.copyEvent}</button>
        </div>
    );
}

function Json({ text }: { text: string }) {
    return <>{piecesOf(text).map((piece, at) =>
        <span key={at} class={`json-${piece.kind}`}>{piece.text}</span>)}</>;
}
