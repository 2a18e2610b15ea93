"""A game server's side of the chat: events over server-sent events, sends and
acknowledgements as calls.  The standard library is enough.

    python3 game_server.py http://127.0.0.1:8080 1001

What happens is printed, each as a line of JSON.  Lines "uid text" of stdin are
what players write.  SIGTERM and SIGINT end it.
"""

import contextlib
import http.client
import json
import random
import secrets
import signal
import socket
import sys
import threading
from urllib.parse import urlsplit

SILENCE = 40    # seconds: more than two heartbeats did not come
LATE = 10       # seconds: an answer does not come any more

# The store is away; nobody knows; too many calls: try again. None: no answer.
AGAIN = (-5, -6, -9, None)

stopping = threading.Event()


def back_off(failures):
    """At random within a span that doubles: who lost the bridge at the same
    moment does not come back at the same moment."""
    stopping.wait(random.uniform(0, min(10, 0.1 * 2 ** min(failures, 7))))


def say(event, data):
    # in one piece: two threads print
    print(json.dumps({"event": event, **data}) + "\n", end="", flush=True)


def complain(*words):
    print(*words, file=sys.stderr, flush=True)


class Bridge:
    """Calls on a connection that is kept. Each thread has one of its own."""

    def __init__(self, url):
        address = urlsplit(url)
        secure = address.scheme == "https"
        self.kind = http.client.HTTPSConnection if secure \
            else http.client.HTTPConnection
        self.address = address.netloc
        self.path = address.path.rstrip("/") + "/gs"
        self.connection = None

    def request(self, params, timeout, accept="application/json"):
        if self.connection is None:
            self.connection = self.kind(self.address, timeout=timeout)
        self.connection.request("POST", self.path, json.dumps(params), {
            "Content-Type": "application/json", "Accept": accept})
        return self.connection.getresponse()

    def call(self, **params):
        """The reply, or {} where there is none: also where something in
        between answered what is no JSON."""
        try:
            reply = json.loads(self.request(params, LATE).read())
            if "errno" in reply:
                complain(params["action"], reply)
            return reply
        except (OSError, ValueError, http.client.HTTPException) as error:
            complain(params["action"], repr(error))
            self.close()
            return {}

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Acker:
    """Acknowledges the newest event that was dealt with. While one call is
    under way others come; the next one covers them all."""

    def __init__(self, url):
        self.bridge = Bridge(url)
        self.changed = threading.Condition()
        self.handled = self.acknowledged = ""

    def dealt_with(self, cursor):
        with self.changed:
            self.handled = cursor
            self.changed.notify()

    def wake(self):
        with self.changed:
            self.changed.notify()

    def run(self):
        failures = 0
        while True:
            with self.changed:
                self.changed.wait_for(lambda: stopping.is_set()
                                      or self.handled != self.acknowledged)
                cursor = self.handled
            if cursor == self.acknowledged:
                return
            if self.bridge.call(action="ack", cursor=cursor).get("res") == 1:
                self.acknowledged = cursor
                failures = 0
            elif stopping.is_set():
                return
            else:
                back_off(failures)
                failures += 1


class Reader:
    """The stream. It begins with all that is not acknowledged, and after a
    break behind the last event that was dealt with."""

    def __init__(self, url, host, acker):
        self.bridge = Bridge(url)
        self.host = host
        self.acker = acker
        self.failures = 0
        self.retry = None

    def run(self):
        while not stopping.is_set():
            try:
                self.read()
            except (OSError, ValueError, http.client.HTTPException) as error:
                if not stopping.is_set():
                    complain("stream", repr(error))
            self.bridge.close()
            self.come_back()

    def come_back(self):
        if self.retry is None:
            back_off(self.failures)
            self.failures += 1
        else:           # nginx is reloaded and says when, to each another time
            stopping.wait(self.retry)
            self.retry = None

    def read(self):
        response = self.bridge.request(
            {"action": "stream", "host": self.host,
             "cursor": self.acker.handled}, SILENCE, "text/event-stream")
        if response.status != 200:
            raise ValueError(response.read())
        fields = {}
        for line in response:
            name, colon, value = line.decode().strip("\r\n").partition(":")
            if name == "retry":
                self.retry = int(value) / 1000
            elif name:
                fields[name] = value.removeprefix(" ")
            elif not colon:     # an empty line: the event is whole
                self.handle(fields)
                fields = {}

    def handle(self, fields):
        self.failures = 0
        if "event" in fields:
            say(fields["event"], json.loads(fields["data"]))
        if "id" in fields:
            self.acker.dealt_with(fields["id"])

    def cut(self):
        """Ends a read that waits in the other thread."""
        connection = self.bridge.connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)


def send(bridge, uid, text, msgid):
    """Again with the same msgid until there is an answer: so it does not
    matter whether the first one arrived."""
    failures = 0
    while not stopping.is_set():
        reply = bridge.call(action="send", uid=uid, text=text, msgid=msgid)
        if reply.get("res") == 1:
            return say("sent", {"uid": uid, **reply})
        if reply.get("errno") not in AGAIN:
            return say("refused", {"uid": uid, **reply})
        back_off(failures)
        failures += 1


def send_lines(url):
    """One message at a time keeps the order of each player."""
    bridge = Bridge(url)
    run = secrets.token_hex(8)      # a msgid is used once in 24 hours
    for n, line in enumerate(sys.stdin):
        uid, _, text = line.rstrip("\n").partition(" ")
        send(bridge, uid, text, f"{run}-{n}")


class Stop(Exception):
    pass


def stop(*_):
    raise Stop


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: game_server.py URL HOST")
    url, host = sys.argv[1:]
    acker = Acker(url)
    reader = Reader(url, host, acker)
    acking = threading.Thread(target=acker.run)
    reading = threading.Thread(target=reader.run, daemon=True)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        acking.start()
        reading.start()
        send_lines(url)
        while True:
            signal.pause()
    except Stop:
        pass
    # What was dealt with is acknowledged, then that is the end.
    stopping.set()
    reader.cut()
    reading.join(1)
    acker.wake()
    acking.join()


if __name__ == "__main__":
    main()
