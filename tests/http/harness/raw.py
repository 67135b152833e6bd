"""A bare TCP connection, for requests that no decent client would send."""

import http.client
import json
import socket
import ssl
import struct

from .tls import wrap
from .wait import PATIENCE_SECONDS


class RawAnswer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Raw:
    """`source` is the client's own address: all of 127.0.0.0/8 is this machine's."""

    def __init__(self, port, receive_buffer=None, source=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_SECONDS)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket = wrap(self.socket, port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        """Sends all of it; False when the server has closed first."""
        try:
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
            return True
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            return False

    def answer(self, method="GET"):
        """Reads one whole answer."""
        response = http.client.HTTPResponse(self.socket, method=method)
        response.begin()
        return RawAnswer(response)

    def receive(self, most=65536):
        """Some bytes; b"" at the end, also when the server reset the connection."""
        try:
            return self.socket.recv(most)
        except ConnectionResetError:
            return b""

    def receive_all(self):
        parts = []
        while part := self.receive():
            parts.append(part)
        return b"".join(parts)

    def half_close(self):
        socket.socket.shutdown(self.socket, socket.SHUT_WR)

    def reset(self):
        """Leaves with an RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()
