import { useState } from 'preact/hooks';
import type { Failure } from '../api.js';
import { asFailure } from '../api.js';
import { detail, explain } from '../errors.js';
import { words } from '../i18n/index.js';
import { isNumber } from '../store/ids.js';
import { mayAct, mayActAtAll, mayAdminister } from '../store/rights.js';
import type { Player } from '../types.js';
import { dialog, go, say, useDesk, wanted } from '../ui.js';
import { closeDialog } from './Dialogs.js';
import { NumberField, Trouble } from './fields.js';

export function AddPlayer() {
    const desk = useDesk();
    const w = words.value;
    const mine = desk.accounts.value.filter((one) =>
        desk.me.value !== undefined && mayAct(desk.me.value, one.gm_account));
    const [gm, setGm] = useState(() => {
        const likely = [desk.open.value?.gm, desk.onlyAccount.value];

        return (mine.find((one) => likely.includes(one.gm_account)) ??
            mine[0])?.gm_account ?? '';
    });
    const [host, setHost] = useState('');
    const [uid, setUid] = useState(wanted.value);
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

    if (mine.length === 0) {
        return <NoAccount />;
    }
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

// Nobody to add a player to: where there may be one made, the way there.
function NoAccount() {
    const desk = useDesk();
    const w = words.value;

    return (
        <div class="form">
            <p>{w.addNeedsAccount}</p>
            {desk.me.value !== undefined && mayAdminister(desk.me.value) &&
                <div class="actions">
                    <button class="main" onClick={() => {
                        closeDialog();
                        go({ view: 'admin', page: 'accounts' });
                    }}>{w.createFirst}</button>
                </div>}
        </div>
    );
}

export function FindPlayer() {
    const desk = useDesk();
    const w = words.value;
    const [uid, setUidOnly] = useState('');
    const [found, setFound] = useState<Player | undefined>();
    const [none, setNone] = useState(false);
    const [failure, setFailure] = useState<Failure | undefined>();
    // What was found is of the number that was asked for.
    const setUid = (text: string) => {
        setUidOnly(text);
        setFailure(undefined);
        setFound(undefined);
        setNone(false);
    };
    const find = async () => {
        setUid(uid);
        try {
            const player = await desk.api.player(uid);

            setFound(player);
            setNone(player === undefined || !player.gm_account);
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
                {none && <Free uid={uid} />}
                {found !== undefined && !none && <Found player={found} />}
            </div>
            {failure !== undefined &&
                (failure.errno === -7 ? <Trouble text={w.foundOthers} more="" />
                    : <Trouble text={explain(w, failure)}
                        more={detail(failure)} />)}
        </form>
    );
}

// Nobody's player: this desk may take it on.
function Free({ uid }: { uid: string }) {
    const desk = useDesk();
    const w = words.value;

    return (
        <>
            <p>{w.foundNone}</p>
            {desk.me.value !== undefined && mayActAtAll(desk.me.value) &&
                <button type="button" onClick={() => {
                    wanted.value = uid;
                    dialog.value = 'add';
                }}>{w.addThis}</button>}
        </>
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
