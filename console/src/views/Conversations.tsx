import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { locale, words } from '../i18n/index.js';
import { isComposing } from '../keys.js';
import type { Conversation } from '../store/conversations.js';
import { howLong, shortly } from '../time.js';
import { asked, go, now, useDesk } from '../ui.js';
import { visibleRows } from '../window.js';

// As console.css has it.
const ROW = 68;

// A player who waits longer than this is waiting too long, ms.
const LONG = 600_000;

// The bridge counts no further.
const COUNTED = 50;

function counted(unread: number): string {
    return unread >= COUNTED ? `${COUNTED}+` : String(unread);
}

export function Conversations() {
    const desk = useDesk();
    const list = desk.sorted.value;
    const search = useRef<HTMLInputElement>(null);
    const w = words.value;
    const waiting = list.filter((one) => one.waiting !== 0).length;

    // Enter opens the first one, Escape shows all again.
    const pressed = (event: KeyboardEvent) => {
        const [first] = list;

        if (isComposing(event)) {
            return;
        }
        if (event.key === 'Enter' && first !== undefined) {
            go({ view: 'conversation', gm: first.gm, uid: first.uid });
        } else if (event.key === 'Escape' && desk.filter.value !== '') {
            desk.filter.value = '';
            event.preventDefault();
            event.stopPropagation();
        }
    };

    useEffect(() => asked.search.subscribe((times) => {
        if (times > 0) {
            search.current?.focus();
        }
    }), []);

    return (
        <section class="conversations" aria-label={w.conversations}>
            <div class="search">
                <input ref={search} type="search" aria-label={w.search}
                    placeholder={w.search} value={desk.filter.value}
                    onKeyDown={pressed}
                    onInput={(event) => {
                        desk.filter.value = event.currentTarget.value;
                    }} />
                <span class="quiet" role="status">
                    {waiting > 0 && w.waitingCount(waiting)}</span>
            </div>
            {list.length === 0 ? <Empty /> : <Rows list={list} />}
        </section>
    );
}

function Empty() {
    const desk = useDesk();
    const w = words.value;

    if (desk.loading.value) {
        return <p class="alone quiet">{w.loading}</p>;
    }
    if (desk.filter.value === '') {
        return <p class="alone quiet">{w.listBegins}</p>;
    }
    return (
        <div class="alone quiet">
            <p>{w.noMatches}</p>
            <button onClick={() => { desk.filter.value = ''; }}>{w.showAll}</button>
        </div>
    );
}

function Rows({ list }: { list: readonly Conversation[] }) {
    const desk = useDesk();
    const scroller = useRef<HTMLDivElement>(null);
    const [view, setView] = useState({ scroll: 0, height: 800 });
    const look = () => {
        const at = scroller.current;

        if (at !== null) {
            setView({ scroll: at.scrollTop, height: at.clientHeight });
        }
    };

    useLayoutEffect(() => {
        const observer = new ResizeObserver(look);

        observer.observe(scroller.current!);
        return () => observer.disconnect();
    }, []);

    const open = desk.open.value;
    const at = open === undefined ? -1 : list.findIndex((one) =>
        one.gm === open.gm && one.uid === open.uid);

    // The keyboard may choose one that is out of view.
    useLayoutEffect(() => {
        const element = scroller.current!;
        const top = at * ROW;

        if (at >= 0 && (top < element.scrollTop ||
            top + ROW > element.scrollTop + element.clientHeight))
        {
            element.scrollTop = top - element.clientHeight / 2;
        }
    }, [open?.gm, open?.uid]);

    const { from, to } = visibleRows(view.scroll, view.height, ROW, list.length);
    const rows = [];

    for (let place = from; place < to; place++) {
        const one = list[place]!;

        rows.push(<Row key={one.key} one={one} place={place} of={list.length}
            open={place === at} />);
    }
    return (
        <div class="rows" ref={scroller} onScroll={look}>
            <ul style={{ height: `${list.length * ROW}px` }}>{rows}</ul>
        </div>
    );
}

function Row({ one, place, of, open }: {
    one: Conversation; place: number; of: number; open: boolean;
}) {
    const desk = useDesk();
    const w = words.value;
    const account = desk.followed.value.size > 1 && desk.accounts.value.find(
        (each) => each.gm_account === one.gm);
    const { last } = one;
    const waits = now.value - one.waiting;

    return (
        <li style={{ transform: `translateY(${place * ROW}px)` }}
            aria-setsize={of} aria-posinset={place + 1}>
            <button class={`row ${one.unread > 0 ? 'unread' : ''}`}
                aria-current={open ? 'true' : undefined}
                data-uid={one.uid} data-gm={one.gm}
                onClick={() => go({ view: 'conversation', gm: one.gm,
                    uid: one.uid })}>
                <span class="line">
                    <b>{one.uid}</b>
                    {account && <bdi class="of" title={one.gm}>
                        {account.name}</bdi>}
                    <span class={`host ${one.silent ? 'is-silent' : ''}`}>
                        {w.hostLabel(one.host)}{one.silent && ` · ${w.silent}`}
                    </span>
                    <span class="when">{last !== undefined &&
                        shortly(w, locale.value, last.ts, now.value)}</span>
                </span>
                <span class="line">
                    <span class="last" dir="auto">{last !== undefined &&
                        `${last.dir === 'to_player' ? `${w.you}: ` : ''}${last.line}`
                    }</span>
                    {desk.outbox.hasFailed(one.gm, one.uid) &&
                        <span class="not-sent">{w.states.failed}</span>}
                    {one.waiting !== 0 &&
                        <span class={`waits ${waits > LONG ? 'long' : ''}`}>
                            {w.waits(howLong(w, waits))}</span>}
                    {one.unread > 0 && <span class="badge">
                        <span aria-hidden="true">{counted(one.unread)}</span>
                        <span class="hidden">{w.unread(counted(one.unread))}</span>
                    </span>}
                </span>
            </button>
        </li>
    );
}
