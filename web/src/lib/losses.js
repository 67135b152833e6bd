// What the loss of a VM did, from the log: its event is followed by those of the tasks that it held.

const endings = new Set(["vm.stale", "vm.deregistered", "vm.updated"]);
const LOSSES_MAX = 20;

/** Adds to `losses` (`[{vmId, at, type, tasks: [{id, title, dead}]}]`, the oldest first) what `events`, in
 *  their order, tell; returns a new list. A VM that is only changed and loses nothing is no loss. */
export function addLosses(losses, events) {
    const next = losses.map((loss) => ({ ...loss, tasks: [...loss.tasks] }));
    for (const event of events) {
        if (endings.has(event.type)) {
            next.push({ vmId: event.vmId, at: Date.parse(event.at), type: event.type, tasks: [] });
        } else if (event.data?.reason === "vm_lost" && next.length > 0) {
            const { id, title } = event.data.task;
            next.at(-1).tasks.push({ id, title, dead: event.type === "task.dead" });
        }
    }
    return next.filter(({ type, tasks }) => type !== "vm.updated" || tasks.length > 0).slice(-LOSSES_MAX);
}

/** What losing a VM that holds `cards` would do. */
export function effectOfLosing(cards) {
    const dead = cards.filter(
        ({ attempts, maxAttempts, claim }) =>
            claim.cancelRequested === undefined && maxAttempts > 0 && attempts >= maxAttempts,
    ).length;
    const cancelled = cards.filter(({ claim }) => claim.cancelRequested !== undefined).length;
    return { open: cards.length - dead - cancelled, dead, cancelled };
}
