// What the views share: the world, its automatic play, and what of the page is open.

import { signal, type Signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { say } from '../src/ui.js';
import type { Play } from './play.js';
import { simWords } from './words/index.js';
import type { World } from './world.js';

export interface Stage {
    world: World;
    play: Play;
}

export const StageContext = createContext<Stage | undefined>(undefined);

export function useStage(): Stage {
    const stage = useContext(StageContext);

    if (stage === undefined) {
        throw new Error('a view outside of the page');
    }
    return stage;
}

export const hintOpen: Signal<boolean> = signal(true);
export const wireOpen: Signal<boolean> = signal(false);
// The server that the wire shows; '' for all.
export const wireHost: Signal<string> = signal('');
// Where the field of the chat is asked for.
export const fieldAsked: Signal<number> = signal(0);

// what: how it is called where it was copied.
export async function copy(text: string, what: string): Promise<void> {
    try {
        await navigator.clipboard.writeText(text);
        say(simWords.peek().copied(what));
    } catch {
        say(simWords.peek().notCopied);
    }
}
