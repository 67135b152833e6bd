"""A plain HTTP/1.1 client over one connection, which also tells how many bytes an answer had on the wire."""

import json
import socket
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: list  # of (name as sent, value)
    body: bytes
    wire_bytes: int

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def json(self):
        return json.loads(self.body)


class Connection:
    def __init__(self, port, token, timeout_seconds=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.token = token
        self.wire_bytes = 0

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def request(self, method, path, body=None, headers=()):
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {self.token}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
        return self._read_answer(method)

    def _line(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the server closed the connection in the middle of an answer")
        self.wire_bytes += len(line)
        return line.rstrip(b"\r\n").decode("latin-1")

    def _bytes(self, count):
        data = self.file.read(count)
        if len(data) != count:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        self.wire_bytes += count
        return data

    def _read_answer(self, method):
        self.wire_bytes = 0
        status = int(self._line().split(" ")[1])
        headers = []
        while line := self._line():
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
        answer = Answer(status, headers, b"", 0)
        if method != "HEAD" and status not in (204, 304):
            answer.body = self._read_body(answer)
        answer.wire_bytes = self.wire_bytes
        return answer

    def _read_body(self, answer):
        if (answer.header("Transfer-Encoding") or "").lower() != "chunked":
            return self._bytes(int(answer.header("Content-Length") or 0))
        chunks = []
        while size := int(self._line().split(";")[0], 16):
            chunks.append(self._bytes(size))
            self._line()
        while self._line():
            pass
        return b"".join(chunks)
