// Why nobody takes a task, in sentences. `ids` are the tasks that one may look at next.
import { localTime } from "./time.js";

const sentences = {
    done: ({ outcome }) => `It is done already (${outcome ?? "success"}).`,
    in_review: () => "It awaits a review: approve it, or reject it to have it done again.",
    blocked: () => "Somebody blocked it. Move it to Open to have it handed out.",
    dead_letter: () =>
        "It is a dead letter: its attempts are used up, or it failed for good. Retry it to give it fresh ones.",
    claimed: ({ by, expiresAt }) => `${by} holds it, until ${localTime(Date.parse(expiresAt))} at least.`,
    held: ({ by }) => `${by ?? "Somebody"} holds it by hand, without a lease, until it is moved on.`,
    dependencies: ({ blockedBy }) =>
        blockedBy.length === 1
            ? "It waits for another task:"
            : `It waits for ${blockedBy.length} other tasks:`,
    not_before: ({ notBefore }) => `Its time has not come: not before ${localTime(Date.parse(notBefore))}.`,
    paused: () => "The whole board is paused.",
    tag_paused: ({ tag }) => `Tasks with the tag “${tag}” are paused.`,
    assigned_elsewhere: ({ assignee }) => `It is reserved for ${assignee}.`,
    unknown_vm: ({ vmId }) => `No VM is registered as ${vmId}.`,
    vm_not_running: ({ vmId, status, stale }) =>
        stale ? `${vmId} is stale: nothing was heard of it.` : `${vmId} does not run: it is ${status}.`,
};

/** What can be done about it at once, if anything: a link's name. */
const ways = { paused: "flow", tag_paused: "flow", unknown_vm: "fleet", vm_not_running: "fleet" };

export function explain(reason) {
    const sentence = sentences[reason.code];
    return {
        code: reason.code,
        text: sentence === undefined ? `The server says: ${reason.code}.` : sentence(reason),
        ids: reason.blockedBy ?? [],
        page: ways[reason.code],
    };
}

/** When nothing stands in the way. */
export function explainClaimable(position, agent) {
    const who = agent === "" ? "any agent that asks" : agent;
    if (position === undefined) {
        return `Nothing is in the way, but many tasks come before it. It is handed out to ${who} when those are.`;
    }
    if (position === 1) {
        return `Nothing is in the way: it is the next that ${who} gets. If nobody takes it, nobody asks.`;
    }
    return `Nothing is in the way: it is number ${position} in the order in which ${who} gets tasks.`;
}
