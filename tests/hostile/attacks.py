"""The attackers of ./dev hostile. Each is a process of its own: `attacks.py NAME --port N --seconds S --connections N`, and prints how often it struck.

Those without a token are anybody on the internet; those with one are clients gone wrong."""

import argparse
import json
import random
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

SLOWHTTPTEST = {"slow_headers": "-H", "slow_body": "-B", "ranges": "-R", "slow_reading": "-X"}


def request(method, path, token=None, body=b"", length=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: t"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body or length:
        lines.append(f"Content-Length: {length or len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Crowd:
    """Many connections in one thread. Subclasses say what one does when it is there (`begin`) and when something came (`hear`);
    one that is closed by the server is replaced."""

    reads = True
    stays = True

    def __init__(self, options):
        self.options = options
        self.selector = selectors.DefaultSelector()
        self.random = random.Random(options.seed)
        self.strikes = 0
        self.open = 0

    def begin(self, sock):
        raise NotImplementedError

    def hear(self, sock, data):
        pass

    def connect(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if not self.reads:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(5)
        try:
            sock.connect(("127.0.0.1", self.options.port))
            self.begin(sock)
        except OSError:
            sock.close()
            return
        self.strikes += 1
        if not self.stays:
            sock.close()
            return
        sock.setblocking(False)
        self.open += 1
        self.selector.register(sock, selectors.EVENT_READ if self.reads else selectors.EVENT_WRITE)

    def leave(self, sock):
        self.selector.unregister(sock)
        sock.close()
        self.open -= 1

    def look(self, sock):
        try:
            data = sock.recv(65536)
            if not data:
                self.leave(sock)
            else:
                self.hear(sock, data)
        except BlockingIOError:
            pass
        except OSError:
            self.leave(sock)

    def run(self):
        ends = time.monotonic() + self.options.seconds
        while time.monotonic() < ends:
            for _ in range(200):
                if self.open >= self.options.connections:
                    break
                self.connect()
            ready = self.selector.select(0.05) if self.reads else self.selector.select(0) and time.sleep(0.05)
            for key, _ in ready or []:
                self.look(key.fileobj)
        return self.strikes


class Idle(Crowd):
    """Connects, and says nothing."""

    def begin(self, sock):
        pass


class HalfClosed(Crowd):
    """Says a request, or the half of one, and that it will say nothing more."""

    def begin(self, sock):
        whole = request("POST", "/board/tasks", self.options.token, b'{"title":"half","createdBy":"hostile"}')
        sock.sendall(self.random.choice([whole, whole[:-10], whole[:30], b""]))
        sock.shutdown(socket.SHUT_WR)


class BadTokens(Crowd):
    """Guesses tokens, as quickly as it is answered."""

    def guess(self):
        return request("GET", "/board/tasks", f"guess-{self.random.getrandbits(64):x}")

    def begin(self, sock):
        sock.sendall(self.guess())

    def hear(self, sock, data):
        sock.sendall(self.guess())
        self.strikes += 1


class Garbage(Crowd):
    """Sends what is no HTTP."""

    def begin(self, sock):
        sock.sendall(self.random.randbytes(self.random.randrange(1, 20_000)))


class Resets(Crowd):
    """Asks, and is gone with an RST before the answer."""

    stays = False

    def begin(self, sock):
        sock.sendall(request("GET", "/board/tasks?limit=1000", self.options.token))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class NeverReading(Crowd):
    """Asks for all there is, and takes none of it."""

    reads = False
    path = "/board/tasks"

    def begin(self, sock):
        sock.sendall(request("GET", self.path, self.options.token))


class NeverReadingStream(NeverReading):
    path = "/events/stream?since=0"


class LeavingClaims(Crowd):
    """Waits for a task that never comes, and leaves before its time; many agents, many tags."""

    def begin(self, sock):
        body = json.dumps({"agent": f"a{self.random.randrange(1000)}", "tags": [f"none{self.random.randrange(5000)}"], "wait": 60}).encode()
        sock.sendall(request("POST", "/board/claim", self.options.token, body))

    def run(self):
        ends = time.monotonic() + self.options.seconds
        while time.monotonic() < ends:
            while self.open < self.options.connections and time.monotonic() < ends:
                self.connect()
            for key in list(self.selector.get_map().values())[: self.options.connections // 2]:
                key.fileobj.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.leave(key.fileobj)
        return self.strikes


CROWDS = {
    "idle": Idle,
    "half_closed": HalfClosed,
    "bad_tokens": BadTokens,
    "garbage": Garbage,
    "resets": Resets,
    "never_reading": NeverReading,
    "never_reading_stream": NeverReadingStream,
    "leaving_claims": LeavingClaims,
}
NAMES = [*SLOWHTTPTEST, *CROWDS]


def slowhttptest(options):
    """Debian's slowhttptest, in one of its four modes. It counts its connections itself."""
    program = shutil.which("slowhttptest")
    if program is None:
        sys.exit("slowhttptest is not installed: ./dev installs it")
    path = "/health" if options.name in ("ranges", "slow_reading") else "/board/tasks"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [program, SLOWHTTPTEST[options.name], "-c", str(options.connections), "-r", str(options.connections), "-i", "1",
             "-l", str(options.seconds), "-k", "5", "-p", "5", "-g", "-o", f"{folder}/out", "-u", f"http://127.0.0.1:{options.port}{path}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=options.seconds + 60, check=False)
    return options.connections


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    print(slowhttptest(options) if options.name in SLOWHTTPTEST else CROWDS[options.name](options).run())


if __name__ == "__main__":
    main(sys.argv[1:])
