import { useEffect, useRef } from 'preact/hooks';
import { words } from '../i18n/index.js';
import { isNumber } from '../store/ids.js';

export function NumberField({ name, value, set, id }: {
    name: string; value: string; set: (value: string) => void; id: string;
}) {
    const bad = value !== '' && !isNumber(value);

    return (
        <div class="field">
            <label for={id}>{name}</label>
            <input id={id} inputMode="numeric" autocomplete="off" required
                value={value} aria-invalid={bad}
                aria-describedby={bad ? `${id}-bad` : undefined}
                onInput={(event) => set(event.currentTarget.value.trim())} />
            {bad && <p class="bad" id={`${id}-bad`}>{words.value.badNumber}</p>}
        </div>
    );
}

export function TextField({ name, value, set, id, hint, bad, changes }: {
    name: string; value: string; set: (value: string) => void; id: string;
    hint?: string; bad?: string | undefined;
    // The name of what is changed: it stays, for another one would be another thing.
    // Begins with the focus, in view.
    changes?: boolean;
}) {
    const note = bad ?? hint;
    const field = useRef<HTMLInputElement>(null);

    useEffect(() => {
        if (changes === true) {
            field.current?.focus();
        }
    }, []);

    return (
        <div class="field">
            <label for={id}>{name}</label>
            <input ref={field} id={id} autocomplete="off" value={value}
                readOnly={changes === true}
                aria-invalid={bad !== undefined}
                aria-describedby={note === undefined ? undefined : `${id}-note`}
                onInput={(event) => set(event.currentTarget.value)} />
            {note !== undefined && <p id={`${id}-note`}
                class={bad === undefined ? 'quiet' : 'bad'}>{note}</p>}
        </div>
    );
}

export function Trouble({ text, more }: { text: string; more: string }) {
    return (
        <div class="bad" role="alert">
            <p>{text}</p>
            {more !== '' && <p class="quiet" lang="en">{more}</p>}
        </div>
    );
}
