// What of a long list is in the page.

export interface Range {
    from: number;
    to: number;
}

// Rows of one height: those in view, and some above and below.
export function visibleRows(scroll: number, height: number, row: number,
    count: number, spare = 6): Range
{
    const from = Math.max(0, Math.floor(scroll / row) - spare);
    const to = Math.min(count, Math.ceil((scroll + height) / row) + spare);

    return { from: Math.min(from, to), to };
}

// Messages have any height, so a piece of the list is in the page, which moves by
// steps when its end comes near.
export const PIECE = 40;
export const STEP = 30;
export const MOST = 150;

export function newestPiece(count: number): Range {
    return { from: Math.max(0, count - PIECE), to: count };
}

export function earlier({ from, to }: Range): Range {
    const next = Math.max(0, from - STEP);

    return { from: next, to: Math.min(to, next + MOST) };
}

export function later({ from, to }: Range, count: number): Range {
    const next = Math.min(count, to + STEP);

    return { from: Math.max(from, next - MOST), to: next };
}

// The list grew: at its beginning by older messages, at its end by new ones.
export function shifted(range: Range, older: number): Range {
    return { from: range.from + older, to: range.to + older };
}
