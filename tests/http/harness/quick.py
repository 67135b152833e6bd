"""A client for many connections in one process: asyncio, a connection each, no checks against the contract."""

import asyncio
import json

from .server import TOKEN
from .tls import context_of


class Quick:
    """One kept-alive connection. `async with Quick(port) as quick: status, answer = await quick.post(path, body)`"""

    def __init__(self, port, token=TOKEN):
        self.port = port
        self.head = f"HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\n"
        self.reader = self.writer = None

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24, ssl=context_of(self.port))
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    async def call(self, method, path, body=None, headers=""):
        payload = b"" if body is None else json.dumps(body).encode()
        self.writer.write(f"{method} {path} {self.head}{headers}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0])
        answer = await self.reader.readexactly(length)
        return int(head[9:12]), json.loads(answer)

    async def get(self, path):
        return await self.call("GET", path)

    async def post(self, path, body=None, headers=""):
        return await self.call("POST", path, body, headers)
