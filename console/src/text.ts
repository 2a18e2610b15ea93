// Texts of messages: what they hold, how long they are, how they are cut.

const encoder = new TextEncoder();

export function byteLength(text: string): number {
    return encoder.encode(text).length;
}

// What the bridge takes: no zero bytes, and no halves of characters, which an input
// method or a cut in the middle may leave.
export function clean(text: string): string {
    return text
        .replace(/\r\n?/g, '\n')
        .replace(/\0/g, '')
        .replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uD800-\uDFFF]/g,
            (found) => found.length === 2 ? found : '\uFFFD');
}

// The text of a message as it came: msg is base64 of what is not UTF-8.
export function textOf(message: { text?: string; msg?: string }): string {
    if (message.text !== undefined) {
        return message.text;
    }
    try {
        const bytes = Uint8Array.from(atob(message.msg ?? ''),
            (char) => char.charCodeAt(0));

        return new TextDecoder().decode(bytes);
    } catch {
        return message.msg ?? '';
    }
}

// The newest message in a list: one line.
export function oneLine(text: string, length = 120): string {
    const line = text.slice(0, length * 2).replace(/\s+/g, ' ').trim();

    return line.length > length ? `${line.slice(0, length)}…` : line;
}

// What people see as one character: it is never cut apart.
function* characters(text: string): Generator<string> {
    if (typeof Intl.Segmenter === 'function') {
        for (const { segment } of new Intl.Segmenter().segment(text)) {
            yield segment;
        }
    } else {
        yield* text;
    }
}

// Cuts a long text into parts of at most max bytes, behind a line or a sentence or a
// space where one is near, else between two characters. Nothing is lost but white
// space at the cuts.
export function split(text: string, max: number): string[] {
    const parts: string[] = [];
    let part = '';
    let bytes = 0;

    for (const character of characters(text)) {
        const more = byteLength(character);

        if (bytes + more > max && part !== '') {
            const cut = cutAt(part);

            parts.push(part.slice(0, cut).trimEnd());
            part = part.slice(cut).trimStart();
            bytes = byteLength(part);
        }
        part += character;
        bytes += more;
    }
    if (part.trim() !== '') {
        parts.push(part);
    }
    return parts.filter((one) => one !== '');
}

// In the second half of a part, or its end.
function cutAt(part: string): number {
    const half = Math.floor(part.length / 2);

    for (const ends of [/\n/g, /[.!?。！？…]\s*/g, /[\s，、；;,]/g]) {
        let cut = 0;

        for (const match of part.matchAll(ends)) {
            cut = match.index! + match[0].length;
        }
        if (cut > half) {
            return cut;
        }
    }
    return part.length;
}
