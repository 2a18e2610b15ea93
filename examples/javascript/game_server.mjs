// A game server's side of the chat, all of it over one WebSocket: events come,
// acknowledgements and sends go.
//
//     npm ci && node game_server.mjs http://127.0.0.1:8080 1001
//
// What happens is printed, each as a line of JSON. Lines "uid text" of stdin
// are what players write. SIGTERM and SIGINT end it.

import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

const SILENCE = 60_000; // ms: two pings of the bridge did not come
const LATE = 10_000;    // ms: an answer does not come any more

// The store is away; nobody knows; too many calls.
const AGAIN = [-5, -6, -9];

// At random within a span that doubles: who lost the bridge at the same moment
// does not come back at the same moment.
const backOff = (failures) =>
    Math.random() * Math.min(10_000, 100 * 2 ** Math.min(failures, 7));

const say = (event, data) => console.log(JSON.stringify({ event, ...data }));


// Emits 'open', and 'event' (name, data).
class Bridge extends EventEmitter {
    calls = new Map();      // number -> { resolve, reject } of what is asked
    lastCall = 0;
    cursor = '';            // up to here all is dealt with
    failures = 0;

    constructor(url, host) {
        super();
        this.url = `${url.replace(/^http/, 'ws')}/gs?action=stream`
            + `&host=${host}`;
    }

    // Begins with all that is not acknowledged; after a break, behind what was
    // dealt with, so that nothing comes twice.
    connect() {
        const cursor = encodeURIComponent(this.cursor);
        const socket = new WebSocket(`${this.url}&cursor=${cursor}`,
            'gmchat.v1.json', { handshakeTimeout: LATE });

        // A connection that died without a word is found by its silence.
        const silence = setTimeout(() => socket.terminate(), SILENCE);

        socket.on('ping', () => silence.refresh());
        socket.on('message', (text) => {
            silence.refresh();
            this.take(JSON.parse(text));
        });
        socket.on('error', (error) => console.error(error.message));
        socket.on('close', (code, reason) => {
            clearTimeout(silence);
            this.lost(code, String(reason));
        });
        this.socket = socket;
    }

    take(frame) {
        if (frame.re !== undefined) {
            this.calls.get(frame.re)?.resolve(frame);
            return;
        }
        if (frame.event === 'open') {
            this.ready = true;
            this.failures = 0;
            this.emit('open');
        }
        this.emit('event', frame.event, frame.data);
        if (frame.id !== undefined) {
            this.cursor = frame.id;
            this.acknowledge();
        }
    }

    // What was asked has no answer: it may have been done, or not.
    lost(code, reason) {
        this.ready = false;
        for (const call of this.calls.values()) {
            call.reject(new Error(`closed: ${code} ${reason}`));
        }
        if (this.stopping) {
            return;
        }
        // An nginx that is reloaded says when, to each another time.
        const told = code === 1012 && /(\d+) ms/.exec(reason);
        setTimeout(() => this.connect(),
            told ? Number(told[1]) : backOff(this.failures++));
    }

    // The reply, or an exception where there is none.
    async call(params) {
        if (!this.ready) {
            await once(this, 'open');
        }
        const call = ++this.lastCall;
        let timer;
        try {
            return await new Promise((resolve, reject) => {
                this.calls.set(call, { resolve, reject });
                timer = setTimeout(reject, LATE, new Error('no answer'));
                this.socket.send(JSON.stringify({ call, ...params }));
            });
        } finally {
            clearTimeout(timer);
            this.calls.delete(call);
        }
    }

    // One at a time; what comes meanwhile is covered by the next one.
    acknowledge() {
        this.acking ??= this.acknowledgeAll().finally(() => {
            this.acking = undefined;
        });
    }

    async acknowledgeAll() {
        for (let failures = 0; this.acknowledged !== this.cursor;) {
            const { cursor } = this;
            const reply = await this.call({ action: 'ack', cursor })
                .catch(() => ({}));
            if (reply.res === 1) {
                this.acknowledged = cursor;
                failures = 0;
            } else {
                await sleep(backOff(failures++));
            }
        }
    }

    // With the same msgid until there is an answer: so it does not matter
    // whether the first one arrived.
    async send(uid, text, msgid) {
        for (let failures = 0; ; failures++) {
            try {
                const reply = await this.call(
                    { action: 'send', uid, text, msgid });
                if (!AGAIN.includes(reply.errno)) {
                    return reply;
                }
            } catch (error) {
                console.error(error.message);
            }
            await sleep(backOff(failures));
        }
    }

    // What was dealt with is acknowledged, if that can be: else it comes again.
    async stop() {
        this.stopping = true;
        await Promise.race([this.acking, sleep(2000)]);
        if (this.ready) {
            this.socket.close(1000);
            await Promise.race([once(this.socket, 'close'), sleep(2000)]);
        }
    }
}


const [url, host] = process.argv.slice(2);

if (host === undefined) {
    console.error('usage: game_server.mjs URL HOST');
    process.exit(2);
}

const bridge = new Bridge(url, host);

bridge.on('event', say);
bridge.connect();

for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, async () => {
        await bridge.stop();
        process.exit();
    });
}

// A msgid is used once in 24 hours: other ones in each run. One message at a
// time keeps the order of each player.
const run = randomBytes(8).toString('hex');
let lines = 0;

for await (const line of createInterface({ input: process.stdin })) {
    const [, uid, text] = /^(\S*) ?(.*)$/.exec(line);
    const reply = await bridge.send(uid, text, `${run}-${++lines}`);
    say(reply.res === 1 ? 'sent' : 'refused', { uid, ...reply });
}
