// Server-sent events out of the pieces in which a response comes. A browser's
// EventSource hides the comments by which the bridge shows that it lives, and the
// status of a refusal; so the desk reads a stream itself.

export interface SseEvent {
    name: string;
    data: string;
    // As the stream said last; '' before it said any.
    id: string;
}

export class SseParser {
    private rest = '';
    private name = '';
    private data: string[] = [];
    private id = '';
    // Milliseconds that a line retry: asked for.
    retry: number | undefined;

    // The events that this piece completes.
    feed(piece: string): SseEvent[] {
        const events: SseEvent[] = [];
        const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);

        this.rest = lines.pop() ?? '';
        for (const line of lines) {
            if (line === '') {
                this.end(events);
            } else {
                this.line(line);
            }
        }
        return events;
    }

    private line(line: string): void {
        const colon = line.indexOf(':');
        const field = colon < 0 ? line : line.slice(0, colon);
        let value = colon < 0 ? '' : line.slice(colon + 1);

        if (value.startsWith(' ')) {
            value = value.slice(1);
        }
        switch (field) {
        case 'event':
            this.name = value;
            break;
        case 'data':
            this.data.push(value);
            break;
        case 'id':
            this.id = value;
            break;
        case 'retry':
            if (/^\d+$/.test(value)) {
                this.retry = Number(value);
            }
            break;
        default:
            // A comment has an empty name.
        }
    }

    private end(events: SseEvent[]): void {
        if (this.data.length > 0) {
            events.push({
                name: this.name || 'message',
                data: this.data.join('\n'),
                id: this.id,
            });
        }
        this.name = '';
        this.data = [];
    }
}
