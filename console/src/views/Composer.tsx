import { useEffect, useLayoutEffect, useMemo, useRef, useState }
    from 'preact/hooks';
import { locale, words } from '../i18n/index.js';
import { isComposing } from '../keys.js';
import { cannedQuery, fillIn, findCanned } from '../store/canned.js';
import { byteLength, clean, split } from '../text.js';
import { clock, date } from '../time.js';
import { asked, messageMax, useDesk } from '../ui.js';
import type { CannedReply } from '../types.js';

const KEEP_AFTER = 300;

// Below so many bytes the counter is shown.
const COUNT_FROM = 500;

export function Composer({ gm, uid }: { gm: string; uid: string }) {
    const desk = useDesk();
    const w = words.value;
    const field = useRef<HTMLTextAreaElement>(null);
    const [text, setText] = useDraft(gm, uid);
    const cleaned = clean(text);
    const bytes = useMemo(() => byteLength(cleaned), [cleaned]);
    const left = messageMax.value - bytes;
    const parts = useMemo(() => left < 0 ? split(cleaned, messageMax.value) : [],
        [cleaned, left < 0]);
    const canned = useCanned(gm, uid, text, (filled) => {
        setText(filled);
        field.current?.focus();
    });

    const send = () => {
        if (cleaned.trim() === '') {
            return;
        }
        for (const part of left < 0 ? parts : [cleaned]) {
            desk.outbox.add(gm, uid, part);
        }
        setText('');
        asked.newest.value++;
        field.current?.focus();
    };
    const pressed = (event: KeyboardEvent) => {
        if (isComposing(event) || canned.key(event)) {
            return;
        }
        // A text of several parts is sent by its button, with intent.
        if (event.key === 'Enter' && !event.shiftKey && left >= 0) {
            event.preventDefault();
            send();
        }
    };

    useHeight(field, text);
    useFocus(field);

    return (
        <form class="compose" onSubmit={(event) => {
            event.preventDefault();
            send();
        }}>
            {canned.view}
            <textarea ref={field} rows={1} value={text} dir="auto"
                aria-label={w.writeTo(uid)} placeholder={w.write}
                aria-autocomplete="list" aria-controls="canned"
                aria-activedescendant={canned.active}
                aria-describedby="counter" aria-invalid={left < 0}
                enterkeyhint="send" spellcheck
                onInput={(event) => setText(event.currentTarget.value)}
                onKeyDown={pressed} />
            <button class="main" type="submit" disabled={cleaned.trim() === ''}>
                {left < 0 ? w.sendParts(parts.length) : w.send}
            </button>
            <Counter left={left} />
        </form>
    );
}

function Counter({ left }: { left: number }) {
    const w = words.value;

    return (
        <p id="counter" class={left < 0 ? 'counter bad' : 'counter quiet'}
            data-left={left}>
            {left < 0 ? w.tooLong(-left)
                : left < COUNT_FROM ? w.bytesLeft(left)
                    : <>{w.insertHint}<span class="wide"> · {w.enterHint}</span></>}
        </p>
    );
}

// Kept a moment after the last key, and when the conversation is left.
function useDraft(gm: string, uid: string): [string, (text: string) => void] {
    const desk = useDesk();
    const [text, setText] = useState(() => desk.draft(gm, uid));
    const latest = useRef(text);
    const kept = useRef(text);
    // What was not changed here is left alone: another tab may have the same
    // conversation open, and a draft of its own.
    const keep = () => {
        if (kept.current !== latest.current) {
            kept.current = latest.current;
            desk.keepDraft(gm, uid, latest.current);
        }
    };

    latest.current = text;
    useEffect(() => {
        const timer = setTimeout(keep, KEEP_AFTER);

        return () => clearTimeout(timer);
    }, [text]);
    useEffect(() => {

        window.addEventListener('pagehide', keep);
        return () => {
            window.removeEventListener('pagehide', keep);
            keep();
        };
    }, []);
    return [text, setText];
}

function useHeight(field: { current: HTMLTextAreaElement | null }, text: string) {
    useLayoutEffect(() => {
        const element = field.current!;

        element.style.height = 'auto';
        element.style.height = `${element.scrollHeight + 2}px`;
    }, [text]);
}

function useFocus(field: { current: HTMLTextAreaElement | null }) {
    useEffect(() => {
        const before = asked.compose.peek();

        // Where there is a keyboard: a field in focus opens a phone's.
        if (matchMedia('(hover: hover)').matches) {
            field.current?.focus();
        }
        return asked.compose.subscribe((times) => {
            if (times !== before) {
                field.current?.focus();
            }
        });
    }, []);
}

function useCanned(gm: string, uid: string, text: string,
    insert: (text: string) => void)
{
    const desk = useDesk();
    const [at, setAt] = useState(0);
    const [left, setLeft] = useState('');
    const query = cannedQuery(text);
    const open = query !== undefined && left !== text;
    const found = open ? findCanned(desk.canned.value, query) : [];
    const chosen = Math.min(at, found.length - 1);

    useEffect(() => {
        if (open) {
            desk.cannedSoon();
        }
    }, [open]);
    const take = (reply: CannedReply) => {
        const now = Date.now();
        const one = desk.conversation(gm, uid);
        const account = desk.accounts.value.find((each) =>
            each.gm_account === gm);

        insert(fillIn(reply.text, {
            player: uid,
            host: one?.host ?? '',
            gm: account?.name ?? gm,
            gm_account: gm,
            date: date(locale.value, now),
            time: clock(locale.value, now),
        }));
        setAt(0);
    };
    // Was the key meant for the list?
    const key = (event: KeyboardEvent): boolean => {
        // A name mistyped at night is no message: Escape says that it is one.
        if (open && found.length === 0 &&
            (event.key === 'Enter' || event.key === 'Escape'))
        {
            if (event.key === 'Escape') {
                setLeft(text);
            }
            event.preventDefault();
            event.stopPropagation();
            return true;
        }
        if (found.length === 0) {
            return false;
        }
        switch (event.key) {
        case 'ArrowDown':
            setAt((chosen + 1) % found.length);
            break;
        case 'ArrowUp':
            setAt((chosen + found.length - 1) % found.length);
            break;
        case 'Enter':
        case 'Tab':
            take(found[chosen]!);
            break;
        case 'Escape':
            setLeft(text);
            break;
        default:
            return false;
        }
        event.preventDefault();
        event.stopPropagation();
        return true;
    };

    return {
        key,
        active: found.length > 0 ? `canned-${chosen}` : undefined,
        view: <CannedList found={found} chosen={chosen} open={open} take={take} />,
    };
}

function CannedList({ found, chosen, open, take }: {
    found: readonly CannedReply[]; chosen: number; open: boolean;
    take: (reply: CannedReply) => void;
}) {
    const w = words.value;

    if (open && found.length === 0) {
        return <p class="canned quiet" id="canned" role="status">
            {w.noCanned}. {w.noCannedHint}</p>;
    }
    return (
        <ul class="canned" id="canned" role="listbox" hidden={!open}
            aria-label={w.cannedReplies}>
            {found.map((reply, place) => (
                <li key={reply.name} id={`canned-${place}`} role="option"
                    aria-selected={place === chosen}
                    onMouseDown={(event) => event.preventDefault()}
                    onClick={() => take(reply)}>
                    <b>/{reply.name}</b> <span class="last">{reply.text}</span>
                </li>
            ))}
        </ul>
    );
}
