import { useState } from 'preact/hooks';
import { Failure } from '../../api.js';
import { explain } from '../../errors.js';
import { locale, words, type Words } from '../../i18n/index.js';
import { asFailure } from '../../api.js';
import { full } from '../../time.js';
import type { AuditEntry } from '../../types.js';
import { say, useDesk } from '../../ui.js';
import { Table } from './Table.js';
import { useList } from './useList.js';

const PAGE = 100;
const KNOWN = ['id', 'ts', 'operator', 'address', 'action', 'errno'];

// What an entry names besides who, when and what.
function about(w: Words, entry: AuditEntry): string {
    const names: Readonly<Record<string, string>> = {
        gm_account: w.account, uid: w.player, host: w.host,
        target: w.operator, gm_name: w.name, name: w.name, role: w.role,
        gm_accounts: w.accounts,
    };

    return Object.entries(entry)
        .filter(([name, value]) => !KNOWN.includes(name) && value !== '' &&
            value !== null)
        .map(([name, value]) => `${names[name] ?? name} ${String(value)}`)
        .join(', ');
}

// Is it in any of its columns?
function holds(w: Words, entry: AuditEntry, wanted: string): boolean {
    return `${entry.operator ?? ''} ${entry.address ?? ''} ${entry.action} ${
        about(w, entry)}`.toLowerCase().includes(wanted);
}

export function AuditPage() {
    const desk = useDesk();
    const w = words.value;
    const [older, setOlder] = useState<readonly AuditEntry[]>([]);
    const [end, setEnd] = useState(false);
    const listed = useList(() => desk.api.audit('', PAGE));
    const [filter, setFilter] = useState('');
    const wanted = filter.trim().toLowerCase();
    const all = [...listed.list ?? [], ...older];
    const shown = all.filter((one) => holds(w, one, wanted));
    const more = async () => {
        try {
            const page = await desk.api.audit(all.at(-1)?.id ?? '', PAGE);

            setOlder([...older, ...page]);
            setEnd(page.length < PAGE);
        } catch (error) {
            say(explain(w, asFailure(error)));
        }
    };
    const outcome = (row: AuditEntry) => row.errno === 0
        ? w.done : <span class="bad">{explain(w,
            new Failure('refused', row.errno, ''), row.action)}</span>;

    return (
        <>
            <div class="bar">
                <input type="search" aria-label={w.auditFind}
                    placeholder={w.auditFind} value={filter}
                    onInput={(event) => setFilter(event.currentTarget.value)} />
                <button onClick={() => {
                    setOlder([]);
                    setEnd(false);
                    void listed.reload();
                }}>{w.reload}</button>
            </div>
            <Table title={w.audit}
                listed={{ ...listed, list: listed.list && shown }}
                keyOf={(row) => row.id} columns={[
                    { title: w.when, of: (row) => full(locale.value, row.ts) },
                    { title: w.who, of: (row) => row.operator ?? '' },
                    { title: w.from, of: (row) => row.address ?? '' },
                    { title: w.action, of: (row) => row.action },
                    { title: w.about, of: (row) => about(w, row) },
                    { title: w.outcome, of: outcome },
                ]} />
            {!end && all.length >= PAGE &&
                <button onClick={() => void more()}>{w.more}</button>}
        </>
    );
}
