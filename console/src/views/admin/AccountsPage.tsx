import { useState } from 'preact/hooks';
import type { Failure } from '../../api.js';
import { detail, explain } from '../../errors.js';
import { words } from '../../i18n/index.js';
import { asFailure } from '../../api.js';
import { isNumber } from '../../store/ids.js';
import { mayAdminister } from '../../store/rights.js';
import { dialog, say, useDesk } from '../../ui.js';
import { NumberField, TextField, Trouble } from '../fields.js';
import { Table } from './Table.js';
import { useList } from './useList.js';

export function AccountsPage() {
    const desk = useDesk();
    const w = words.value;
    const listed = useList(() => desk.api.accounts());
    const created = async () => {
        await Promise.all([listed.reload(), desk.readAccounts()]);
    };

    return (
        <>
            {desk.me.value !== undefined && mayAdminister(desk.me.value) &&
                <Create created={created} />}
            {listed.list?.length === 0 && <p class="note">{w.createHint}</p>}
            {listed.list?.length === 1 && desk.sorted.value.length === 0 &&
                <p class="note">{w.thenAdd}
                    <button onClick={() => { dialog.value = 'add'; }}>
                        {w.addPlayer}</button></p>}
            <Table title={w.accounts} listed={listed}
                keyOf={(row) => row.gm_account} columns={[
                    { title: w.account, of: (row) => row.gm_account },
                    { title: w.name, of: (row) => row.name },
                    { title: w.state, of: (row) =>
                        row.online ? w.online : w.offline },
                    { title: w.friends, of: (row) => row.friends, number: true },
                ]} />
        </>
    );
}

function Create({ created }: { created: () => Promise<void> }) {
    const desk = useDesk();
    const w = words.value;
    const [gm, setGm] = useState('');
    const [name, setName] = useState('');
    const [failure, setFailure] = useState<Failure | undefined>();
    const create = async () => {
        setFailure(undefined);
        try {
            await desk.api.post('create', { gm_account: gm, gm_name: name });
            // A new one is online, and nobody sits there yet.
            await desk.api.post('offline', { gm_account: gm });
            setGm('');
            setName('');
            say(w.accountCreated(name));
            await created();
        } catch (error) {
            setFailure(asFailure(error));
        }
    };

    return (
        <form class="form inline" onSubmit={(event) => {
            event.preventDefault();
            void create();
        }}>
            <NumberField name={w.account} value={gm} set={setGm} id="create-gm" />
            <TextField name={w.name} value={name} set={setName} id="create-name" />
            <button class="main" type="submit"
                disabled={!isNumber(gm) || name.trim() === ''}>
                {w.createAccount}</button>
            {failure !== undefined &&
                <Trouble text={explain(w, failure)} more={detail(failure)} />}
        </form>
    );
}
