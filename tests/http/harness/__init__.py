"""What the HTTP tests and the crash test stand on: a real server, clients, waiting."""

from .board import changes_nothing, event_log, refused, replay, walk
from .client import Answer, Client, connection_to
from .later import Later
from .raw import Raw
from .server import Refusal, Server, TOKEN
from .streams import GZIP, Ended, Sse, Ws
from .tls import Certificate
from .wait import at_the_same_time, eventually, next_instant

__all__ = [
    "Answer", "Certificate", "Client", "Ended", "GZIP", "Later", "Raw", "Refusal", "Server", "Sse", "TOKEN", "Ws", "at_the_same_time", "connection_to", "changes_nothing", "event_log",
    "eventually", "next_instant", "refused", "replay", "walk",
]
