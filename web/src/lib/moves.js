// Which moves between the columns the board's rules have, what each needs, and why there is none.
//
//   open ──► in progress (held by hand) ──► in review ──► done
//    ▲  └──────────► blocked, done              │
//    └── reject, retry, reopen ◄────────────────┴── blocked, done
import { isDeadLetter } from "./card.js";
import { plural } from "./time.js";

export const statusNames = {
    open: "Open",
    in_progress: "In progress",
    in_review: "In review",
    blocked: "Blocked",
    done: "Done",
};

const illegal = (why) => ({ legal: false, why });

/** `verb` is the request to make, `asks` what the person has to say first: nothing, `outcome`, or a
 *  text that is `required` or not. */
const legal = (verb, label, more) => ({ legal: true, verb, label, asks: "nothing", ...more });

function toInProgress(card) {
    if (card.status === "in_review") {
        return illegal("It awaits a review. Reject it, which opens it, and an agent can claim it again.");
    }
    if (card.status === "done") {
        return illegal("It is done. Move it to Open first; then an agent can claim it.");
    }
    if (card.status === "blocked") {
        return illegal(
            isDeadLetter(card)
                ? "It is a dead letter. Retry it (move it to Open) to give it fresh attempts."
                : "It is blocked. Move it to Open first.",
        );
    }
    if (card.blockedBy.length > 0) {
        return illegal(`It waits for ${plural(card.blockedBy.length, "other task")} to be done.`);
    }
    return legal("hold", "Hold it by hand", {
        note: "Agents take tasks by claims, with a lease. Moved by hand it is held in your name, without a lease, until somebody moves it on.",
    });
}

function toOpen(card) {
    if (card.status === "in_review") {
        return legal("reject", "Reject", { asks: "text", required: true, prompt: "What has to be better" });
    }
    if (isDeadLetter(card)) {
        return legal("retry", "Retry", { note: "It gets fresh attempts and is handed out again." });
    }
    if (card.status === "done" && card.outcome !== "success") {
        return legal("retry", "Retry", { note: "It gets fresh attempts and is handed out again." });
    }
    if (card.status === "done") {
        return legal("reopen", "Reopen", { note: "Tasks that depend on it wait again until it is done." });
    }
    return legal("reopen", card.status === "in_progress" ? "Put back" : "Unblock");
}

function toInReview(card) {
    if (card.status === "done") {
        return illegal("It is done. Move it to Open first.");
    }
    if (card.status === "blocked") {
        return illegal("It is blocked. Move it to Open first.");
    }
    return legal("review", "Hand in for review", {
        asks: "text",
        required: true,
        prompt: "What was done, for the reviewer",
    });
}

function toBlocked(card) {
    if (card.status === "done") {
        return illegal("It is done. Move it to Open first.");
    }
    return legal("block", "Block", { note: "Nobody gets it until somebody moves it back to Open." });
}

function toDone(card) {
    if (card.status === "in_review") {
        return legal("approve", "Approve", { asks: "text", required: false, prompt: "Comment" });
    }
    return legal("finish", "Finish", { asks: "outcome" });
}

const plans = {
    open: toOpen,
    in_progress: toInProgress,
    in_review: toInReview,
    blocked: toBlocked,
    done: toDone,
};

/** What moving `card` to the column `to` is. With `takesFrom` it ends somebody's claim. */
export function planMove(card, to) {
    if (card.status === to) {
        return illegal(`It is ${statusNames[to].toLowerCase()} already.`);
    }
    const plan = plans[to](card);
    return plan.legal && card.claim !== undefined ? { ...plan, takesFrom: card.claim.by } : plan;
}

/** Whether the person has to be asked before it is done. */
export function needsDialog(plan) {
    return plan.asks !== "nothing" || plan.takesFrom !== undefined || plan.note !== undefined;
}

export function canCancel(card) {
    return card.status !== "done" && card.claim?.cancelRequested === undefined;
}

export function canRetry(card) {
    return isDeadLetter(card) || (card.status === "done" && card.outcome !== "success");
}
