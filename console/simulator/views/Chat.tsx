import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { words } from '../../src/i18n/index.js';
import { isComposing } from '../../src/keys.js';
import { clean } from '../../src/text.js';
import type { Player } from '../player.js';
import { copy, fieldAsked, useStage } from '../stage.js';
import { simWords } from '../words/index.js';
import { Bubble, Outgoing } from './Bubble.js';
import { Avatar } from './Servers.js';

const AT_BOTTOM = 60;

export function Chat() {
    const { world } = useStage();
    const player = world.current.value;

    return (
        <section class="talk" aria-labelledby="chat-title">
            <Head player={player} />
            <Notes player={player} />
            <Lines key={player.uid} player={player} />
            <Composer key={`${player.uid}-field`} player={player} />
        </section>
    );
}

function Head({ player }: { player: Player }) {
    const { world } = useStage();
    const w = simWords.value;
    const gm = player.gm.value;
    const online = world.isOnline(player);

    return (
        <header class="head chat-head">
            <Avatar player={player} />
            <div class="title">
                <h2 id="chat-title">{player.title}</h2>
                <p class="quiet gm-line">
                    {gm === null ? w.noGm : gm.account === '' ? w.hasGm : <>
                        <bdi>{gm.name || w.gm(gm.account)}</bdi>
                        {gm.name !== '' && ` (${gm.account})`}{' '}
                        {online !== undefined &&
                            <span class={online ? 'link live' : 'link'}>
                                {online ? w.gmOnline : w.gmOffline}</span>}
                    </>}
                </p>
            </div>
            <CopyChip text={player.host} name={w.hostChip} />
            <CopyChip text={player.uid} name={w.uidChip} />
        </header>
    );
}

// What a GM types into the desk's dialog "Add a player".
function CopyChip({ text, name }: { text: string; name: string }) {
    const w = simWords.value;

    return (
        <button class="copy-chip" title={w.copy}
            onClick={() => void copy(text, `${name} ${text}`)}>
            <span class="quiet">{name}</span> {text}
            <span class="hidden">, {w.copy}</span>
            <span class="sign-copy" aria-hidden="true" />
        </button>
    );
}

function Notes({ player }: { player: Player }) {
    const { world } = useStage();
    const w = simWords.value;
    const stopped = world.serverOf(player).state.value === 'stopped';

    if (stopped) {
        return <p class="note">{w.serverStopped(player.host)}</p>;
    }
    if (player.gm.value !== null) {
        return null;
    }
    return <p class="note">{world.knowsAll(player.host) ? '' : `${w.untold} `}
        {w.noGmLong(player.uid, player.host)}</p>;
}

function Lines({ player }: { player: Player }) {
    const { world } = useStage();
    const w = simWords.value;
    const lines = player.lines.value;
    const outgoing = world.outgoing(player);
    const scroller = useRef<HTMLDivElement>(null);
    const atEnd = useRef(true);

    const follow = () => {
        const element = scroller.current;

        if (element !== null && atEnd.current) {
            element.scrollTop = element.scrollHeight;
        }
    };

    useLayoutEffect(follow);
    useEffect(() => {
        const observer = new ResizeObserver(follow);

        observer.observe(scroller.current!);
        return () => observer.disconnect();
    }, []);
    useEffect(() => {
        player.look();
    }, [lines.length]);

    return (
        <div class="messages" ref={scroller} role="log" tabIndex={0}
            aria-label={words.value.messages} onScroll={(event) => {
                const { scrollHeight, scrollTop, clientHeight } =
                    event.currentTarget;

                atEnd.current =
                    scrollHeight - scrollTop - clientHeight < AT_BOTTOM;
            }}>
            {lines.length + outgoing.length === 0 &&
                <p class="mark quiet">{w.empty}</p>}
            <ol>
                {lines.map((line, at) => <Bubble key={line.key} line={line}
                    before={lines[at - 1]} player={player} />)}
                {outgoing.map((one) => <Outgoing key={one.msgid} message={one}
                    player={player} />)}
            </ol>
            {player.typing.value && <p class="typing quiet">
                {w.typing(player.title)}</p>}
        </div>
    );
}

function Composer({ player }: { player: Player }) {
    const { world } = useStage();
    const w = simWords.value;
    const field = useRef<HTMLTextAreaElement>(null);
    const [text, setText] = useState('');
    const stopped = world.serverOf(player).state.value === 'stopped';
    const cleaned = clean(text);
    const send = () => {
        if (cleaned.trim() !== '') {
            world.write(player, cleaned);
            setText('');
        }
        field.current?.focus();
    };

    useAsked(field);

    return (
        <>
            {!stopped && <Phrases name={w.phrases} say={w.quick}
                use={(phrase) => world.write(player, phrase)} />}
            <form class="compose" onSubmit={(event) => {
                event.preventDefault();
                send();
            }}>
                <textarea ref={field} id="field" rows={1} value={text} dir="auto"
                    aria-label={w.writeAs(player.title)} disabled={stopped}
                    placeholder={stopped ? w.stoppedField : w.writeAs(player.title)}
                    enterkeyhint="send"
                    onInput={(event) => setText(event.currentTarget.value)}
                    onKeyDown={(event) => {
                        if (event.key === 'Enter' && !event.shiftKey &&
                            !isComposing(event))
                        {
                            event.preventDefault();
                            send();
                        }
                    }} />
                <button class="main" type="submit"
                    disabled={stopped || cleaned.trim() === ''}>
                    {words.value.send}</button>
            </form>
        </>
    );
}

function Phrases({ name, say, use }: {
    name: string; say: readonly string[]; use: (phrase: string) => void;
}) {
    return (
        <ul class="phrases" aria-label={name}>
            {say.map((phrase) => (
                <li key={phrase}>
                    <button onClick={() => use(phrase)}>{phrase}</button>
                </li>
            ))}
        </ul>
    );
}

function useAsked(field: { current: HTMLTextAreaElement | null }) {
    useEffect(() => {
        const before = fieldAsked.peek();

        return fieldAsked.subscribe((times) => {
            if (times !== before) {
                field.current?.focus();
            }
        });
    }, []);
}
