import { useState } from 'preact/hooks';
import type { Failure } from '../../api.js';
import { detail, explain } from '../../errors.js';
import { words } from '../../i18n/index.js';
import { asFailure } from '../../api.js';
import type { Operator, Role } from '../../types.js';
import { question, say, useDesk } from '../../ui.js';
import { TextField, Trouble } from '../fields.js';
import { Table } from './Table.js';
import { useList } from './useList.js';

// As many accounts are shown to be chosen from.
const MOST = 40;

const ROLES = ['gm', 'viewer', 'admin'] as const;

export function OperatorsPage() {
    const desk = useDesk();
    const w = words.value;
    const listed = useList(() => desk.api.operators());
    const [edited, setEdited] = useState<Operator | undefined>();
    const [times, setTimes] = useState(0);
    const dismiss = (operator: string) => {
        question.value = {
            text: w.dismissQuestion(operator),
            yes: w.dismiss,
            act: async () => {
                await desk.api.post('dismiss', { operator });
                await listed.reload();
            },
        };
    };

    return (
        <>
            <Edit key={`${times} ${edited?.operator ?? ''}`} of={edited}
                cancel={() => setEdited(undefined)} saved={async () => {
                    setEdited(undefined);
                    // A form that is empty again.
                    setTimes(times + 1);
                    await listed.reload();
                }} />
            <Table title={w.operators} listed={listed} empty={w.operatorsEmpty}
                keyOf={(row) => row.operator} columns={[
                    { title: w.operator, of: (row) => row.operator },
                    { title: w.role, of: (row) => w.roles[row.role] },
                    { title: w.mayActFor, of: (row) =>
                        row.gm_accounts.join(', ') },
                    { title: w.action, of: (row) => <>
                        <button onClick={() => setEdited(row)}>{w.edit}</button>{' '}
                        <button onClick={() => dismiss(row.operator)}>{w.dismiss}
                        </button>
                    </> },
                ]} />
        </>
    );
}

function Edit({ of, saved, cancel }: {
    of: Operator | undefined; saved: () => Promise<void>; cancel: () => void;
}) {
    const desk = useDesk();
    const w = words.value;
    const [operator, setOperator] = useState(of?.operator ?? '');
    const [role, setRole] = useState<Role>(of?.role ?? 'gm');
    const [accounts, setAccounts] = useState(of?.gm_accounts.join(',') ?? '');
    const [failure, setFailure] = useState<Failure | undefined>();
    const save = async () => {
        setFailure(undefined);
        try {
            await desk.api.post('operator', {
                operator,
                role,
                gm_accounts: role === 'gm'
                    ? numbersOf(accounts).join() || undefined : undefined,
            });
            say(w.saved(operator));
            await saved();
        } catch (error) {
            setFailure(asFailure(error));
        }
    };

    return (
        <form class="form inline" onSubmit={(event) => {
            event.preventDefault();
            void save();
        }}>
            <TextField name={w.operator} value={operator} set={setOperator}
                id="operator-name" changes={of !== undefined}
                hint={w.operatorHint} />
            <div class="field">
                <label for="operator-role">{w.role}</label>
                <select id="operator-role" value={role} onChange={(event) =>
                    setRole(event.currentTarget.value as Role)}>
                    {ROLES.map((one) => (
                        <option key={one} value={one}>{w.roles[one]}</option>))}
                </select>
            </div>
            {role === 'gm' && <TextField name={w.mayActFor} value={accounts}
                set={setAccounts} id="operator-accounts" hint={w.mayActHint} />}
            {role === 'gm' && <Choose numbers={numbersOf(accounts)}
                set={(numbers) => setAccounts(numbers.join(', '))} />}
            <button class="main" type="submit" disabled={operator === ''}>
                {w.setOperator}</button>
            {of !== undefined &&
                <button type="button" onClick={cancel}>{w.cancel}</button>}
            {failure !== undefined &&
                <Trouble text={explain(w, failure)} more={detail(failure)} />}
        </form>
    );
}

// As people write lists of them.
function numbersOf(text: string): string[] {
    return text.split(/[\s,，、;；]+/).filter((one) => one !== '');
}

// The accounts that are there, to be given by a click; of very many, by number alone.
function Choose({ numbers, set }: {
    numbers: readonly string[]; set: (numbers: readonly string[]) => void;
}) {
    const accounts = useDesk().accounts.value;

    if (accounts.length === 0 || accounts.length > MOST) {
        return null;
    }
    return (
        <div class="chips" role="group" aria-label={words.value.accountsToGive}>
            {accounts.map(({ gm_account: gm, name }) => {
                const has = numbers.includes(gm);

                return (
                    <button key={gm} type="button" class="chip" aria-pressed={has}
                        onClick={() => set(has
                            ? numbers.filter((one) => one !== gm)
                            : [...numbers, gm])}>
                        <bdi>{name}</bdi> <span>{gm}</span></button>
                );
            })}
        </div>
    );
}
