import { detail, explain } from '../errors.js';
import { locale, words } from '../i18n/index.js';
import type { Item } from '../store/items.js';
import { clock, dayMark, full } from '../time.js';
import { now, useDesk } from '../ui.js';

// What a player wrote is a text node and nothing else, whatever stands in it.
export function MessageRow({ item, gm, uid }: {
    item: Item; gm: string; uid: string;
}) {
    const w = words.value;

    return (
        <li data-key={item.key} data-state={item.state}
            class={`message${item.mine ? ' mine' : ''}${item.first ? '' : ' follows'}`}>
            {item.day && <p class="mark quiet day">
                {dayMark(w, locale.value, item.ts, now.value)}</p>}
            {item.fresh && <p class="mark fresh">{w.newMessages}</p>}
            <div class="bubble">
                <span class="hidden">{item.mine ? w.you : w.playerLabel(uid)}:
                    {' '}</span>
                {item.gm !== gm &&
                    <span class="other quiet">{w.otherGm(item.gm)}</span>}
                <p class="text" dir="auto">{item.text}</p>
                <p class="meta">
                    <time dateTime={new Date(item.ts).toISOString()}
                        title={full(locale.value, item.ts)}>
                        {clock(locale.value, item.ts)}</time>
                    {item.state !== undefined && <>
                        {' '}<span class={`sign ${item.state}`}>
                            {w.states[item.state]}</span></>}
                </p>
            </div>
            {item.state === 'failed' && <Failed item={item} />}
        </li>
    );
}

function Failed({ item }: { item: Item }) {
    const { outbox } = useDesk();
    const w = words.value;
    const { failure } = item;

    return (
        <div class="failed" role="alert">
            <p>{failure === undefined
                ? w.afterReload : explain(w, failure, 'send')}</p>
            {failure !== undefined && detail(failure) !== '' &&
                <p class="quiet" lang="en">{detail(failure)}</p>}
            <button onClick={() => outbox.retry(item.msgid)}>{w.retry}</button>
            <button onClick={() => outbox.drop(item.msgid)}>{w.discard}</button>
        </div>
    );
}
