import { useEffect, useState } from 'preact/hooks';
import { words } from '../i18n/index.js';
import { explain } from '../errors.js';
import { isUnnamed, mayActAtAll, mayLook } from '../store/rights.js';
import type { StreamState } from '../stream.js';
import { dialog, go, route, said, useDesk } from '../ui.js';
import { Admin } from './admin/Admin.js';
import { DeskView } from './DeskView.js';
import { Dialogs } from './Dialogs.js';
import { Icon, type IconName } from './Icon.js';

// Before it is shown: most breaks are over sooner.
const PATIENCE = 1500;

const START_AGAIN = 3000;

export function App() {
    const desk = useDesk();
    const me = desk.me.value;

    if (desk.problem.value !== undefined) {
        return <Problem />;
    }
    if (me === undefined || desk.loading.value && desk.accounts.value.length === 0) {
        return (
            <main class="alone">
                <h1>{words.value.title}</h1>
                <p role="status">{words.value.loading}</p>
            </main>
        );
    }
    if (!mayLook(me)) {
        return (
            <main class="alone">
                <h1>{words.value.title}</h1>
                <p role="status">{words.value.noRole(me.operator ?? '')}</p>
                <p class="quiet">{words.value.noRoleHint}</p>
            </main>
        );
    }
    return (
        <div class="page">
            <TopBar />
            <Banner />
            {route.value.view === 'admin' ? <Admin /> : <DeskView />}
            <p class={`said ${said.value === '' ? '' : 'shown'}`} role="status">
                {said.value}
            </p>
            <Dialogs />
        </div>
    );
}

function Problem() {
    const desk = useDesk();
    const failure = desk.problem.value!;

    useEffect(() => {
        if (!failure.passing) {
            return undefined;
        }
        const timer = setTimeout(() => void desk.start(), START_AGAIN);

        return () => clearTimeout(timer);
    }, [failure]);

    return (
        <main class="alone">
            <div role="alert">
                <h1>{words.value.startFailed}</h1>
                <p>{explain(words.value, failure)}</p>
                {failure.message !== '' &&
                    <p class="quiet" lang="en">{failure.message}</p>}
            </div>
            <button class="main" onClick={() => void desk.start()}>
                {words.value.again}
            </button>
        </main>
    );
}

function TopBar() {
    const desk = useDesk();
    const me = desk.me.value!;
    const w = words.value;
    const admin = route.value.view === 'admin';

    return (
        <header class="top">
            <a class="skip" href="#conversation" onClick={skip}>{w.skip}</a>
            <h1><img src="icon.svg" alt="" width="22" height="22" />
                <span>{w.title}</span></h1>
            <nav aria-label={w.views}>
                <button class="tab" aria-current={admin ? undefined : 'page'}
                    onClick={() => go({ view: 'desk' })}>{w.desk}</button>
                <button class="tab" aria-current={admin ? 'page' : undefined}
                    onClick={() => go({ view: 'admin', page: 'accounts' })}>
                    {w.admin}</button>
            </nav>
            <span class={`link ${desk.link.value}`}>
                <span>{linkWords(desk.link.value)}</span>
            </span>
            <span class="who">
                {isUnnamed(me) ? w.noOperator : <>
                    <b><bdi>{me.operator}</bdi></b> {w.roles[me.role]}
                </>}
            </span>
            <div class="tools">
                {mayActAtAll(me) &&
                    <Tool name={w.addPlayer} sign="add"
                        act={() => { dialog.value = 'add'; }} />}
                <Tool name={w.findPlayer} sign="find"
                    act={() => { dialog.value = 'find'; }} />
                <Tool name={w.settings} sign="settings"
                    act={() => { dialog.value = 'settings'; }} />
                <Tool name={w.help} sign="help"
                    act={() => { dialog.value = 'help'; }} />
            </div>
        </header>
    );
}

function linkWords(state: StreamState): string {
    const w = words.value;

    if (state === 'live') {
        return w.linkLive;
    }
    return state === 'connecting' ? w.linkConnecting : w.linkNone;
}

// The address behind the # is the place in the page, so the link moves by hand.
function skip(event: Event) {
    event.preventDefault();
    document.getElementById('conversation')?.focus();
}

function Tool({ name, sign, act }: {
    name: string; sign: IconName; act: () => void;
}) {
    return (
        <button class={`tool for-${sign}`} aria-label={name} title={name}
            onClick={act}><Icon name={sign} /></button>
    );
}

export function Banner() {
    const desk = useDesk();
    const state = desk.link.value;
    const [patient, setPatient] = useState(true);
    const away = state !== 'live';

    useEffect(() => {
        setPatient(true);
        if (!away) {
            return undefined;
        }
        const timer = setTimeout(() => setPatient(false), PATIENCE);

        return () => clearTimeout(timer);
    }, [away]);

    const w = words.value;
    const text = away && !patient
        ? state === 'refused' ? w.linkRefused : w.linkAway : '';

    return (
        <div class={`banner ${text === '' ? '' : 'shown'}`} role="status"
            data-link={state}>
            {text}
        </div>
    );
}
