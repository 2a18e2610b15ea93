// The words of the desk. zh.ts has the same ones: its type is made of these.

const plural = (n: number, one: string, many: string) =>
    `${n} ${n === 1 ? one : many}`;

export const en = {
    language: 'English',
    title: 'GM desk',
    skip: 'Skip to the conversation',
    close: 'Close',
    cancel: 'Cancel',
    edit: 'Change',
    remove: 'Remove',
    again: 'Try again',
    loading: 'Loading…',
    never: 'never',
    ago: (time: string) => `${time} ago`,
    today: 'Today',
    yesterday: 'Yesterday',

    // Places
    desk: 'Desk',
    admin: 'Administration',
    accounts: 'GM accounts',
    operators: 'Operators',
    hosts: 'Game servers',
    audit: 'Audit',
    counters: 'Counters',
    cannedReplies: 'Canned replies',
    settings: 'Settings',
    help: 'Keyboard',
    views: 'Views',

    // Who is here
    roles: {
        admin: 'Administrator', gm: 'Game master', viewer: 'Viewer',
        none: 'No role',
    },
    noOperator: 'No operator is named here',
    noRoleHint: 'The desk opens by itself as soon as you have one.',
    noRole: (operator: string) =>
        `The bridge does not know the operator ${operator}. ` +
        'An administrator can give you a role.',
    readOnly: 'You may read here, but change nothing.',

    // The link
    linkLive: 'Live',
    linkConnecting: 'Connecting…',
    linkNone: 'Not connected',
    linkAway: 'The connection is lost. What is shown may be old; ' +
        'the desk catches up by itself when it is back.',
    linkRefused: 'The bridge refuses to send news: your rights may have changed.',
    startFailed: 'The desk could not be opened.',

    // Accounts
    account: 'GM account',
    online: 'Online',
    offline: 'Offline',
    onlineElsewhere: 'Online, but not by this desk',
    onlineHere: 'Online as long as this desk is open',
    noAccounts: 'No GM account is given to you yet.',
    noAccountsAtAll: 'No GM account yet.',
    noAccountsHint: 'An administrator can give you one. ' +
        'It shows here by itself, within half a minute.',
    noneFollowed: 'Choose the accounts that this desk follows.',
    followCount: (n: number, of: number) => `Accounts shown: ${n} of ${of}`,
    followHint: 'More than twenty are not shown unasked. ' +
        'Your choice is kept in this browser.',
    followFind: 'Find an account',

    // The list
    conversations: 'Conversations',
    search: 'Find a player or a word',
    noConversations: 'Nobody here yet. Add a player to begin.',
    noMatches: 'Nothing matches.',
    showAll: 'Show all',
    listBegins: 'Players who can write to you appear here.',
    welcome: 'Three steps to the first conversation',
    createFirst: 'Create the first GM account',
    stepAccount: 'It is who players see and write to: a number and a name.',
    stepPlayer: 'By game server and player number, with + above. From then on ' +
        'both sides can write.',
    stepTeamTitle: 'Let others in',
    stepTeam: 'Under Administration, Operators: who may act for which account.',
    addHint: 'All you need is the number of the game server and of the player.',
    addNeedsAccount: 'A player is added to a GM account, and you have none yet.',
    createHint: 'No GM account yet. It is who players see and write to: ' +
        'choose a number and a name.',
    thenAdd: 'Now add a player to it.',
    accountCreated: (name: string) => `GM account ${name} was created.`,
    saved: (name: string) => `${name} was saved.`,
    unread: (n: string) => `${n} unread`,
    waits: (time: string) => `waits ${time}`,
    hostLabel: (host: string) => `Server ${host}`,
    silent: 'silent',
    silentLong: 'The game server is silent: it does not fetch messages now. ' +
        'What you write is kept until it does.',
    player: 'Player',
    playerLabel: (uid: string) => `Player ${uid}`,
    you: 'GM',
    waitingCount: (n: number) => `${n} waiting`,

    // The conversation
    pick: 'Choose a conversation.',
    messages: 'Messages',
    back: 'Back to the list',
    older: 'Earlier messages',
    beginning: 'The beginning of what is kept',
    noMessages: 'No message yet.',
    jump: 'To the newest message',
    newMessages: 'New messages',
    ended: 'This friendship has ended.',
    endFriendship: 'End the friendship',
    endQuestion: (uid: string) => `End the friendship with player ${uid}? ` +
        'The player can then no longer write to this GM. ' +
        'What was sent is still delivered.',
    otherGm: (gm: string) => `GM ${gm}`,
    states: {
        sending: 'Sending…', stored: 'Stored', delivered: 'Delivered',
        failed: 'Not sent',
    },
    notSentTo: (uid: string) => `A message to player ${uid} was not sent.`,
    retry: 'Try again',
    discard: 'Discard',
    afterReload: 'The page was left before an answer came. ' +
        'Trying again sends it once, also if it had arrived.',

    // Writing
    write: 'Write a message',
    writeTo: (uid: string) => `Message to player ${uid}`,
    send: 'Send',
    sendParts: (n: number) => `Send in ${n} parts`,
    bytesLeft: (n: number) => `${plural(n, 'byte', 'bytes')} left`,
    tooLong: (n: number) => `${plural(n, 'byte', 'bytes')} too long`,
    noCanned: 'No canned reply of that name',
    noCannedHint: 'To send this as it is: Esc, then Enter.',
    insertHint: '/ for canned replies',
    enterHint: 'Enter sends, Shift+Enter breaks the line',

    // Players
    addPlayer: 'Add a player',
    host: 'Game server',
    uid: 'Player number',
    add: 'Add',
    added: (uid: string) => `Player ${uid} was added.`,
    findPlayer: 'Find a player',
    find: 'Find',
    foundWith: (gm: string, host: string) =>
        `With GM ${gm}, on server ${host}.`,
    foundNone: 'This player has no GM.',
    foundOthers: 'This player belongs to a GM account that is not given to you.',
    addThis: 'Add this player',
    openIt: 'Open the conversation',
    badNumber: 'A number of 1 to 19 digits, without a sign or a leading zero.',
    friendSince: 'Friend since',

    // Settings
    theme: 'Appearance',
    themes: { auto: 'As the system', light: 'Light', dark: 'Dark' },
    chooseLanguage: 'Language',
    automatic: 'As the browser',
    notices: 'Notices',
    noticeTitle: 'Count in the title',
    noticeSound: 'Sound',
    noticeDesktop: 'Desktop notification',
    noticeDenied: 'The browser does not allow notifications for this page.',
    singleKeys: 'Keys without Alt (letters) work',
    zone: (zone: string) => `Times are in ${zone}.`,
    newFrom: (uid: string) => `Player ${uid} writes`,

    // Keys
    keys: {
        help: 'Show this',
        search: 'Search the list',
        next: 'Next conversation',
        previous: 'Previous conversation',
        waiting: 'The player who waits longest',
        compose: 'To the message field',
        leave: 'Leave the field or dialog',
        send: 'Send',
        newline: 'New line',
        canned: 'Canned replies',
        retry: 'Try again what was not sent',
        end: 'End the friendship',
        add: 'Add a player',
        find: 'Find a player',
        older: 'Earlier messages',
        newest: 'To the newest message',
        online: 'Go online or offline',
        place: 'Administration, or back to the desk',
        settings: 'Settings',
    },
    orKey: 'or',

    // Administration
    name: 'Name',
    text: 'Text',
    state: 'State',
    friends: 'Players',
    createAccount: 'Create a GM account',
    operator: 'Operator',
    role: 'Role',
    mayActFor: 'GM accounts',
    mayActHint: 'Numbers, parted by commas',
    setOperator: 'Add or change an operator',
    operatorHint: 'The name for signing in',
    accountsToGive: 'Accounts to choose from',
    operatorsEmpty: 'No operator yet. Those that the configuration names as ' +
        'administrators work without being listed.',
    cannedEmpty: 'No canned reply yet. One that is kept here is at hand for all ' +
        'by / and its name.',
    dismiss: 'Dismiss',
    dismissQuestion: (name: string) => `Dismiss the operator ${name}?`,
    lastPoll: 'Last heard of',
    players: 'Players',
    undelivered: 'Undelivered',
    when: 'When',
    who: 'Who',
    from: 'From',
    action: 'Action',
    about: 'About',
    auditFind: 'Find an operator, an action, a number',
    outcome: 'Outcome',
    done: 'done',
    more: 'More',
    nothing: 'Nothing here.',
    reload: 'Read again',
    setCanned: 'Add or change a canned reply',
    badName: '1 to 32 letters, digits, _ or -',
    variables: (names: string) => `Filled in when used: ${names}`,
    removeQuestion: (name: string) => `Remove the canned reply ${name}?`,
    statusRefused: 'The status page is not open to you: ' +
        'nginx allows it to other addresses only.',
    callsPerSecond: 'Calls a second',
    eventsPerSecond: 'Events a second',
    storeTime: 'Store time, mean (ms)',
    waitingNow: 'Held calls and streams',
    queueNow: 'Calls the store has not answered',
    refusals: 'Refusals a second',
    plotMost: (most: string) => `highest ${most}`,
    plotOf: (what: string, now: string) => `${what}: ${now} now`,
    callsTable: 'Calls by action',
    calls: 'Calls',
    endpoint: 'Endpoint',
    code: 'Code',
    storeLinks: 'Connections to the store',
    store: 'Store',
    ready: 'Ready',

    // Failures
    errors: {
        unreachable: 'The bridge cannot be reached.',
        late: 'No answer came in time: whether it was done is not known.',
        exists: 'This account exists already.',
        noGm: 'There is no such GM account.',
        hasGm: 'The player has a GM already: end that friendship first.',
        noPlayer: 'There is no such player.',
        notFriend: 'The player is not a friend of this GM (any more).',
        notInteger: 'A number is not one.',
        missing: 'Something is missing.',
        malformed: 'The bridge does not take this.',
        full: 'The mailbox is full: the game server does not fetch. ' +
            'Try again later.',
        storeAway: 'The store is away: nothing was stored. Try again in a moment.',
        outcome: 'Whether it was stored is not known: trying again is safe.',
        notAllowed: 'You are not allowed to do this.',
        noAction: 'The bridge does not know this: it may be an older one.',
        tooMany: 'Too many calls at once. Try again in a moment.',
        msgid: 'This was sent before with another content.',
        tooLarge: 'This is too large.',
        wasNot: 'Nothing changed.',
        other: 'It was refused.',
    },
    words: {
        second: (n: number) => `${n} s`,
        minute: (n: number) => `${n} min`,
        hour: (n: number) => `${n} h`,
        day: (n: number) => plural(n, 'day', 'days'),
    },
};

// Literal types of the English words would leave no room for others.
export type Wide<T> = T extends string ? string
    : T extends (...args: infer A) => string ? (...args: A) => string
    : { [K in keyof T]: Wide<T[K]> };

export type Words = Wide<typeof en>;
