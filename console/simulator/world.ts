// The game servers and their players together: what happens to whom, who is looked
// at, and what a player writes. What a game server would keep in its database stands
// in the browser's store; of several tabs one plays.

import { computed, signal, type ReadonlySignal, type Signal }
    from '@preact/signals';
import { Kept, type Storage } from '../src/store/kept.js';
import { Outbox, type Outgoing, type Sent } from '../src/store/outbox.js';
import { textOf } from '../src/text.js';
import type { StreamMessage } from '../src/types.js';
import { CAST, HOSTS } from './cast.js';
import { Player } from './player.js';
import { GameServer, type RelationEvent } from './server.js';
import { Wire } from './wire.js';

export const PREFIX = 'gmchat-simulator:';

export interface WorldOptions {
    base: string;
    fetcher: typeof fetch;
    storage: Storage | undefined;
    msgid(): string;
    now(): number;
    sleep(ms: number): Promise<void>;
    // A GM wrote to a player, now and not while the server was away.
    heard?: (player: Player, text: string) => void;
}

// A message that is older waited for its server: nobody answers it by himself.
const LIVE = 15_000;

const NO_GM = 5;

export class World {
    readonly wire: Wire;
    readonly servers: readonly GameServer[];
    readonly players: Signal<readonly Player[]>;
    readonly outbox: Outbox;
    readonly chosen: Signal<string>;
    readonly current: ReadonlySignal<Player>;
    // Another tab plays these servers.
    readonly elsewhere: Signal<boolean> = signal(false);
    private readonly kept: Kept;
    private readonly tab: string;

    constructor(private readonly options: WorldOptions) {
        const { base, fetcher, storage, now } = options;

        this.kept = new Kept(storage, PREFIX);
        this.tab = options.msgid();
        this.wire = new Wire(fetcher, now);
        this.servers = HOSTS.map((host) => new GameServer(host, base, this.wire,
            this.kept, {
                relation: (event) => this.relate(host, event),
                message: (event) => this.hear(host, event),
                reset: (of) => this.reset(host, of),
            }, now));
        this.players = signal([...CAST,
            ...this.kept.get<{ uid: string; host: string }[]>('guests', [])
                .map((one) => ({ ...one, name: '' }))]
            .map((person) => new Player(person, this.kept)));
        this.outbox = new Outbox({
            send: (message) => this.send(message),
            stored: (message, sent) => this.stored(message, sent),
            failed: (message) => this.failed(message),
            sleep: options.sleep,
            now,
            msgid: options.msgid,
        }, this.kept);
        this.chosen = signal(this.kept.get('chosen', CAST[0]!.uid));
        this.current = computed(() => this.find(this.chosen.value) ??
            this.players.value[0]!);
    }

    // Plays here, and no more in another tab.
    begin(): void {
        this.elsewhere.value = false;
        this.kept.set('tab', this.tab);
        this.current.peek().look();
        for (const server of this.servers) {
            server.begin();
        }
    }

    // Another tab wrote into the store: is it the one that plays from now on?
    async otherTab(): Promise<void> {
        if (this.elsewhere.peek() ||
            this.kept.get('tab', this.tab) === this.tab)
        {
            return;
        }
        this.elsewhere.value = true;
        await Promise.all(this.servers.map((server) => server.end()));
    }

    kick(): void {
        for (const server of this.servers) {
            server.kick();
        }
    }

    check(): void {
        for (const server of this.servers) {
            server.check();
        }
    }

    find(uid: string): Player | undefined {
        return this.players.value.find((one) => one.uid === uid);
    }

    serverOf(player: Player): GameServer {
        return this.servers.find((one) => one.host === player.host)!;
    }

    // Is its GM online? undefined where the server was not told.
    isOnline(player: Player): boolean | undefined {
        const gm = player.gm.value;
        const { gms, state } = this.serverOf(player);

        return gm === null || gm.account === '' || state.value !== 'live'
            ? undefined : gms.value.includes(gm.account);
    }

    // Was this page told of a player of each GM that is online there? Not where they
    // became friends before it was opened first.
    knowsAll(host: string): boolean {
        const known = this.playersOf(host).map((one) => one.gm.value);
        const server = this.servers.find((one) => one.host === host)!;

        return known.some((gm) => gm?.account === '') || server.gms.value.every(
            (account) => known.some((gm) => gm?.account === account));
    }

    playersOf(host: string): readonly Player[] {
        return this.players.value.filter((one) => one.host === host);
    }

    choose(uid: string): void {
        this.chosen.value = uid;
        this.kept.set('chosen', uid);
        this.current.peek().look();
    }

    step(by: number): void {
        const all = this.players.peek();
        const at = all.indexOf(this.current.peek());

        this.choose(all[(at + by + all.length) % all.length]!.uid);
    }

    // A player writes; what becomes of it shows in the outbox and in the lines.
    write(player: Player, text: string): void {
        this.outbox.add('', player.uid, text);
    }

    outgoing(player: Player): readonly Outgoing[] {
        return this.outbox.of('', player.uid);
    }

    // All that this page kept; the bridge is not asked.
    forget(): void {
        for (const player of this.players.peek()) {
            player.forget();
        }
        for (const { msgid } of this.outbox.items.peek()) {
            this.outbox.drop(msgid);
        }
        this.wire.clear();
    }

    // A GM may add anybody: who is not of the cast comes to it.
    private someone(host: string, uid: string): Player {
        const found = this.players.peek().find(
            (one) => one.uid === uid && one.host === host);

        if (found !== undefined) {
            return found;
        }
        const player = new Player({ uid, host, name: '' }, this.kept);

        this.players.value = [
            // A player may have moved here from another server.
            ...this.players.peek().filter((one) => one.uid !== uid), player];
        this.kept.set('guests', this.players.peek()
            .filter((one) => one.name === '')
            .map((one) => ({ uid: one.uid, host: one.host })));
        return player;
    }

    private relate(host: string, event: RelationEvent): void {
        const player = this.someone(host, event.uid);
        const begins = event.change === 'apply';
        const gm = begins
            ? { account: event.gm_account, name: event.gm_name ?? '' } : null;
        const isNew = player.add({
            key: `relation:${event.id}`,
            kind: begins ? 'begin' : 'end',
            text: '',
            gm: gm?.name || player.gm.peek()?.name || event.gm_account,
            ts: this.options.now(),
        });

        if (isNew) {
            player.setGm(gm);
        }
    }

    private hear(host: string, event: StreamMessage): void {
        const player = this.someone(host, event.uid);
        const text = textOf(event);
        const looked = this.chosen.peek() === player.uid;
        const gm = player.gm.peek();
        const isNew = player.add({
            key: `gm:${event.id}`,
            kind: 'gm',
            text,
            gm: event.gm_account,
            ts: event.ts,
        }, !looked);

        if (!isNew) {
            return;
        }
        if (gm !== null && gm.account === '') {
            player.setGm({ account: event.gm_account, name: '' });
        }
        if (this.options.now() - event.ts < LIVE) {
            this.options.heard?.(player, text);
        }
    }

    // The store lost its newest friendships: nothing that is known of them holds.
    private reset(host: string, of: string): void {
        if (of === 'relation') {
            for (const player of this.playersOf(host)) {
                player.setGm(null);
            }
        }
    }

    private async send({ uid, text, msgid }: Outgoing): Promise<Sent> {
        const player = this.find(uid);
        const server = player === undefined
            ? this.servers[0]! : this.serverOf(player);
        const reply = await server.api.post('send', { uid, text, msgid });

        return { id: String(reply['id']), hostSilent: false };
    }

    private stored({ uid, text }: Outgoing, { id }: Sent): void {
        const player = this.find(uid);

        player?.add({
            key: `player:${id}`,
            kind: 'player',
            text,
            gm: '',
            ts: this.options.now(),
        });
        // Its friendship was told before this page was there.
        if (player?.gm.peek() === null) {
            player.setGm({ account: '', name: '' });
        }
    }

    private failed({ msgid, uid }: Outgoing): void {
        const found = this.outbox.items.peek().find((one) => one.msgid === msgid);

        if (found?.failure?.errno === NO_GM) {
            this.find(uid)?.setGm(null);
        }
    }
}
