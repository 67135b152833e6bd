"""What the checker reads: the board's log, and the history of what its clients saw."""

import bisect
import mmap

CLIENT, OP, KIND, KEYED, SENT, GOT, METHOD, PATH, CONDITION, STATUS, SEQ, ETAG, REPLAYED, SENT_BODY, BODY = range(15)
NEVER = 1 << 62


class Lines:
    """The lines of a large file, by number from 0 on."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.offsets = [0]
            for line in file:
                self.offsets.append(self.offsets[-1] + len(line))

    def __len__(self):
        return len(self.offsets) - 1

    def __getitem__(self, number):
        return self.bytes[self.offsets[number]:self.offsets[number + 1] - 1]

    def between(self, first, end):
        return self.bytes[self.offsets[first]:self.offsets[end]]


class Log(Lines):
    """The event of seq n is the line n - 1."""

    @property
    def head(self):
        return len(self)

    def event(self, seq):
        return super().__getitem__(seq - 1)


class Operation:
    """Attempts with one key, or one attempt without: at most one effect.

    seq       of its effect's last event; None: no effect was acknowledged
    index     of the attempt that was answered with it
    sent      when it was sent first
    got       when its effect was acknowledged; of an open one, when its client went on
    is_open   what became of it is not known
    """
    __slots__ = ("serial", "client", "kind", "index", "seq", "sent", "got", "is_open", "owned", "low", "high")

    def __init__(self, serial, client, kind, sent):
        self.serial, self.client, self.kind, self.sent = serial, client, kind, sent
        self.index, self.seq, self.got, self.is_open, self.owned = None, None, NEVER, False, 0
        self.low, self.high = 0, NEVER


class History(Lines):
    """The attempts, in the order in which their outcome was known.

    low[i]   the seq that an answer to attempt i must know of: some answer before it was sent told of that
    high[i]  the seq that it cannot know of yet is above this: what wrote that was sent behind its answer
    """

    def __init__(self, path, violate):
        super().__init__(path)
        self.violate = violate
        self.kinds, self.operations, self.by_serial, self.as_of, self.original = {}, [], {}, {}, {}
        self.operations_by_index = {}  # of the attempts that were answered with an effect
        self.sent, self.got, self.unanswered = [], [], []
        self.waiting_for_next = {}
        for index in range(len(self)):
            self.take(index, self.fields(index))
        self.bound()

    def fields(self, index):
        return self[index].split(b"\t")

    def take(self, index, f):
        client, kind, status = int(f[CLIENT]), f[KIND].decode(), int(f[STATUS])
        sent, got = int(f[SENT]), int(f[GOT])
        self.sent.append(sent)
        self.got.append(got)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        for operation in self.waiting_for_next.pop(client, ()):
            operation.got = sent
        if f[METHOD] == b"GET":
            self.take_read(index, f, status)
        elif status == 503:
            pass  # refused before anything was done
        else:
            self.take_write(index, f, client, kind, status)

    def take_read(self, index, f, status):
        if status and f[SEQ] != b"-":
            self.as_of.setdefault(int(f[SEQ]), []).append(index)
        if status == 200 and f[ETAG] != b"-":
            self.original.setdefault((f[PATH], f[ETAG]), index)
        if status and f[SEQ] == b"-":
            self.unanswered.append(index)

    def take_write(self, index, f, client, kind, status):
        serial = int(f[OP])
        operation = self.by_serial.get(serial)
        if operation is None:
            operation = self.by_serial[serial] = Operation(serial, client, kind, self.sent[index])
            self.operations.append(operation)
        if operation.seq is not None:
            self.check_repetition(operation, index, f)
        elif status == 0:
            operation.is_open = True
            operation.index = index
            self.waiting_for_next.setdefault(client, []).append(operation)
        elif f[SEQ] != b"-":
            operation.seq, operation.index, operation.got, operation.is_open = int(f[SEQ]), index, self.got[index], False
            self.as_of.setdefault(operation.seq, []).append(index)
            self.operations_by_index[index] = operation
        else:
            self.take_refused(operation, index, f, kind, status)

    def take_refused(self, operation, index, f, kind, status):
        """Without effect, so that nothing that was sent under its key before can have had one; but a late result is kept."""
        operation.index, operation.got = index, self.got[index]
        operation.is_open = kind == "complete" and status == 409
        if not operation.is_open:
            self.by_serial.pop(operation.serial)  # with the same key it would be tried anew
        self.unanswered.append(index)

    def check_repetition(self, operation, index, f):
        first = self.fields(operation.index)
        if f[STATUS] == b"0":
            return
        if (f[STATUS], f[SEQ], f[BODY]) != (first[STATUS], first[SEQ], first[BODY]) or f[REPLAYED] != b"1":
            self.violate("idempotency", f"operation {operation.serial} ({operation.kind}) was answered {first[STATUS].decode()} as of "
                         f"{first[SEQ].decode()}, and with its key again {f[STATUS].decode()} as of {f[SEQ].decode()}")

    def bound(self):
        """Makes low and high: the order of real time, as the seqs in the answers tell it."""
        seqs = ((self.got[index], self.fields(index)[SEQ]) for index in range(len(self)))
        self.told_at, self.told_seq = [], []
        self.tell((at, int(seq)) for at, seq in seqs if seq != b"-")
        written = sorted(((o.sent, o.seq) for o in self.operations if o.seq is not None), reverse=True)
        self.sent_at, self.sent_seq, least = [], [], NEVER
        for sent, seq in written:
            if seq < least:
                least = seq
                self.sent_at.append(-sent)
                self.sent_seq.append(seq)
        for operation in self.operations:
            operation.low, operation.high = self.told_before(operation.sent), self.possible_at(operation.got)

    def tell(self, more):
        """More answers, each with its instant and the seq that it told of."""
        at_and_seq = sorted([*zip(self.told_at, self.told_seq), *more])
        self.told_at, self.told_seq, best = [], [], 0
        for at, seq in at_and_seq:
            if seq > best:
                best = seq
                self.told_at.append(at)
                self.told_seq.append(seq)

    def told_before(self, instant):
        """The highest seq that was in an answer before that instant."""
        at = bisect.bisect_left(self.told_at, instant)
        return self.told_seq[at - 1] if at else 0

    def possible_at(self, instant):
        """The highest seq that can have been written at that instant."""
        at = bisect.bisect_left(self.sent_at, -instant)
        return self.sent_seq[at - 1] - 1 if at else NEVER

    def low(self, index):
        return self.told_before(self.sent[index])

    def high(self, index):
        return self.possible_at(self.got[index])
