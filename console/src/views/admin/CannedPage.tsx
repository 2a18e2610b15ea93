import { useState } from 'preact/hooks';
import type { Failure } from '../../api.js';
import { detail, explain } from '../../errors.js';
import { words } from '../../i18n/index.js';
import { asFailure } from '../../api.js';
import { isCannedName, VARIABLES } from '../../store/canned.js';
import { byteLength, clean } from '../../text.js';
import type { CannedReply } from '../../types.js';
import { messageMax, question, say, useDesk } from '../../ui.js';
import { TextField, Trouble } from '../fields.js';
import { Table } from './Table.js';
import { useList } from './useList.js';

export function CannedPage() {
    const desk = useDesk();
    const w = words.value;
    const [edited, setEdited] = useState<CannedReply | undefined>();
    const [times, setTimes] = useState(0);
    const listed = useList(async () => {
        const list = await desk.api.canned();

        desk.canned.value = list;
        return list;
    });
    const remove = (name: string) => {
        question.value = {
            text: w.removeQuestion(name),
            yes: w.remove,
            act: async () => {
                await desk.api.post('canned_del', { name });
                await listed.reload();
            },
        };
    };

    return (
        <>
            <Edit key={`${times} ${edited?.name ?? ''}`} of={edited}
                cancel={() => setEdited(undefined)} saved={async () => {
                    setEdited(undefined);
                    setTimes(times + 1);
                    await listed.reload();
                }} />
            <Table title={w.cannedReplies} listed={listed} empty={w.cannedEmpty}
                keyOf={(row) => row.name} columns={[
                    { title: w.name, of: (row) => `/${row.name}` },
                    { title: w.text, of: (row) =>
                        <span class="text">{row.text}</span> },
                    { title: w.action, of: (row) => <>
                        <button onClick={() => setEdited(row)}>{w.edit}</button>{' '}
                        <button onClick={() => remove(row.name)}>{w.remove}
                        </button>
                    </> },
                ]} />
        </>
    );
}

function Edit({ of, saved, cancel }: {
    of: CannedReply | undefined; saved: () => Promise<void>; cancel: () => void;
}) {
    const desk = useDesk();
    const w = words.value;
    const [name, setName] = useState(of?.name ?? '');
    const [text, setText] = useState(of?.text ?? '');
    const [failure, setFailure] = useState<Failure | undefined>();
    const left = messageMax.value - byteLength(clean(text));
    const badName = name !== '' && !isCannedName(name);
    const save = async () => {
        setFailure(undefined);
        try {
            await desk.api.post('canned_set', { name, text: clean(text) });
            say(w.saved(name));
            await saved();
        } catch (error) {
            setFailure(asFailure(error));
        }
    };

    return (
        <form class="form" onSubmit={(event) => {
            event.preventDefault();
            void save();
        }}>
            <TextField name={w.name} value={name} set={setName} id="canned-name"
                changes={of !== undefined} bad={badName ? w.badName : undefined} />
            <div class="field">
                <label for="canned-text">{w.text}</label>
                <textarea id="canned-text" rows={3} value={text}
                    aria-describedby="canned-note" aria-invalid={left < 0}
                    onInput={(event) => setText(event.currentTarget.value)} />
                <p class={left < 0 ? 'bad' : 'quiet'} id="canned-note">
                    {left < 0 ? w.tooLong(-left) : w.variables(
                        VARIABLES.map((one) => `{${one}}`).join(' '))}
                </p>
            </div>
            <div class="actions">
                {of !== undefined &&
                    <button type="button" onClick={cancel}>{w.cancel}</button>}
                <button class="main" type="submit" disabled={!isCannedName(name) ||
                    text.trim() === '' || left < 0}>{w.setCanned}</button>
            </div>
            {failure !== undefined &&
                <Trouble text={explain(w, failure)} more={detail(failure)} />}
        </form>
    );
}
