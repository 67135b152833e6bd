// A card is what the board keeps of a task: its summary view, with the instants that it is sorted by
// as numbers. Cards are never changed, only replaced, so that a view may compare them by identity.

const NONE = Object.freeze([]);

/** What a point of priority is worth to a server that was not told otherwise (`--aging-seconds`). */
const AGING_MS = 3_600_000;

function shared(array) {
    return array === undefined || array.length === 0 ? NONE : array;
}

export function cardOf(task) {
    const createdMs = Date.parse(task.createdAt);
    return {
        id: task.id,
        title: task.title,
        status: task.status,
        outcome: task.outcome,
        assignee: task.assignee,
        tags: shared(task.tags),
        dependencies: shared(task.dependencies),
        blockedBy: shared(task.blockedBy),
        createdBy: task.createdBy,
        parentId: task.parentId,
        priority: task.priority,
        score: task.score,
        version: task.version,
        attempts: task.attempts,
        maxAttempts: task.maxAttempts,
        ready: task.ready,
        notBefore: task.notBefore,
        claim: task.claim,
        progress: task.progress,
        blockedReason: task.blockedReason,
        createdMs,
        updatedMs: Date.parse(task.updatedAt),
        rank: createdMs - (task.priority + task.score) * AGING_MS,
    };
}

/** Whether `next` may take the place of `known`. Progress raises no version, so that an equal one may. */
export function isNewer(next, known) {
    return known === undefined || next.version >= known.version;
}

function byId(a, b) {
    return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** The server's orders: newest first, last changed first, claimed first. */
export const comparators = {
    created: (a, b) => -byId(a, b),
    updated: (a, b) => b.updatedMs - a.updatedMs || -byId(a, b),
    rank: (a, b) => a.rank - b.rank || byId(a, b),
};

export function isDeadLetter(card) {
    return card.blockedReason?.kind === "dead_letter";
}

export function isSettled(card) {
    return card.status === "done" && card.outcome === "success";
}
