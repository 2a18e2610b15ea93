import type { ComponentChildren } from 'preact';
import { explain, detail } from '../../errors.js';
import { words } from '../../i18n/index.js';
import { Trouble } from '../fields.js';
import type { Listed } from './useList.js';

export interface Column<T> {
    title: string;
    of: (row: T) => ComponentChildren;
    number?: boolean;
}

// A table that is scrolled sideways where it does not fit.
export function Table<T>({ title, listed, columns, keyOf, empty }: {
    title: string;
    listed: Listed<T>;
    // What an empty one means.
    empty?: string;
    columns: readonly Column<T>[];
    keyOf: (row: T) => string;
}) {
    const w = words.value;

    if (listed.failure !== undefined) {
        return (
            <div>
                <Trouble text={explain(w, listed.failure)}
                    more={detail(listed.failure)} />
                <button onClick={() => void listed.reload()}>{w.again}</button>
            </div>
        );
    }
    if (listed.list === undefined) {
        return <p role="status">{w.loading}</p>;
    }
    if (listed.list.length === 0) {
        return <p class="quiet empty">{empty ?? w.nothing}</p>;
    }
    return (
        <div class="table" tabIndex={0} role="region" aria-label={title}>
            <table>
                <thead><tr>{columns.map((column) => (
                    <th key={column.title} scope="col"
                        class={column.number === true ? 'number' : ''}>
                        {column.title}</th>
                ))}</tr></thead>
                <tbody>{listed.list.map((row) => (
                    <tr key={keyOf(row)}>{columns.map((column) => (
                        <td key={column.title}
                            class={column.number === true ? 'number' : ''}>
                            {column.of(row)}</td>
                    ))}</tr>
                ))}</tbody>
            </table>
        </div>
    );
}
