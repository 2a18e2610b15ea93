import { useState } from 'preact/hooks';
import type { Failure } from '../../api.js';
import { detail, explain } from '../../errors.js';
import { words } from '../../i18n/index.js';
import { asFailure } from '../../api.js';
import type { Operator, Role } from '../../types.js';
import { question, useDesk } from '../../ui.js';
import { TextField, Trouble } from '../fields.js';
import { Table } from './Table.js';
import { useList } from './useList.js';

const ROLES = ['gm', 'viewer', 'admin'] as const;

export function OperatorsPage() {
    const desk = useDesk();
    const w = words.value;
    const listed = useList(() => desk.api.operators());
    const [edited, setEdited] = useState<Operator | undefined>();
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
            <Edit key={edited?.operator ?? ''} of={edited} saved={async () => {
                setEdited(undefined);
                await listed.reload();
            }} />
            <Table title={w.operators} listed={listed}
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

function Edit({ of, saved }: {
    of: Operator | undefined; saved: () => Promise<void>;
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
                    ? accounts.replace(/[\s，]+/g, ',').replace(/,+/g, ',')
                        .replace(/^,|,$/g, '') || undefined
                    : undefined,
            });
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
                id="operator-name" />
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
            <button class="main" type="submit" disabled={operator === ''}>
                {w.setOperator}</button>
            {failure !== undefined &&
                <Trouble text={explain(w, failure)} more={detail(failure)} />}
        </form>
    );
}
