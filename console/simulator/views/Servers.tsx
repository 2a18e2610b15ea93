import { oneLine } from '../../src/text.js';
import { howLong } from '../../src/time.js';
import { words } from '../../src/i18n/index.js';
import { now, say } from '../../src/ui.js';
import { hueOf } from '../cast.js';
import type { Player } from '../player.js';
import type { GameServer } from '../server.js';
import { useStage } from '../stage.js';
import { simWords } from '../words/index.js';

export function Servers() {
    const { world } = useStage();
    const w = simWords.value;

    return (
        <section class="servers" aria-label={w.servers}>
            {world.servers.map((server) =>
                <Server key={server.host} server={server} />)}
            <Automatic />
        </section>
    );
}

function Server({ server }: { server: GameServer }) {
    const { world } = useStage();
    const w = simWords.value;
    const { host } = server;
    const state = server.state.value;

    return (
        <section class="server" aria-labelledby={`server-${host}`}
            data-state={state}>
            <header>
                <h2 id={`server-${host}`}>{w.server(host)}</h2>
                <p class={`link ${state}`}>{w.states[state]}</p>
                <button class="switch" role="switch" aria-label={w.runs(host)}
                    title={w.runs(host)} aria-checked={server.running.value}
                    onClick={() => void server.switch(!server.running.value)}>
                    <span class="knob" />
                </button>
            </header>
            <ul>
                {world.playersOf(host).map((player) => (
                    <li key={player.uid}><PlayerButton player={player} /></li>
                ))}
            </ul>
        </section>
    );
}

export function Avatar({ player }: { player: Player }) {
    return (
        <span class="avatar" data-hue={hueOf(player.uid)} aria-hidden="true">
            {player.name.slice(0, 1) || '#'}
        </span>
    );
}

function PlayerButton({ player }: { player: Player }) {
    const { world } = useStage();
    const w = simWords.value;
    const { title, uid } = player;
    const unread = player.unread.value;
    const chosen = world.current.value === player;

    return (
        <button class={`person ${unread > 0 ? 'unread' : ''}`}
            aria-current={chosen ? 'true' : undefined} data-uid={uid}
            onClick={() => world.choose(uid)}>
            <Avatar player={player} />
            <span class="about">
                <span class="name">{title}
                    {player.name !== '' && <span class="number"> {uid}</span>}</span>
                <span class="last">{player.typing.value
                    ? w.typing(title) : lastOf(player)}</span>
            </span>
            {unread > 0 && <span class="badge"><span aria-hidden="true">{unread}
            </span><span class="hidden">{w.newCount(unread)}</span></span>}
            <GmTag player={player} />
        </button>
    );
}

function GmTag({ player }: { player: Player }) {
    const { world } = useStage();
    const w = simWords.value;
    const gm = player.gm.value;

    if (gm === null) {
        return <span class="tag none">{w.noGm}</span>;
    }
    const online = world.isOnline(player);

    return (
        <span class={online ? 'tag online' : 'tag'}>
            <bdi>{gm.name || gm.account || w.hasGm}</bdi>
            {online !== undefined && <span class="hidden">
                {`, ${online ? w.gmOnline : w.gmOffline}`}</span>}
        </span>
    );
}

// The newest message; there is none before somebody wrote.
function lastOf(player: Player): string {
    const lines = player.lines.value;
    const last = lines.filter((one) =>
        one.kind === 'player' || one.kind === 'gm').at(-1);

    return last === undefined ? '' : oneLine(last.text, 60);
}

function Automatic() {
    const { play } = useStage();
    const w = simWords.value;
    const { until, answers } = play;
    const toggle = () => {
        if (until.value > 0) {
            play.end();
        } else if (play.able().length === 0) {
            say(w.busyNobody);
        } else {
            void play.begin();
        }
    };

    return (
        <div class="automatic">
            <button class="busy" title={w.busyHint} aria-pressed={until.value > 0}
                onClick={toggle}>
                {until.value > 0 ? <Left until={until.value} /> : w.busy}
            </button>
            <button class="switch" role="switch" aria-checked={answers.value}
                onClick={() => { answers.value = !answers.value; }}>
                <span class="knob" /> {w.answerSwitch}
            </button>
        </div>
    );
}

function Left({ until }: { until: number }) {
    const left = Math.max(0, until - now.value);

    return <>{simWords.value.busyLeft(howLong(words.value, left))}</>;
}
