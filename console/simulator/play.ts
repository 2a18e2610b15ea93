// Players that write by themselves: a busy evening, and answers to GMs. Nothing of
// it is random to the page itself: time and chance are given.

import { signal, type Signal } from '@preact/signals';
import type { Player } from './player.js';
import type { SimWords } from './words/en.js';
import type { World } from './world.js';

export const EVENING = 180_000;

// At a human pace, ms.
const BETWEEN = { least: 3500, most: 9000 };
const BEFORE_ANSWER = { least: 1800, most: 4500 };

export interface PlayOptions {
    words(): SimWords;
    // Of the language in which a GM writes.
    wordsFor(text: string): SimWords;
    now(): number;
    random(): number;
    sleep(ms: number): Promise<void>;
}

export class Play {
    // When the evening is over; 0: there is none.
    readonly until: Signal<number> = signal(0);
    readonly answers: Signal<boolean> = signal(false);
    private evening = 0;
    // Where each player is in its story.
    private readonly told = new Map<string, { story: number; line: number }>();
    private stories = 0;
    // Who told last.
    private teller: Player | undefined;
    private readonly answering = new Map<string, number>();

    constructor(
        private readonly world: World,
        private readonly options: PlayOptions,
    ) {}

    // Those who can write: with a GM, and on a server that runs.
    able(): Player[] {
        return this.world.players.peek().filter((player) =>
            player.gm.peek() !== null &&
            this.world.serverOf(player).state.peek() === 'live' &&
            this.world.outgoing(player).length === 0);
    }

    // Until it is over, or ended.
    async begin(): Promise<void> {
        const { now, sleep } = this.options;
        const evening = ++this.evening;

        this.until.value = now() + EVENING;
        while (evening === this.evening && now() < this.until.peek()) {
            const able = this.able();

            this.tell(able);
            // Few players do not write more each.
            await sleep(this.between(BETWEEN) * 3 /
                Math.min(3, Math.max(1, able.length)));
        }
        if (evening === this.evening) {
            this.end();
        }
    }

    end(): void {
        this.evening++;
        this.until.value = 0;
    }

    // A GM wrote: the player answers after a moment, once to several in a row.
    async heard(player: Player, text: string): Promise<void> {
        if (!this.answers.peek()) {
            return;
        }
        const time = (this.answering.get(player.uid) ?? 0) + 1;

        this.answering.set(player.uid, time);
        player.typing.value = true;
        await this.options.sleep(this.between(BEFORE_ANSWER));
        if (this.answering.get(player.uid) !== time) {
            return;
        }
        this.answering.delete(player.uid);
        player.typing.value = false;
        if (this.answers.peek() && this.able().includes(player)) {
            this.world.write(player, this.answer(text));
        }
    }

    private between({ least, most }: { least: number; most: number }): number {
        return least + this.options.random() * (most - least);
    }

    // One of them tells the next line of its story, or begins a fresh one.
    private tell(able: readonly Player[]): void {
        const others = able.filter((one) => one !== this.teller);
        const from = others.length > 0 ? others : able;
        const player = from[Math.floor(this.options.random() * from.length)];

        if (player === undefined) {
            return;
        }

        const { stories } = this.options.words();
        let place = this.told.get(player.uid);

        if (place === undefined ||
            place.line >= stories[place.story % stories.length]!.length)
        {
            place = { story: this.stories++, line: 0 };
        }
        this.world.write(player,
            stories[place.story % stories.length]![place.line]!);
        this.told.set(player.uid, { ...place, line: place.line + 1 });
        this.teller = player;
    }

    private answer(text: string): string {
        const words = this.options.wordsFor(text);
        const trimmed = text.trim();
        const of = /[?？]$/.test(trimmed) ? words.answers.toQuestion
            : words.greets(trimmed) ? words.answers.toGreeting
            : words.answers.toRest;

        return of[Math.floor(this.options.random() * of.length)]!;
    }
}
