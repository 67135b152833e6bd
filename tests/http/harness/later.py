"""A request whose answer is waited for later, or never."""

import json

from .client import contract
from .raw import Raw
from .server import TOKEN
from .wait import is_readable


class Later:
    """Sends it, and lets one event loop (`--threads 1`) read it before anything that is sent later.

    `begun`: only begins the request; the last byte goes with end()."""

    def __init__(self, server, method, path, body=None, headers=None, token=TOKEN, begun=False):
        self.method, self.path = method, path
        self.raw = Raw(server.port)
        payload = b"" if body is None else json.dumps(body).encode()
        fields = {"Host": "t", "Authorization": f"Bearer {token}", **(headers or {})}
        if body is not None:
            fields["Content-Length"] = str(len(payload))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        data = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + payload
        self.rest = data[-1:] if begun else b""
        self.raw.send(data[:len(data) - len(self.rest)])
        server.turn_round()

    def end(self):
        self.raw.send(self.rest)
        return self

    def is_answered(self, seconds=0):
        """Has something come, or does it within that time?"""
        return is_readable(self.raw.socket, seconds)

    def answer(self):
        """Reads the answer, holds it against the contract and ends the connection."""
        answer = self.raw.answer(self.method)
        self.raw.close()
        parsed = answer.json if answer.body else None
        contract().validate(self.method, self.path, answer.status, answer.headers, parsed)
        return answer

    def leave(self):
        self.raw.close()


def claim(server, agent, wait=30, **fields):
    return Later(server, "POST", "/board/claim", {"agent": agent, "wait": wait, **fields})
