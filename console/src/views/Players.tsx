import { useState } from 'preact/hooks';
import type { Failure } from '../api.js';
import { asFailure } from '../api.js';
import { detail, explain } from '../errors.js';
import { words } from '../i18n/index.js';
import { isNumber } from '../store/ids.js';
import { mayAct } from '../store/rights.js';
import type { Player } from '../types.js';
import { go, say, useDesk } from '../ui.js';
import { closeDialog } from './Dialogs.js';
import { NumberField, Trouble } from './fields.js';

export function AddPlayer() {
    const desk = useDesk();
    const w = words.value;
    const mine = desk.accounts.value.filter((one) =>
        desk.me.value !== undefined && mayAct(desk.me.value, one.gm_account));
    const [gm, setGm] = useState(desk.open.value?.gm ??
        (desk.onlyAccount.value || (mine[0]?.gm_account ?? '')));
    const [host, setHost] = useState('');
    const [uid, setUid] = useState('');
    const [failure, setFailure] = useState<Failure | undefined>();
    const [busy, setBusy] = useState(false);
    const add = async () => {
        setBusy(true);
        setFailure(undefined);
        try {
            if (!desk.followed.value.has(gm)) {
                await desk.chooseFollowed(gm, true);
            }
            await desk.add(gm, host, uid);
            say(w.added(uid));
            closeDialog();
            go({ view: 'conversation', gm, uid });
        } catch (error) {
            setFailure(asFailure(error));
        }
        setBusy(false);
    };

    return (
        <form class="form" onSubmit={(event) => {
            event.preventDefault();
            void add();
        }}>
            <label>{w.account}
                <select value={gm} onChange={(event) =>
                    setGm(event.currentTarget.value)}>
                    {mine.map((one) => (
                        <option key={one.gm_account} value={one.gm_account}>
                            {one.name} ({one.gm_account})</option>
                    ))}
                </select>
            </label>
            <NumberField name={w.host} value={host} set={setHost} id="add-host" />
            <NumberField name={w.uid} value={uid} set={setUid} id="add-uid" />
            {failure !== undefined &&
                <Trouble text={explain(w, failure, 'add')}
                    more={detail(failure)} />}
            <div class="actions">
                <button class="main" type="submit" disabled={busy ||
                    gm === '' || !isNumber(host) || !isNumber(uid)}>{w.add}</button>
            </div>
        </form>
    );
}

export function FindPlayer() {
    const desk = useDesk();
    const w = words.value;
    const [uid, setUid] = useState('');
    const [found, setFound] = useState<Player | undefined>();
    const [none, setNone] = useState(false);
    const [failure, setFailure] = useState<Failure | undefined>();
    const find = async () => {
        setFailure(undefined);
        setFound(undefined);
        setNone(false);
        try {
            const player = await desk.api.player(uid);

            setFound(player);
            setNone(player === undefined);
        } catch (error) {
            setFailure(asFailure(error));
        }
    };

    return (
        <form class="form" onSubmit={(event) => {
            event.preventDefault();
            void find();
        }}>
            <NumberField name={w.uid} value={uid} set={setUid} id="find-uid" />
            <div class="actions">
                <button class="main" type="submit" disabled={!isNumber(uid)}>
                    {w.find}</button>
            </div>
            <div role="status">
                {none && <p>{w.foundNone}</p>}
                {found !== undefined && <Found player={found} />}
            </div>
            {failure !== undefined &&
                <Trouble text={explain(w, failure)} more={detail(failure)} />}
        </form>
    );
}

function Found({ player }: { player: Player }) {
    const desk = useDesk();
    const w = words.value;
    const gm = player.gm_account;
    const name = `${player.gm_name} (${gm})`;
    const open = async () => {
        if (!desk.followed.value.has(gm)) {
            await desk.chooseFollowed(gm, true);
        }
        closeDialog();
        go({ view: 'conversation', gm, uid: player.uid });
    };

    return (
        <>
            <p>{w.foundWith(name, player.host)}</p>
            <button type="button" onClick={() => void open().catch(
                (error: unknown) => say(explain(w, asFailure(error))))}>
                {w.openIt}</button>
        </>
    );
}
