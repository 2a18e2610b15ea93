import { locale, words } from '../../i18n/index.js';
import { full, howLong } from '../../time.js';
import { now, useDesk } from '../../ui.js';
import { Table } from './Table.js';
import { useList } from './useList.js';

const EVERY = 5000;

export function HostsPage() {
    const desk = useDesk();
    const w = words.value;
    const listed = useList(() => desk.api.hosts(), EVERY);

    return (
        <Table title={w.hosts} listed={listed} keyOf={(row) => row.host} columns={[
            { title: w.host, of: (row) => row.host },
            { title: w.state, of: (row) => row.silent
                ? <span class="bad">{w.silent}</span> : w.online },
            { title: w.lastPoll, of: (row) => row.last_poll === 0
                ? w.never : <time dateTime={new Date(row.last_poll).toISOString()}
                    title={full(locale.value, row.last_poll)}>
                    {w.ago(howLong(w, now.value - row.last_poll))}</time> },
            { title: w.players, of: (row) => row.players, number: true },
            { title: w.undelivered, of: (row) => row.undelivered, number: true },
        ]} />
    );
}
