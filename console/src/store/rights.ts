// What the desk shows as possible. The bridge decides; this only spares people from
// buttons that would be refused.

import type { Me } from '../types.js';

// A location that names nobody: whoever reaches it may do everything.
export function isUnnamed(me: Me): boolean {
    return me.operator === undefined || me.operator === null ||
        me.operator === '';
}

export function mayAdminister(me: Me): boolean {
    return isUnnamed(me) || me.role === 'admin';
}

export function mayLook(me: Me): boolean {
    return isUnnamed(me) || me.role !== 'none';
}

export function mayAct(me: Me, gm: string): boolean {
    return mayAdminister(me) ||
        (me.role === 'gm' && me.gm_accounts.includes(gm));
}

export function mayActAtAll(me: Me): boolean {
    return mayAdminister(me) || me.role === 'gm';
}
