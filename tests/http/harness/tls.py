"""TLS of the tests' own: certificates that openssl makes, and clients that trust them."""

import os
import ssl
import subprocess
import tempfile
import threading
from pathlib import Path

from .wait import PATIENCE_SECONDS, is_readable

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_SECONDS)


class Certificate:
    """A certificate that vouches for itself, with its key, in two files of a folder."""

    def __init__(self, folder, name="board", key_type=CURVE, days=2):
        self.cert, self.key = Path(folder) / f"{name}.crt", Path(folder) / f"{name}.key"
        openssl("req", "-x509", *key_type, "-nodes", "-days", days, "-subj", f"/CN={name}", "-addext", NAMES,
                "-out", self.cert, "-keyout", self.key)

    @property
    def flags(self):
        return ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]

    def context(self, version=None):
        """For a client that trusts this certificate alone; `version` is the only one that it speaks."""
        context = ssl.create_default_context(cafile=self.cert)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def replace(self, other):
        """Puts another pair into these files."""
        for mine, its in ((self.key, other.key), (self.cert, other.cert)):
            fresh = mine.with_suffix(".new")
            fresh.write_bytes(its.read_bytes())
            fresh.replace(mine)


# --- the whole suite over TLS ---

# Set: all servers of the tests that bring no certificate of their own get one, and their clients speak TLS with them.
OVER_TLS = bool(os.environ.get("TASKBOARD_TEST_OVER_TLS"))

contexts = {}  # by port, of the servers that run


class Shared:
    """One certificate for all such servers of this process."""
    folder = certificate = None
    lock = threading.Lock()

    @classmethod
    def get(cls):
        with cls.lock:
            if cls.certificate is None:
                cls.folder = tempfile.TemporaryDirectory(prefix="taskboard-test-tls-")
                cls.certificate = Certificate(cls.folder.name)
        return cls.certificate


def remember(port, context):
    """What clients of that port have to speak: TLS, or (None) nothing."""
    contexts.pop(port, None)
    if context:
        contexts[port] = context


def context_of(port):
    return contexts.get(port)


def take_ticket(sock):
    """Behind a handshake of TLS 1.3 the server sends a ticket: reads it, so that what is readable is an answer."""
    if sock.version() == "TLSv1.3" and is_readable(sock, PATIENCE_SECONDS):
        timeout = sock.gettimeout()
        sock.setblocking(False)
        try:
            assert sock.recv(1) == b"", "something came unasked"
        except ssl.SSLWantReadError:
            pass
        sock.settimeout(timeout)
    return sock


def wrap(sock, port):
    """The socket, connected to that port, as its server expects it."""
    context = context_of(port)
    return take_ticket(context.wrap_socket(sock, server_hostname="127.0.0.1")) if context else sock
