// One player as its game server knows it: the GM, and what was said.

import { signal, type Signal } from '@preact/signals';
import type { Kept } from '../src/store/kept.js';
import type { Person } from './cast.js';

// account and name are '' where a GM is there, but was not named here yet.
export interface Gm {
    account: string;
    name: string;
}

export type LineKind = 'player' | 'gm' | 'begin' | 'end';

export interface Line {
    // Of a list; an event that comes again has the same one.
    key: string;
    kind: LineKind;
    text: string;
    // The GM's number, or its name where the line is about that.
    gm: string;
    ts: number;
}

// What is kept of one player: so many lines, and so many characters of them.
const MOST_LINES = 120;
const MOST_LENGTH = 60_000;

interface Saved {
    gm: Gm | null;
    unread: number;
    lines: Line[];
}

export function newest(lines: readonly Line[]): readonly Line[] {
    let length = 0;
    let from = lines.length;

    while (from > 0 && lines.length - from < MOST_LINES) {
        length += lines[from - 1]!.text.length;
        if (length > MOST_LENGTH && from < lines.length) {
            break;
        }
        from--;
    }
    return lines.slice(from);
}

export class Player {
    readonly uid: string;
    readonly host: string;
    readonly name: string;
    // null: none that this page knows of.
    readonly gm: Signal<Gm | null>;
    readonly lines: Signal<readonly Line[]>;
    // What GMs wrote since the player was looked at.
    readonly unread: Signal<number>;
    // Does it write an answer by itself now?
    readonly typing: Signal<boolean> = signal(false);

    constructor(person: Person, private readonly kept: Kept) {
        const saved = kept.get<Saved>(`player:${person.uid}`,
            { gm: null, unread: 0, lines: [] });

        this.uid = person.uid;
        this.host = person.host;
        this.name = person.name;
        this.gm = signal(saved.gm ?? null);
        this.lines = signal(Array.isArray(saved.lines) ? saved.lines : []);
        this.unread = signal(Number(saved.unread) || 0);
    }

    get title(): string {
        return this.name === '' ? this.uid : this.name;
    }

    // False where the line is there already.
    add(line: Line, unread = false): boolean {
        if (this.lines.peek().some((one) => one.key === line.key)) {
            return false;
        }
        this.lines.value = newest([...this.lines.peek(), line]);
        if (unread) {
            this.unread.value++;
        }
        this.save();
        return true;
    }

    setGm(gm: Gm | null): void {
        this.gm.value = gm;
        this.save();
    }

    look(): void {
        if (this.unread.peek() > 0) {
            this.unread.value = 0;
            this.save();
        }
    }

    forget(): void {
        this.gm.value = null;
        this.lines.value = [];
        this.unread.value = 0;
        this.kept.set(`player:${this.uid}`, undefined);
    }

    private save(): void {
        const saved: Saved = {
            gm: this.gm.peek(),
            unread: this.unread.peek(),
            lines: [...this.lines.peek()],
        };

        this.kept.set(`player:${this.uid}`, saved);
    }
}
