import { useState } from 'preact/hooks';
import { asFailure } from '../api.js';
import { explain } from '../errors.js';
import { words } from '../i18n/index.js';
import { mayAct, mayAdminister } from '../store/rights.js';
import type { Account } from '../types.js';
import { say, useDesk } from '../ui.js';

// From so many on the list of accounts can be searched.
const SEARCHED = 8;

// The accounts that are mine, and whether players can reach them.
export function Accounts() {
    const desk = useDesk();
    const accounts = desk.accounts.value;
    const followed = desk.followed.value;
    const w = words.value;
    const mine = accounts.filter((one) => followed.has(one.gm_account));

    return (
        <section class="accounts" aria-label={w.accounts}>
            {accounts.length === 0 && <p class="quiet">{
                desk.me.value !== undefined && mayAdminister(desk.me.value)
                    ? w.noAccountsAtAll : w.noAccounts}</p>}
            <ul>
                {mine.map((one) => <AccountRow key={one.gm_account} account={one} />)}
            </ul>
            {accounts.length > 1 && <Follow />}
        </section>
    );
}

function AccountRow({ account }: { account: Account }) {
    const desk = useDesk();
    const gm = account.gm_account;
    const w = words.value;
    const here = desk.present.value.has(gm);
    const chosen = desk.onlyAccount.value === gm;

    return (
        <li class="account">
            <button class="pick" aria-pressed={chosen} title={gm}
                onClick={() => { desk.onlyAccount.value = chosen ? '' : gm; }}>
                <bdi class="name">{account.name}</bdi>
                <span class="quiet">{gm}</span>
            </button>
            <OnlineSwitch account={account}
                hint={account.online
                    ? here ? w.onlineHere : w.onlineElsewhere : w.offline} />
        </li>
    );
}

function OnlineSwitch({ account, hint }: { account: Account; hint: string }) {
    const desk = useDesk();
    const [busy, setBusy] = useState(false);
    const w = words.value;
    const on = account.online;
    const toggle = async () => {
        // Not disabled meanwhile: it would lose the focus.
        if (busy) {
            return;
        }
        setBusy(true);
        try {
            await desk.switchOnline(account.gm_account, !on);
        } catch (error) {
            say(explain(w, asFailure(error)));
        }
        setBusy(false);
    };

    return (
        <button class="switch" role="switch" aria-checked={on} title={hint}
            aria-label={`${account.name}: ${on ? w.online : w.offline}`}
            aria-busy={busy} disabled={desk.me.value === undefined ||
                !mayAct(desk.me.value, account.gm_account)}
            onClick={() => void toggle()}>
            <span class="knob" aria-hidden="true" />
            <span class="state">{on ? w.online : w.offline}</span>
        </button>
    );
}

// Of many accounts a desk follows some.
function Follow() {
    const desk = useDesk();
    const followed = desk.followed.value;
    const [filter, setFilter] = useState('');
    // Open at first where nothing is chosen, and then as it is left: one choice is
    // seldom the last.
    const [begins] = useState(followed.size === 0);
    const wanted = filter.trim().toLowerCase();
    const shown = desk.accounts.value.filter((one) =>
        one.name.toLowerCase().includes(wanted) ||
        one.gm_account.includes(wanted));
    const w = words.value;

    return (
        <details open={begins}>
            <summary>{followed.size === 0 ? w.noneFollowed
                : w.followCount(followed.size, desk.accounts.value.length)}
            </summary>
            <div class="follow">
                {desk.accounts.value.length > SEARCHED &&
                    <input type="search" aria-label={w.followFind}
                        placeholder={w.followFind} value={filter}
                        onInput={(event) =>
                            setFilter(event.currentTarget.value)} />}
                {shown.map((one) => (
                    <label key={one.gm_account}>
                        <input type="checkbox"
                            checked={followed.has(one.gm_account)}
                            onChange={(event) => {
                                desk.chooseFollowed(one.gm_account,
                                    event.currentTarget.checked)
                                    .catch((error: unknown) =>
                                        say(explain(w, asFailure(error))));
                            }} />
                        <bdi>{one.name}</bdi> <span class="quiet">{one.gm_account}</span>
                    </label>
                ))}
            </div>
        </details>
    );
}
