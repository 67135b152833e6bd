// Each claim that the task had: who, how it ended, what it left.
import { acceptResult } from "../store/tasks.js";
import { isSettled } from "../lib/card.js";
import { href } from "../lib/router.js";
import { duration } from "../lib/time.js";
import { closeModal, openModal } from "../store/modal.js";
import { may } from "../store/session.js";
import { say } from "../store/toasts.js";
import { FormDialog } from "../ui/dialog.jsx";
import { Icon } from "../ui/icons.jsx";
import { Json } from "../ui/json.jsx";
import { Age } from "../ui/time.jsx";

const outcomes = {
    running: ["running", "in_progress", "chip"],
    completed: ["completed", "done", "chip chip-good"],
    failed: ["failed", "failed", "chip chip-bad"],
    released: ["released", "open", "chip"],
    expired: ["lease ran out", "clock", "chip chip-bad"],
    cancelled: ["cancelled", "cancelled", "chip"],
    taken_over: ["taken over", "move", "chip chip-warn"],
    vm_lost: ["VM lost", "warning", "chip chip-bad"],
};

function Outcome({ outcome }) {
    const [text, icon, look] = outcomes[outcome] ?? [outcome, "warning", "chip"];
    return (
        <span class={look}>
            <Icon name={icon} /> {text}
        </span>
    );
}

function openAccept(task, attempt, onChange) {
    const holder = task.claim?.by;
    async function accept() {
        await acceptResult(task.id, attempt.attempt, holder !== undefined);
        say(`The result of attempt ${attempt.attempt} is the task's now.`);
        onChange();
    }
    openModal(() => (
        <FormDialog
            title={`Accept the result of attempt ${attempt.attempt}`}
            submit={holder === undefined ? "Accept it" : `Accept it and take the task from ${holder}`}
            danger={holder !== undefined}
            onClose={closeModal}
            onSubmit={accept}
        >
            <p>
                It becomes the result of the task, which is then done with success. Tasks that wait for it go
                on.
            </p>
            {holder !== undefined && (
                <p class="callout callout-warn">
                    <Icon name="warning" />
                    <span>
                        <strong>{holder}</strong> holds the task now; that claim ends.
                    </span>
                </p>
            )}
            <Json value={attempt.result} label="Result" />
        </FormDialog>
    ));
}

function Attempt({ task, attempt, onChange }) {
    const ended = attempt.endedAt === undefined ? undefined : Date.parse(attempt.endedAt);
    const began = Date.parse(attempt.claimedAt);
    const acceptable = attempt.result !== undefined && attempt.outcome !== "running" && !isSettled(task);
    const mayAccept = acceptable && may("coordinator");
    return (
        <li class={attempt.late && acceptable ? "attempt attempt-late" : "attempt"}>
            <div class="attempt-head">
                <strong>Attempt {attempt.attempt}</strong>
                <Outcome outcome={attempt.outcome} />
                {attempt.late && (
                    <span class="chip chip-warn">
                        <Icon name="late" /> Late result
                    </span>
                )}
                <span class="muted">
                    {attempt.agent}
                    {attempt.vmId !== undefined && (
                        <>
                            {" on "}
                            <a href={href("/fleet", { vm: attempt.vmId })}>{attempt.vmId}</a>
                        </>
                    )}
                    , <Age ms={began} suffix=" ago" />
                    {ended !== undefined && `, for ${duration(ended - began)}`}
                </span>
            </div>
            {attempt.error !== undefined && (
                <pre class="attempt-error" tabIndex={0} aria-label="Error">
                    {attempt.error}
                </pre>
            )}
            {attempt.progress?.message !== undefined && (
                <p class="muted">
                    Last heard: {attempt.progress.percent !== undefined && `${attempt.progress.percent} %, `}
                    {attempt.progress.message}
                </p>
            )}
            {attempt.result !== undefined && <Json value={attempt.result} label="Result of this attempt" />}
            {mayAccept && (
                <button
                    type="button"
                    class="button button-main"
                    onClick={() => openAccept(task, attempt, onChange)}
                >
                    <Icon name="done" /> Accept this result
                </button>
            )}
        </li>
    );
}

export function Attempts({ task, attempts, onChange }) {
    if (attempts === undefined) {
        return <p class="muted">Loading…</p>;
    }
    if (attempts.length === 0) {
        return <p class="muted">Nobody has claimed it yet.</p>;
    }
    return (
        <ol class="attempts plain-list">
            {[...attempts].reverse().map((attempt) => (
                <Attempt key={attempt.attempt} task={task} attempt={attempt} onChange={onChange} />
            ))}
        </ol>
    );
}
