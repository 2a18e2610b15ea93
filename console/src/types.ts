// What the bridge sends, as docs/actions.md has it. Numbers of accounts, hosts and
// players are strings, for they may be larger than a JavaScript number can say.

export type Role = 'admin' | 'gm' | 'viewer' | 'none';

export interface Me {
    // Empty or absent where the location names nobody: then all is allowed.
    operator?: string | null;
    role: Role;
    gm_accounts: string[];
    // Bytes that a message's text may have, where the bridge says so.
    message_max?: number;
}

export interface Account {
    gm_account: string;
    name: string;
    online: boolean;
    friends: number;
}

export type Direction = 'to_player' | 'to_gm';

export interface WireMessage {
    id: string;
    dir: Direction;
    gm_account: string;
    text?: string;
    // Base64, in the place of text where it is not UTF-8.
    msg?: string;
    ts: number;
    delivered?: boolean;
}

export interface Friend {
    uid: string;
    host: string;
    since: number;
    undelivered: number;
    last: WireMessage | null;
    // 50 means so many or more.
    unread: number;
    // Absent where the GM wrote last.
    waiting_since?: number;
    silent: boolean;
}

export interface Player {
    uid: string;
    host: string;
    gm_account: string;
    gm_name: string;
    since: number;
    silent: boolean;
}

export interface CannedReply {
    name: string;
    text: string;
}

export interface Host {
    host: string;
    last_poll: number;
    players: number;
    undelivered: number;
    silent: boolean;
}

export interface Operator {
    operator: string;
    role: Role;
    gm_accounts: string[];
}

export interface AuditEntry {
    id: string;
    ts: number;
    operator?: string;
    address?: string;
    action: string;
    gm_account?: string;
    uid?: string;
    host?: string;
    target?: string;
    // 0: done; null: a refusal that has none.
    errno: number | null;
    [other: string]: unknown;
}

// Events of a gm stream.
export interface StreamMessage {
    id: string;
    uid: string;
    gm_account: string;
    text?: string;
    msg?: string;
    ts: number;
}

export interface ReadEvent {
    gm_account: string;
    uid: string;
    id: string;
}

export interface DeskEvent {
    gm_account: string;
    action: string;
    uid?: string;
    id?: string;
}

export interface ResetEvent {
    gm_account: string;
}
