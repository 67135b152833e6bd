"""The page of memory that is shared with the library in the server: the layout of inject.h."""

import errno
import mmap
import struct

LAYOUT = struct.Struct("=IIIIQQQQ32s32s")
ARMED_AT = 12

WRITE, SYNC, RESIZE, MAP, PATH, READ, THREAD, MEMORY = (1 << n for n in range(8))
FAIL, SHORT, SWALLOW, DENY = range(4)


class Fault:
    """What is to fail: the nth call of a kind, in which way. `when`: while the server starts (on an empty folder), or serves."""

    def __init__(self, name, calls, error=0, mode=FAIL, when="serving"):
        self.name, self.calls, self.error, self.mode, self.when = name, calls, error, mode, when


def always(name, *arguments, **options):
    """The same fault while a server starts on the prepared store, while one makes a new store, and while one serves."""
    return [Fault(f"{when}-{name}", *arguments, when=when, **options) for when in ("start", "empty", "serving")]


FAULTS = {fault.name: fault for fault in [
    *always("sync-eio", SYNC, errno.EIO),
    *always("write-eio", WRITE, errno.EIO),
    *always("write-enospc", WRITE, errno.ENOSPC),
    *always("write-eintr", WRITE, errno.EINTR),
    *always("write-short", WRITE, mode=SHORT),
    *always("resize-eio", RESIZE, errno.EIO),
    *always("map-enomem", MAP, errno.ENOMEM),
    *always("path-eio", PATH, errno.EIO),
    *always("path-eacces", PATH, errno.EACCES),
    *always("path-emfile", PATH, errno.EMFILE),
    *always("read-eio", READ, errno.EIO),
    *always("thread-eagain", THREAD, errno.EAGAIN),
    *always("memory-enomem", MEMORY, errno.ENOMEM),
]}


class Control:
    """A file, mapped here and in the server. The library reads what is set before it is armed."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.truncate(LAYOUT.size)
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), LAYOUT.size)

    def set(self, fault, nth, armed):
        self.memory[:] = LAYOUT.pack(fault.calls, fault.mode, fault.error, 0, nth, 0, 0, 0, b"", b"")
        if armed:
            self.arm()

    def arm(self):
        self.memory[ARMED_AT:ARMED_AT + 4] = struct.pack("=I", 1)

    def disarm(self):
        self.memory[ARMED_AT:ARMED_AT + 4] = struct.pack("=I", 0)

    def read(self):
        return LAYOUT.unpack(self.memory[:])

    @property
    def count(self):
        return self.read()[5]

    @property
    def struck(self):
        return self.read()[6] > 0

    def where(self):
        """The call that failed, and who made it: for addr2line."""
        caller, call, file = self.read()[7:]
        return f"{call.rstrip(bytes(1)).decode()} called at {file.rstrip(bytes(1)).decode()}+{caller:#x}"

    def close(self):
        self.memory.close()
