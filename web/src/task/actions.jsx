// What one can do to the task as a whole.
import { bumpTask, cancelTask, deleteTask } from "../store/tasks.js";
import { openMove, startMove } from "../board/move.jsx";
import { openEdit } from "../board/task_form.jsx";
import { canCancel, canRetry } from "../lib/moves.js";
import { href, navigate } from "../lib/router.js";
import { closeModal, openModal } from "../store/modal.js";
import { may } from "../store/session.js";
import { complain, say } from "../store/toasts.js";
import { Field, FormDialog } from "../ui/dialog.jsx";
import { Icon } from "../ui/icons.jsx";

function HolderWarning({ claim }) {
    return claim === undefined ? null : (
        <p class="callout callout-warn">
            <Icon name="warning" />
            <span>
                <strong>{claim.by}</strong> holds this task.
            </span>
        </p>
    );
}

function openCancel(task, onChange) {
    async function cancel(form) {
        const reason = form.get("reason").trim() || undefined;
        const force = form.get("force") !== null || undefined;
        const { data } = await cancelTask(task.id, { reason, force });
        say(data.status === "done" ? "Cancelled." : "The holder is asked to stop.");
        onChange();
    }
    openModal(() => (
        <FormDialog title="Cancel the task" submit="Cancel it" danger onClose={closeModal} onSubmit={cancel}>
            <HolderWarning claim={task.claim} />
            <Field label="Reason (may be empty)">
                <textarea name="reason" rows={3} maxLength={4096} autofocus />
            </Field>
            {task.claim !== undefined && (
                <label class="choice">
                    <input type="checkbox" name="force" /> End the claim at once, without waiting for the
                    holder
                </label>
            )}
        </FormDialog>
    ));
}

function openDelete(task) {
    async function remove() {
        await deleteTask(task.id, task.claim !== undefined);
        say(`Deleted “${task.title}”.`);
        navigate(href("/board"), { replace: true });
    }
    openModal(() => (
        <FormDialog title="Delete the task" submit="Delete it" danger onClose={closeModal} onSubmit={remove}>
            <HolderWarning claim={task.claim} />
            <p>
                Its notes, artifacts and attempts go with it, for good. Tasks that depend on it wait until
                that is changed. To keep what happened, cancel it instead.
            </p>
        </FormDialog>
    ));
}

async function bump(task, onChange) {
    try {
        await bumpTask(task.id);
        say("Bumped: it comes as much earlier as one point of priority is worth.");
        onChange();
    } catch (error) {
        complain(`Not bumped: ${error.message}`);
    }
}

function Action({ icon, text, main = false, onClick }) {
    return (
        <button type="button" class={main ? "button button-main" : "button"} onClick={onClick}>
            <Icon name={icon} /> {text}
        </button>
    );
}

/** What the rules and the session's role allow. */
export function Actions({ task, onChange }) {
    const [works, steers] = [may("worker"), may("coordinator")];
    return (
        <div class="actions">
            {steers && task.status === "in_review" && (
                <>
                    <Action main icon="done" text="Approve" onClick={() => startMove(task, "done")} />
                    <Action icon="repeat" text="Reject" onClick={() => startMove(task, "open")} />
                </>
            )}
            {steers && canRetry(task) && (
                <Action main icon="repeat" text="Retry" onClick={() => startMove(task, "open")} />
            )}
            {works && <Action icon="move" text="Move" onClick={() => openMove(task)} />}
            {steers && <Action icon="edit" text="Edit" onClick={() => openEdit(task.id)} />}
            {works && task.status === "open" && (
                <Action icon="up" text="Bump" onClick={() => bump(task, onChange)} />
            )}
            {steers && canCancel(task) && (
                <Action icon="cancelled" text="Cancel" onClick={() => openCancel(task, onChange)} />
            )}
            {steers && <Action icon="close" text="Delete" onClick={() => openDelete(task)} />}
        </div>
    );
}
