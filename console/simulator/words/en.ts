// The words of the simulator that the console does not have. zh.ts has the same.

import type { Wide } from '../../src/i18n/en.js';

const greeting = /^(hi|hello|hey|good (morning|evening|day))\b/i;

export const en = {
    title: 'Player simulator',
    skip: 'Skip to the message field',
    openDesk: 'Open the GM’s desk',
    newTab: '(in a new tab)',
    otherLanguage: '中文',
    toOtherLanguage: 'Chinese',
    dark: 'Dark colours',

    // The first time
    hintTitle: 'Both ends of a chat in one browser',
    hint: [
        'Open the GM’s desk in a window beside this one, and sign in with the ' +
            'name and password that ./gmchat run printed.',
        'There, take or create a GM account and add a player: copy its server ' +
            'and number from the head of the conversation here.',
        'Write here as the player (Alt+↓ goes to the next one), and answer there ' +
            'as the GM. “On the wire” shows what a game server’s program would see.',
    ],
    hintClose: 'Got it',
    hintOpen: 'First steps',

    // Game servers
    servers: 'Game servers',
    server: (host: string) => `Server ${host}`,
    runs: (host: string) => `Server ${host} runs`,
    states: {
        connecting: 'connecting…', live: 'connected', away: 'no connection',
        refused: 'refused', stopped: 'stopped',
    },
    serverStopped: (host: string) => `Server ${host} is stopped: what GMs write ` +
        'waits for it. Switch it on to deliver that.',
    slow: 'A call has waited long for an answer. Where many tabs are open: over ' +
        'HTTP/1.1 a browser opens six connections to one address, of which this ' +
        'page holds three and each desk one or two. Close some.',
    away: 'The bridge cannot be reached. The servers come back by themselves.',
    refused: 'The bridge refuses these game servers. This page works from the ' +
        'machine of the bridge only.',
    elsewhere: 'Another tab plays these game servers now.',
    playHere: 'Play here',

    // Players
    player: (name: string, uid: string) =>
        name === uid ? `Player ${uid}` : `${name}, player ${uid}`,
    newCount: (n: number) => `${n} new`,
    noGm: 'no GM',
    noGmLong: (uid: string, host: string) => 'This player has no GM: a GM has to ' +
        `add player ${uid} of server ${host} first.`,
    untold: 'A GM has players on this server since before this page was opened, ' +
        'and this one may be among them: write, and see. Else:',
    hasGm: 'has a GM',
    gm: (account: string) => `Game master ${account}`,
    gmOnline: 'online',
    gmOffline: 'offline',
    typing: (name: string) => `${name} is writing…`,
    copy: 'Copy the number',
    hostChip: 'Server',
    uidChip: 'Player',
    copied: (what: string) => `Copied: ${what}`,
    notCopied: 'The browser did not let this page copy.',

    // The conversation
    begins: (gm: string) => `${gm} is this player’s GM now`,
    ends: (gm: string) => gm === ''
        ? 'The friendship has ended' : `The friendship with ${gm} has ended`,
    empty: 'Nothing was said yet.',
    noGmRefusal: (uid: string, host: string) => 'Refused with errno 5: the player ' +
        `has no GM. A GM has to add player ${uid} of server ${host} first.`,
    writeAs: (name: string) => `Write as ${name}`,
    stoppedField: 'The game server is stopped',
    phrases: 'Quick phrases',
    quick: [
        'My sword is gone!',
        'I am stuck in the wall.',
        'Somebody insults me in the guild chat.',
        'I paid, but got no gems.',
        'Thank you!',
    ],

    // Automatic play
    busy: 'Busy evening',
    busyLeft: (left: string) => `Busy evening: ${left} left`,
    busyHint: 'Several players write by themselves for three minutes',
    busyNobody: 'No player has a GM yet: add some in the GM’s desk first.',
    answerSwitch: 'Players answer by themselves',
    stories: [
        ['Hello, is anybody there?', 'My sword is gone!',
            'It was the one with the blue gem, level 42.',
            'I had it before the update this evening.'],
        ['I am stuck in the wall of the north tower.',
            'Jumping does not help, and the way home stone is used up.',
            'Can you move me out?'],
        ['I bought 500 gems an hour ago and got none.',
            'The payment went through, I have the receipt.',
            'Shall I send you its number?'],
        ['Somebody called Darkblade insults everyone in the guild chat.',
            'It has been going on for an hour now.', 'Can you have a look?'],
        ['When does the spring festival begin on our server?',
            'The calendar says today, but there is no gate.'],
        ['My friend cannot log in since the restart.',
            'It says "character is still online".', 'He waits for the raid!'],
        ['The bear quest does not count my bears.', 'Seven of them, and still 0/5.'],
        ['Is the auction house down?', 'My bids come back, all of them.'],
    ],
    answers: {
        toQuestion: ['Yes.', 'No, not that I know of.', 'Let me look… yes, it is so.',
            'Since this evening.', 'I think it was after the update.'],
        toGreeting: ['Hi! Good that you are here.', 'Hello!',
            'Hello, I need your help.'],
        toRest: ['Thank you!', 'Okay, I try that.', 'Great, it works now.',
            'Hm, still the same here.', 'You are the best.'],
    },
    greets: (text: string) => greeting.test(text),

    // On the wire
    wire: 'On the wire',
    wireHint: 'What this page’s game servers call and hear. Yours call /gs.',
    wireEmpty: 'Nothing yet.',
    wireOf: 'Of',
    allServers: 'all servers',
    clear: 'Clear',
    show: 'Show',
    hide: 'Hide',
    call: 'call',
    event: 'event',
    request: 'Request',
    reply: 'Reply',
    data: 'Data',
    waiting: 'no answer yet',
    lost: 'connection closed',
    open: 'open',
    copyCurl: 'Copy as curl',
    copyEvent: 'Copy the event',
    took: (ms: number) => `${ms} ms`,

    forget: 'Forget all here',
    forgetHint: 'Empties this page’s memory: conversations and who has a GM. ' +
        'The bridge keeps what it has.',
};

// Where English has a list, others may have one of another length; and a function
// may say something else than a text.
export type SimWords = WideLists<typeof en>;

type WideLists<T> = T extends readonly (infer E)[] ? readonly WideLists<E>[]
    : T extends (...args: infer A) => boolean ? (...args: A) => boolean
    : T extends object
        ? T extends (...args: never[]) => unknown ? Wide<T>
            : { [K in keyof T]: WideLists<T[K]> }
    : Wide<T>;
