import { detail, explain } from '../../src/errors.js';
import { locale, words } from '../../src/i18n/index.js';
import type { Outgoing as OutgoingMessage } from '../../src/store/outbox.js';
import { clock, dayMark, dayOf, full } from '../../src/time.js';
import type { Line, Player } from '../player.js';
import { useStage } from '../stage.js';
import { simWords } from '../words/index.js';

// One line of a conversation, under the day where that is another one.
export function Bubble({ line, before, player }: {
    line: Line; before: Line | undefined; player: Player;
}) {
    const day = before === undefined || dayOf(before.ts) !== dayOf(line.ts);
    const w = simWords.value;

    return (
        <li class={line.kind === 'player' ? 'message mine' : 'message'}
            data-kind={line.kind}>
            {day && <p class="mark quiet">
                {dayMark(words.value, locale.value, line.ts, Date.now())}</p>}
            {line.kind === 'begin' || line.kind === 'end'
                ? <p class="mark event">{line.kind === 'begin'
                    ? w.begins(line.gm) : w.ends(line.gm)}</p>
                : <Said line={line} player={player} />}
        </li>
    );
}

// What somebody wrote is a text node and nothing else, whatever stands in it.
function Said({ line, player }: { line: Line; player: Player }) {
    const mine = line.kind === 'player';

    return (
        <div class="bubble">
            <span class="hidden">{mine ? player.title : words.value.you}: </span>
            <p class="text" dir="auto">{line.text}</p>
            <p class="meta">
                <Time ts={line.ts} />
                {mine && <> <span class="sign stored">
                    {words.value.states.stored}</span></>}
            </p>
        </div>
    );
}

function Time({ ts }: { ts: number }) {
    return (
        <time dateTime={new Date(ts).toISOString()} title={full(locale.value, ts)}>
            {clock(locale.value, ts)}</time>
    );
}

// What the bridge has not confirmed.
export function Outgoing({ message, player }: {
    message: OutgoingMessage; player: Player;
}) {
    const { world } = useStage();
    const w = words.value;
    const { state, text, at, msgid } = message;

    return (
        <li class="message mine" data-state={state}>
            <div class="bubble">
                <span class="hidden">{player.title}: </span>
                <p class="text" dir="auto">{text}</p>
                <p class="meta"><Time ts={at} />{' '}
                    <span class={`sign ${state}`}>{w.states[state]}</span></p>
            </div>
            {state === 'failed' && (
                <div class="failed" role="alert">
                    <Why message={message} player={player} />
                    <button onClick={() => world.outbox.retry(msgid)}>
                        {w.retry}</button>
                    <button onClick={() => world.outbox.drop(msgid)}>
                        {w.discard}</button>
                </div>
            )}
        </li>
    );
}

function Why({ message: { failure }, player }: {
    message: OutgoingMessage; player: Player;
}) {
    if (failure === undefined) {
        return <p>{words.value.afterReload}</p>;
    }
    if (failure.errno === 5) {
        return <p>{simWords.value.noGmRefusal(player.uid, player.host)}</p>;
    }
    const more = detail(failure);

    return <>
        <p>{explain(words.value, failure, 'send')}</p>
        {more !== '' && <p class="quiet">{more}</p>}
    </>;
}
