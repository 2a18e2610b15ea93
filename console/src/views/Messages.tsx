import { useEffect, useLayoutEffect, useMemo, useRef, useState }
    from 'preact/hooks';
import { words } from '../i18n/index.js';
import { freshKeyOf, itemsOf, type Item } from '../store/items.js';
import type { Log } from '../store/log.js';
import { asked, useDesk } from '../ui.js';
import {
    earlier, later, newestPiece, shifted, MOST, type Range,
} from '../window.js';
import { Icon } from './Icon.js';
import { MessageRow } from './MessageRow.js';

// From an end of what is in the page, px.
const NEAR = 500;
const AT_BOTTOM = 40;

// Where the reader is: at the newest message, or with a message at a place.
type Anchor = 'newest' | { key: string; top: number };

export function Messages({ gm, uid }: { gm: string; uid: string }) {
    const desk = useDesk();
    const w = words.value;
    const log = desk.logOf(gm, uid).value;
    const outgoing = desk.outbox.of(gm, uid);
    const freshKey = useFreshKey(gm, uid);
    const items = useMemo(() => itemsOf(log, outgoing, freshKey),
        [log, desk.outbox.items.value, freshKey]);
    const scroller = useRef<HTMLDivElement>(null);
    const anchor = useRef<Anchor>('newest');
    const [range, setRange] = useRange(items, anchor.current === 'newest');
    const [away, setAway] = useState(false);
    const unread = desk.conversation(gm, uid)?.unread ?? 0;

    const older = () => void desk.readOlder(gm, uid).catch(() => undefined);
    const scrolled = () => {
        const element = scroller.current;

        // The event of a conversation that was left a moment ago.
        if (element === null) {
            return;
        }

        const below = element.scrollHeight - element.scrollTop -
            element.clientHeight;
        const atNewest = below < AT_BOTTOM && range.to >= items.length;

        anchor.current = atNewest ? 'newest' : anchorOf(element);
        setAway(!atNewest);
        if (element.scrollTop < NEAR) {
            if (range.from > 0) {
                setRange(earlier(range));
            } else if (log.loaded && log.more) {
                older();
            }
        } else if (below < NEAR && range.to < items.length) {
            setRange(later(range, items.length));
        }
        if (atNewest) {
            seen();
        }
    };
    const seen = () => {
        if (anchor.current === 'newest' && log.loaded &&
            !document.hidden && document.hasFocus())
        {
            void desk.markRead(gm, uid);
        }
    };
    const newest = () => {
        anchor.current = 'newest';
        setRange(newestPiece(items.length));
        setAway(false);
    };

    useLayoutEffect(() => restore(scroller.current!, anchor.current));
    useBottom(scroller, anchor);
    useSeen(seen, unread, items.length);
    useAsked(scroller, newest);

    return (
        <div class="messages" ref={scroller} role="log" tabIndex={0}
            aria-label={w.messages} onScroll={scrolled}>
            <ol>
                {(range.from === 0 || !log.loaded) && <Beginning log={log}
                    older={older} />}
                {items.slice(range.from, range.to).map((item) =>
                    <MessageRow key={item.key} item={item} gm={gm} uid={uid} />)}
            </ol>
            {away && <button class="jump" onClick={newest}>
                <Icon name="down" /> {w.jump}{unread > 0 &&
                    ` (${w.unread(String(unread))})`}</button>}
        </div>
    );
}

// What stands in front of the oldest message that is known.
function Beginning({ log, older }: { log: Log; older: () => void }) {
    const w = words.value;

    if (!log.loaded) {
        return <li class="mark quiet">{w.loading}</li>;
    }
    return log.more
        ? <li class="mark"><button onClick={older}>{w.older}</button></li>
        : <li class="mark quiet">{log.messages.length === 0
            ? w.noMessages : w.beginning}</li>;
}

// Of what was unread when the conversation was opened; it stays where it is.
function useFreshKey(gm: string, uid: string): string {
    const desk = useDesk();
    const unread = useRef(desk.conversation(gm, uid)?.unread ?? 0);
    const key = useRef<string | undefined>(undefined);
    const log = desk.logOf(gm, uid).value;

    if (key.current === undefined && log.loaded) {
        key.current = freshKeyOf(log, unread.current);
    }
    return key.current ?? '';
}

// The piece of the list that is in the page: it stays with its messages when older
// ones come in front of them, and follows new ones where the reader does.
function useRange(items: readonly Item[], follows: boolean):
    [Range, (range: Range) => void]
{
    const [, again] = useState(0);
    const view = useRef({ range: newestPiece(0), first: '', count: 0 });
    const old = view.current;
    const first = items[0]?.key ?? '';

    if (first !== old.first || items.length !== old.count) {
        const older = first === old.first ? 0
            : items.findIndex((one) => one.key === old.first);

        if (older < 0 || old.count === 0) {
            old.range = newestPiece(items.length);
        } else {
            old.range = shifted(old.range, older);
            if (follows || old.range.to > items.length) {
                old.range = {
                    from: Math.max(0, Math.min(old.range.from,
                        items.length), items.length - MOST),
                    to: items.length,
                };
            }
            if (older > 0) {
                old.range = earlier(old.range);
            }
        }
        old.first = first;
        old.count = items.length;
    }
    return [old.range, (range) => {
        view.current.range = range;
        again((times) => times + 1);
    }];
}

// The first message in view.
function anchorOf(element: HTMLElement): Anchor {
    for (const row of element.querySelectorAll<HTMLElement>('li[data-key]')) {
        if (row.offsetTop + row.offsetHeight > element.scrollTop) {
            return {
                key: row.dataset['key']!,
                top: row.offsetTop - element.scrollTop,
            };
        }
    }
    return 'newest';
}

function restore(element: HTMLElement, anchor: Anchor): void {
    if (anchor === 'newest') {
        element.scrollTop = element.scrollHeight;
        return;
    }
    const row = element.querySelector<HTMLElement>(
        `li[data-key="${CSS.escape(anchor.key)}"]`);

    if (row !== null && row.offsetTop - element.scrollTop !== anchor.top) {
        element.scrollTop = row.offsetTop - anchor.top;
    }
}

// The page may change its size, or a font come late.
function useBottom(scroller: { current: HTMLDivElement | null },
    anchor: { current: Anchor })
{
    useLayoutEffect(() => {
        const element = scroller.current!;
        const observer = new ResizeObserver(() =>
            restore(element, anchor.current));

        observer.observe(element);
        observer.observe(element.firstElementChild!);
        return () => observer.disconnect();
    }, []);
}

// What is shown in front of somebody is read.
function useSeen(seen: () => void, unread: number, count: number) {
    const latest = useRef(seen);

    latest.current = seen;
    useEffect(() => {
        if (unread > 0) {
            latest.current();
        }
    }, [unread, count]);
    useEffect(() => {
        const look = () => latest.current();

        window.addEventListener('focus', look);
        document.addEventListener('visibilitychange', look);
        return () => {
            window.removeEventListener('focus', look);
            document.removeEventListener('visibilitychange', look);
        };
    }, []);
}

function useAsked(scroller: { current: HTMLDivElement | null },
    newest: () => void)
{
    const latest = useRef(newest);

    latest.current = newest;
    useEffect(() => {
        const before = { older: asked.older.peek(), newest: asked.newest.peek() };
        const stops = [
            asked.older.subscribe((times) => {
                const element = scroller.current;

                if (times !== before.older && element !== null) {
                    element.scrollTop -= element.clientHeight * 0.8;
                }
            }),
            asked.newest.subscribe((times) => {
                if (times !== before.newest) {
                    latest.current();
                }
            }),
        ];

        return () => stops.forEach((stop) => stop());
    }, []);
}
