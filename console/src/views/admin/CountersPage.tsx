import { useEffect, useRef, useState } from 'preact/hooks';
import {
    addPoint, lineOf, pointOf, type Point, type Reading, type Status,
} from '../../counters.js';
import { locale, words } from '../../i18n/index.js';
import { pageSettings } from '../../ui.js';
import { Table } from './Table.js';

const EVERY = 2000;
const LATE = 10_000;
const WIDTH = 240;
const HEIGHT = 60;

type State = 'loading' | 'refused' | 'away' | 'there';

function useStatus() {
    const [state, setState] = useState<State>('loading');
    const [points, setPoints] = useState<readonly Point[]>([]);
    const [status, setStatus] = useState<Status | undefined>();
    const last = useRef<Reading | undefined>(undefined);
    const busy = useRef(false);
    const read = async () => {
        // One at a time: where nothing is answered they would pile up.
        if (busy.current) {
            return;
        }
        busy.current = true;

        const abort = new AbortController();
        const timer = setTimeout(() => abort.abort(), LATE);

        try {
            const response = await fetch(pageSettings().status, {
                cache: 'no-store', redirect: 'error', signal: abort.signal,
            });

            if (!response.ok) {
                setState(response.status < 500 ? 'refused' : 'away');
                return;
            }
            const reading: Reading = {
                at: Date.now(),
                status: await response.json() as Status,
            };
            const before = last.current;

            last.current = reading;
            if (before !== undefined) {
                setPoints((old) => addPoint(old, pointOf(before, reading)));
            }
            setStatus(reading.status);
            setState('there');
        } catch {
            setState('away');
        } finally {
            clearTimeout(timer);
            busy.current = false;
        }
    };

    useEffect(() => {
        void read();
        const timer = setInterval(() => {
            if (!document.hidden) {
                void read();
            }
        }, EVERY);

        return () => clearInterval(timer);
    }, []);
    return { state, points, status };
}

export function CountersPage() {
    const { state, points, status } = useStatus();
    const w = words.value;

    if (state === 'refused') {
        return <p class="note" role="status">{w.statusRefused}</p>;
    }
    if (status === undefined) {
        return <p role="status">{state === 'away'
            ? w.errors.unreachable : w.loading}</p>;
    }
    const plots: readonly [string, (point: Point) => number][] = [
        [w.callsPerSecond, (point) => point.calls],
        [w.refusals, (point) => point.refusals],
        [w.eventsPerSecond, (point) => point.events],
        [w.storeTime, (point) => point.storeMs],
        [w.waitingNow, (point) => point.waiting],
        [w.queueNow, (point) => point.queue],
    ];

    return (
        <>
            {state === 'away' &&
                <p class="bad" role="alert">{w.errors.unreachable}</p>}
            <div class="plots">
                {plots.map(([title, of]) =>
                    <Plot key={title} title={title} values={points.map(of)} />)}
            </div>
            <h3>{w.storeLinks}</h3>
            <Table title={w.storeLinks} keyOf={(row) => row.store}
                listed={{ list: status.stores, failure: undefined,
                    reload: async () => undefined }}
                columns={[
                    { title: w.store, of: (row) => row.store },
                    { title: w.ready, of: (row) => row.links['ready'] ?? 0,
                        number: true },
                ]} />
            <h3>{w.callsTable}</h3>
            <Table title={w.callsTable}
                keyOf={(row) => `${row.endpoint} ${row.action} ${row.errno}`}
                listed={{ list: status.calls, failure: undefined,
                    reload: async () => undefined }}
                columns={[
                    { title: w.endpoint, of: (row) => row.endpoint },
                    { title: w.action, of: (row) => row.action },
                    { title: w.code, of: (row) => row.errno },
                    { title: w.calls, of: (row) => row.calls, number: true },
                ]} />
        </>
    );
}

function Plot({ title, values }: { title: string; values: readonly number[] }) {
    const number = new Intl.NumberFormat(locale.value,
        { maximumFractionDigits: 2 });
    const current = number.format(values.at(-1) ?? 0);
    const most = number.format(Math.max(0, ...values));
    const line = lineOf(values, WIDTH, HEIGHT);

    return (
        <figure class="plot">
            <figcaption>{title} <b>{values.length === 0 ? '–' : current}</b>
            </figcaption>
            <svg viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} role="img"
                aria-label={words.value.plotOf(title, current)}
                preserveAspectRatio="none">
                {line !== '' && <polygon
                    points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />}
                <polyline points={line} />
            </svg>
            <span class="quiet">{words.value.plotMost(most)}</span>
        </figure>
    );
}
