// Times as people read them, in the operator's zone.

import type { Words } from './i18n/en.js';

const formats = new Map<string, Intl.DateTimeFormat>();

// Making one of these takes longer than using it a hundred times.
function format(locale: string, name: string,
    options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat
{
    const key = `${locale}:${name}`;
    let found = formats.get(key);

    if (found === undefined) {
        found = new Intl.DateTimeFormat(locale, options);
        formats.set(key, found);
    }
    return found;
}

export function clock(locale: string, ts: number): string {
    return format(locale, 'clock', { hour: '2-digit', minute: '2-digit' })
        .format(ts);
}

export function date(locale: string, ts: number): string {
    return format(locale, 'date',
        { year: 'numeric', month: 'short', day: 'numeric' }).format(ts);
}

export function full(locale: string, ts: number): string {
    return format(locale, 'full', {
        year: 'numeric', month: 'short', day: 'numeric',
        hour: '2-digit', minute: '2-digit', second: '2-digit',
    }).format(ts);
}

// A number that differs between two days of the operator's zone.
export function dayOf(ts: number): number {
    const day = new Date(ts);

    return Date.UTC(day.getFullYear(), day.getMonth(), day.getDate()) /
        86_400_000;
}

export function dayMark(words: Words, locale: string, ts: number, now: number):
    string
{
    const days = dayOf(now) - dayOf(ts);

    if (days === 0) {
        return words.today;
    }
    return days === 1 ? words.yesterday : date(locale, ts);
}

// Is so much time over, ms? Also where the clock was set back since: who waits for
// it to come round again would wait for hours.
export function isOver(since: number, now: number, ms: number): boolean {
    return now < since || now - since >= ms;
}

// In the list: the time of today, else the day.
export function shortly(words: Words, locale: string, ts: number, now: number):
    string
{
    return dayOf(ts) === dayOf(now)
        ? clock(locale, ts) : dayMark(words, locale, ts, now);
}

export function howLong(words: Words, ms: number): string {
    const seconds = Math.max(0, Math.floor(ms / 1000));

    if (seconds < 60) {
        return words.words.second(seconds);
    }
    if (seconds < 3600) {
        return words.words.minute(Math.floor(seconds / 60));
    }
    return seconds < 86_400
        ? words.words.hour(Math.floor(seconds / 3600))
        : words.words.day(Math.floor(seconds / 86_400));
}
