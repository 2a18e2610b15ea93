import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asFailure } from '../api.js';
import { detail, explain } from '../errors.js';
import { words } from '../i18n/index.js';
import { dialog, question, wanted } from '../ui.js';
import { AddPlayer, FindPlayer } from './Players.js';
import { Help } from './Help.js';
import { Icon } from './Icon.js';
import { SettingsView } from './SettingsView.js';

export function Dialogs() {
    const w = words.value;

    if (question.value !== undefined) {
        return <Ask />;
    }
    switch (dialog.value) {
    case 'help':
        return <Box key="help" title={w.help}><Help /></Box>;
    case 'settings':
        return <Box key="settings" title={w.settings}><SettingsView /></Box>;
    case 'add':
        return <Box key="addPlayer" title={w.addPlayer}><AddPlayer /></Box>;
    case 'find':
        return <Box key="findPlayer" title={w.findPlayer}><FindPlayer /></Box>;
    default:
        return null;
    }
}

export function closeDialog(): void {
    dialog.value = undefined;
    wanted.value = '';
    question.value = undefined;
}

// The browser's own modal: it keeps the focus, closes by Escape, gives it back.
function Box({ title, children }: {
    title: string; children: ComponentChildren;
}) {
    const element = useRef<HTMLDialogElement>(null);
    const gone = useRef(false);

    useLayoutEffect(() => {
        const box = element.current!;

        box.showModal();
        // What is to be filled in comes before the sign that closes it.
        box.querySelector<HTMLElement>('input:not([type=checkbox])')?.focus();
        return () => {
            // Another one may be open by the time that its event comes.
            gone.current = true;
            box.close();
        };
    }, []);

    return (
        <dialog ref={element} aria-labelledby="dialog-title"
            onMouseDown={(event) => {
                // Beside the box, where only what it covers is.
                if (event.target === element.current && beside(event)) {
                    closeDialog();
                }
            }}
            onClose={() => {
                if (!gone.current) {
                    closeDialog();
                }
            }}>
            <header>
                <h2 id="dialog-title">{title}</h2>
                <button class="tool" aria-label={words.value.close}
                    title={words.value.close}
                    onClick={closeDialog}><Icon name="close" /></button>
            </header>
            {children}
        </dialog>
    );
}

function beside(event: MouseEvent): boolean {
    const box = (event.target as Element).getBoundingClientRect();

    return event.clientX < box.left || event.clientX > box.right ||
        event.clientY < box.top || event.clientY > box.bottom;
}

function Ask() {
    const { text, yes, act } = question.value!;
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState('');
    const w = words.value;
    const agree = async () => {
        setBusy(true);
        try {
            await act();
            closeDialog();
        } catch (error) {
            const failure = asFailure(error);

            setProblem(`${explain(w, failure)} ${detail(failure)}`);
            setBusy(false);
        }
    };

    return (
        <Box title={yes}>
            <p>{text}</p>
            {problem !== '' && <p class="bad" role="alert">{problem}</p>}
            <div class="actions">
                <button onClick={closeDialog}>{w.cancel}</button>
                <button class="main danger" disabled={busy}
                    onClick={() => void agree()}>{yes}</button>
            </div>
        </Box>
    );
}
