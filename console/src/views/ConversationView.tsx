import { useEffect, useState } from 'preact/hooks';
import { asFailure } from '../api.js';
import { explain } from '../errors.js';
import { locale, words } from '../i18n/index.js';
import type { Conversation } from '../store/conversations.js';
import type { Desk } from '../store/desk.js';
import { mayAct } from '../store/rights.js';
import { date } from '../time.js';
import { go, question, useDesk } from '../ui.js';
import type { Failure } from '../api.js';
import { Composer } from './Composer.js';
import { Icon } from './Icon.js';
import { Messages } from './Messages.js';

// While something waits for the game server: when to ask again, ms.
const ASK = [700, 1000, 2000, 4000, 8000, 15_000, 30_000];
const LOOK_AT_PLAYER = 15_000;
const LOAD_AGAIN = 3000;

export function ConversationView({ gm, uid }: { gm: string; uid: string }) {
    const desk = useDesk();
    const [failure, setFailure] = useState<Failure | undefined>();
    const w = words.value;
    const one = desk.conversation(gm, uid);
    const may = desk.me.value !== undefined && mayAct(desk.me.value, gm);
    const load = () => {
        desk.openConversation(gm, uid).then(
            () => setFailure(undefined),
            (error: unknown) => setFailure(asFailure(error)));
    };

    useEffect(load, []);
    useEffect(() => {
        if (failure?.passing !== true) {
            return undefined;
        }
        const timer = setTimeout(load, LOAD_AGAIN);

        return () => clearTimeout(timer);
    }, [failure]);
    useDelivery(gm, uid);
    usePlayer(gm, uid);

    return (
        <>
            <Head gm={gm} uid={uid} may={may} />
            {one?.silent === true && !one.ended &&
                <p class="note" role="status">{w.silentLong}</p>}
            {failure !== undefined && <p class="note bad" role="alert">
                {explain(w, failure)}
                <button onClick={load}>{w.again}</button>
            </p>}
            {failure?.passing === false && !desk.logOf(gm, uid).value.loaded
                ? <div class="messages" /> : <Messages gm={gm} uid={uid} />}
            <Foot gm={gm} uid={uid} may={may} failed={failure !== undefined} />
        </>
    );
}

export function askToEnd(desk: Desk, { gm, uid }: Conversation): void {
    question.value = {
        text: words.value.endQuestion(uid),
        yes: words.value.endFriendship,
        act: () => desk.end(gm, uid),
    };
}

function Foot({ gm, uid, may, failed }: {
    gm: string; uid: string; may: boolean; failed: boolean;
}) {
    const desk = useDesk();
    const w = words.value;
    const one = desk.conversation(gm, uid);

    if (one !== undefined && !one.ended) {
        return may ? <Composer gm={gm} uid={uid} />
            : <p class="note">{w.readOnly}</p>;
    }
    // Its list may be on its way yet.
    return desk.loading.value || failed ||
        (one === undefined && !desk.logOf(gm, uid).value.loaded)
        ? null : <p class="note" role="status">{w.ended}</p>;
}

function Head({ gm, uid, may }: { gm: string; uid: string; may: boolean }) {
    const desk = useDesk();
    const w = words.value;
    const one = desk.conversation(gm, uid);
    const account = desk.accounts.value.find((each) => each.gm_account === gm);

    return (
        <header class="head">
            <button class="back tool" aria-label={w.back} title={w.back}
                onClick={() => go({ view: 'desk' })}>
                <Icon name="back" />
            </button>
            <div class="title">
                <h2>{w.playerLabel(uid)}</h2>
                <p class="quiet">
                    <bdi>{account?.name ?? w.otherGm(gm)}</bdi>
                    {one !== undefined && <>
                        {' · '}<span class={one.silent ? 'is-silent' : ''}>
                            {w.hostLabel(one.host)}
                            {one.silent && ` (${w.silent})`}</span>
                        <span class="since">{' · '}{w.friendSince}{' '}
                            {date(locale.value, one.since)}</span>
                    </>}
                </p>
            </div>
            {may && one !== undefined && !one.ended &&
                <button class="end" onClick={() => askToEnd(desk, one)}>
                    {w.endFriendship}</button>}
        </header>
    );
}

// Nothing tells the desk that a game server acknowledged a message: it asks, at
// first soon, then seldom, and not at all while nobody looks.
function useDelivery(gm: string, uid: string) {
    const desk = useDesk();
    const waiting = desk.logOf(gm, uid).value.messages.reduce(
        (count, one) => count + (one.delivered === false ? 1 : 0), 0);

    useEffect(() => {
        let times = 0;
        let over = false;
        let timer: ReturnType<typeof setTimeout>;
        const ask = async () => {
            if (!document.hidden && desk.isWaiting(gm, uid)) {
                await desk.readTail(gm, uid).catch(() => undefined);
            }
            if (!over) {
                next();
            }
        };
        const next = () => {
            timer = setTimeout(() => void ask(),
                ASK[Math.min(times++, ASK.length - 1)]);
        };

        if (waiting > 0) {
            next();
        }
        return () => {
            over = true;
            clearTimeout(timer);
        };
    }, [gm, uid, waiting]);
}

function usePlayer(gm: string, uid: string) {
    const desk = useDesk();

    useEffect(() => {
        const timer = setInterval(() => {
            if (!document.hidden) {
                desk.readPlayer(gm, uid).catch(() => undefined);
            }
        }, LOOK_AT_PLAYER);

        return () => clearInterval(timer);
    }, [gm, uid]);
}
