// One line for each event of the log.

const after = (text) => (text ? `: ${text}` : "");

const byType = {
    "task.created": () => "created",
    "task.updated": () => "changed",
    "task.ready": () => "became ready",
    "task.claimed": ({ data }) => `claimed (attempt ${data.attempt})`,
    "task.progress": ({ data }) => {
        const { percent, message } = data.task.progress ?? {};
        return `progress${percent === undefined ? "" : ` ${percent} %`}${after(message)}`;
    },
    "task.completed": ({ data }) =>
        data.acceptedAttempt === undefined
            ? "completed"
            : `the result of attempt ${data.acceptedAttempt} accepted`,
    "task.failed": ({ data }) => `failed${after(data.error)}`,
    "task.released": ({ data }) => `released${after(data.reason)}`,
    "task.expired": ({ data }) => (data.reason === "vm_lost" ? "its VM was lost" : "its lease ran out"),
    "task.dead": ({ data }) => `became a dead letter${after(data.error ?? data.reason)}`,
    "task.cancel_requested": ({ data }) =>
        `its holder is asked to stop${after(data.cancelRequested?.reason)}`,
    "task.cancelled": ({ data }) => `cancelled${after(data.reason ?? data.cancelRequested?.reason)}`,
    "task.retried": () => "opened again with fresh attempts",
    "task.late": ({ data }) =>
        `a late result came and was kept${data.attempt ? ` with attempt ${data.attempt}` : ""}`,
    "task.reviewed": () => "handed in for review",
    "task.approved": () => "approved",
    "task.rejected": () => "rejected",
    "task.deleted": () => "deleted",
    "task.noted": ({ data }) => `note (${data.note?.type ?? "update"})${after(data.note?.content)}`,
    "task.artifacts": ({ data }) =>
        `artifacts${after((data.artifacts ?? []).map(({ label }) => label).join(", "))}`,
    "task.bumped": () => "bumped",
    "board.paused": ({ data }) => `paused ${data.tag ?? "the whole board"}${after(data.reason)}`,
    "board.resumed": ({ data }) => `resumed ${data.tag ?? "the whole board"}`,
    "vm.registered": () => "registered",
    "vm.updated": ({ data }) => `changed${data.vm ? `, ${data.vm.status}` : ""}`,
    "vm.stale": () => "went stale",
    "vm.back": () => "is back",
    "vm.deregistered": () => "was deregistered",
    "registry.expiry_held": ({ data }) =>
        `${data.vms} VMs are silent together; they keep their claims for now`,
};

const LENGTH_MAX = 300;

export function eventText(event) {
    const text = byType[event.type]?.(event) ?? event.type;
    return text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX - 1)}…` : text;
}

/** How it is to be taken: good, bad, or neither. */
export function eventTone({ type }) {
    if (/completed|approved|back$/.test(type)) {
        return "good";
    }
    return /failed|dead|expired|stale|late|rejected/.test(type) ? "bad" : "plain";
}
