// The status page's counters, and what they say of a moment: differences of two
// readings by the time between them.

export interface Status {
    version?: string;
    calls: { endpoint: string; action: string; errno: string; calls: number }[];
    waiting: Record<string, number>;
    events: Record<string, number>;
    store_seconds: { count: number; sum_us: number };
    stores: { store: string; queue: number; links: Record<string, number> }[];
}

export interface Reading {
    at: number;     // ms
    status: Status;
}

export interface Point {
    at: number;
    calls: number;
    refusals: number;
    events: number;
    // Mean of the calls of this span; 0 where there was none.
    storeMs: number;
    waiting: number;
    queue: number;
}

const MOST = 90;

function total(of: Record<string, number>): number {
    return Object.values(of).reduce((sum, one) => sum + one, 0);
}

function calls(status: Status, refused: boolean): number {
    return status.calls.reduce((sum, one) =>
        sum + (refused && one.errno === '0' ? 0 : one.calls), 0);
}

// undefined: nginx was started again in between, so the counters began anew.
export function pointOf(before: Reading, after: Reading): Point | undefined {
    const seconds = (after.at - before.at) / 1000;
    const rate = (of: (status: Status) => number) =>
        (of(after.status) - of(before.status)) / seconds;
    const all = rate((status) => calls(status, false));

    if (seconds <= 0 || all < 0) {
        return undefined;
    }
    const count = after.status.store_seconds.count -
        before.status.store_seconds.count;
    const sum = after.status.store_seconds.sum_us -
        before.status.store_seconds.sum_us;

    return {
        at: after.at,
        calls: all,
        refusals: Math.max(0, rate((status) => calls(status, true))),
        events: Math.max(0, rate((status) => total(status.events))),
        storeMs: count > 0 ? sum / count / 1000 : 0,
        waiting: total(after.status.waiting),
        queue: after.status.stores.reduce((most, one) => most + one.queue, 0),
    };
}

export function addPoint(points: readonly Point[], point: Point | undefined):
    readonly Point[]
{
    return point === undefined ? points : [...points, point].slice(-MOST);
}

// The points of a line in a box, from its lower left corner; '' without a line.
export function lineOf(values: readonly number[], width: number, height: number):
    string
{
    const top = Math.max(...values, Number.MIN_VALUE);
    const step = values.length > 1 ? width / (values.length - 1) : 0;

    return values.length < 2 ? '' : values.map((value, at) =>
        `${(at * step).toFixed(1)},${(height - value / top * height).toFixed(1)}`)
        .join(' ');
}
