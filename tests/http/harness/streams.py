"""Subscribers: server-sent events as WHATWG HTML reads them, and WebSocket frames as RFC 6455 has them."""

import base64
import hashlib
import json
import os
import socket
import struct
import zlib

from .raw import Raw
from .server import TOKEN
from .wait import PATIENCE_SECONDS, is_readable

SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
GZIP = {"Accept-Encoding": "gzip"}


class Ended(Exception):
    """The server has ended the stream."""


class Connection:
    """A connection that has sent a GET and read the head of the answer: `status`, `headers` in lower case. A body in gzip is
    decompressed as it comes; `received` counts the bytes before that, and `is_whole` says that its end was read."""

    def __init__(self, server, path, headers, token=TOKEN, receive_buffer=None):
        self.raw = Raw(server.port, receive_buffer)
        fields = {"Host": "t", **({"Authorization": f"Bearer {token}"} if token else {}), **headers}
        self.raw.send(f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n")
        self.bytes, self.received, self.inflater = b"", 0, None
        head = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {}
        for line in head[1:-2]:
            name, _, value = line.partition(": ")
            known = self.headers.get(name.lower())
            self.headers[name.lower()] = f"{known}, {value}" if known else value
        if self.headers.get("content-encoding") == "gzip":
            self.inflater = zlib.decompressobj(wbits=31)
            self.bytes = self.inflater.decompress(self.bytes)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def fill(self):
        more = self.raw.receive()
        if not more:
            raise Ended
        self.received += len(more)
        if self.inflater:
            assert not self.is_whole, "something comes behind the end"
            more = self.inflater.decompress(more)
        self.bytes += more

    @property
    def is_whole(self):
        return self.inflater.eof and not self.inflater.unused_data

    def until(self, mark):
        while mark not in self.bytes:
            self.fill()
        part, _, self.bytes = self.bytes.partition(mark)
        return part + mark

    def exactly(self, count):
        while len(self.bytes) < count:
            self.fill()
        part, self.bytes = self.bytes[:count], self.bytes[count:]
        return part

    def read(self, count):
        """So many bytes, however many they are."""
        parts, missing = [self.bytes[:count]], count - len(self.bytes)
        self.bytes = self.bytes[count:]
        while missing > 0:
            self.fill()
            parts.append(self.bytes[:missing])
            self.bytes, missing = self.bytes[missing:], missing - len(parts[-1])
        return b"".join(parts)

    def is_quiet(self, seconds=0.2):
        return not self.bytes and not is_readable(self.raw.socket, seconds)

    def within(self, seconds):
        self.raw.socket.settimeout(seconds)
        return self

    def leave(self):
        self.raw.close()


class Event:
    def __init__(self):
        self.name, self.data, self.id, self.comments, self.retry = None, None, None, [], None

    @property
    def json(self):
        return json.loads(self.data)

    def __repr__(self):
        return f"<event {self.name} {self.id} {self.data!r:.200}>"


class Sse(Connection):
    """`last_id` is what an EventSource would send when it comes back."""

    def __init__(self, server, path="/events/stream", headers=None, last_id=None, **options):
        more = {} if last_id is None else {"Last-Event-ID": last_id}
        super().__init__(server, path, {"Accept": "text/event-stream", **more, **(headers or {})}, **options)
        self.last_id, self.opening = last_id, None
        if self.status == 200:
            self.opening = self.block()

    def block(self):
        """Whatever comes up to the next empty line."""
        event = Event()
        for line in self.until(b"\n\n").decode().split("\n")[:-2]:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "":
                event.comments.append(value)
            elif name == "data":
                event.data = value if event.data is None else f"{event.data}\n{value}"
            elif name == "id":
                event.id = self.last_id = value
            elif name == "event":
                event.name = value
            elif name == "retry":
                event.retry = int(value)
            else:
                raise AssertionError(f"a field that nobody knows: {line!r}")
        return event

    def next(self):
        """The next event that has data."""
        while True:
            event = self.block()
            if event.data is not None:
                return event

    def texts(self, count):
        """The data of so many unnamed events, as they stand."""
        found = []
        for _ in range(count):
            event = self.next()
            assert event.name is None, event
            found.append(event.data)
        return found

    def events(self, count):
        return [json.loads(text) for text in self.texts(count)]


class Ws(Connection):
    def __init__(self, server, path="/events/ws", headers=None, **options):
        key = base64.b64encode(os.urandom(16))
        asked = {"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket", "Sec-WebSocket-Version": "13",
                 "Sec-WebSocket-Key": key.decode(), **(headers or {})}
        super().__init__(server, path, {k: v for k, v in asked.items() if v is not None}, **options)
        if self.status == 101:
            accept = base64.b64encode(hashlib.sha1(key + SUFFIX).digest()).decode()
            assert self.headers["sec-websocket-accept"] == accept
            assert self.headers["upgrade"].lower() == "websocket"
            assert "upgrade" in self.headers["connection"].lower()

    # --- sending ---

    def frame(self, opcode, payload=b"", final=True, masked=True, reserved=0):
        length = len(payload)
        head = bytes([(0x80 if final else 0) | reserved | opcode])
        mask = os.urandom(4) if masked else b""
        flag = 0x80 if masked else 0
        if length < 126:
            head += bytes([flag | length])
        elif length < 1 << 16:
            head += bytes([flag | 126]) + struct.pack(">H", length)
        else:
            head += bytes([flag | 127]) + struct.pack(">Q", length)
        body = bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) if masked else payload
        return head + mask + body

    def send(self, message):
        text = message if isinstance(message, (str, bytes)) else json.dumps(message)
        self.send_frame(1, text if isinstance(text, bytes) else text.encode())

    def send_frame(self, opcode, payload=b"", **options):
        return self.raw.send(self.frame(opcode, payload, **options))

    # --- receiving ---

    def next_frame(self):
        """(opcode, payload)"""
        first, second = self.exactly(2)
        assert first & 0x70 == 0 and first & 0x80, "the server sends whole frames without extensions"
        assert second & 0x80 == 0, "a server does not mask"
        length = second & 0x7f
        if length == 126:
            (length,) = struct.unpack(">H", self.exactly(2))
            assert length >= 126
        elif length == 127:
            (length,) = struct.unpack(">Q", self.exactly(8))
            assert length >= 1 << 16
        return first & 0x0f, self.exactly(length)

    def next_text(self):
        """The next message; pings are answered."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == 9:
                self.send_frame(10, payload)
            elif opcode == 8:
                raise Ended(*self.read_close(payload))
            else:
                assert opcode == 1, opcode
                return payload.decode()

    def next(self):
        return json.loads(self.next_text())

    def texts(self, count):
        return [self.next_text() for _ in range(count)]

    @staticmethod
    def read_close(payload):
        return (struct.unpack(">H", payload[:2])[0], payload[2:].decode()) if payload else (1005, "")

    def events(self, count):
        return [self.next() for _ in range(count)]

    def echo(self):
        """Waits until the server has taken everything that was sent before: returns the messages that came meanwhile."""
        mark, found = os.urandom(8), []
        self.send_frame(9, mark)
        while True:
            opcode, payload = self.next_frame()
            if (opcode, payload) == (10, mark):
                return found
            assert opcode == 1
            found.append(json.loads(payload))

    def closed(self):
        """Reads up to the server's close frame, and says its code. Then nothing but the end may come."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == 8:
                break
        code, _ = self.read_close(payload)
        self.send_frame(8, payload[:2])
        try:
            self.raw.socket.settimeout(PATIENCE_SECONDS)
            while True:
                self.fill()
        except (Ended, socket.timeout, ConnectionError) as end:
            assert not isinstance(end, socket.timeout), "the connection stays open"
        return code
