// Stopping the flow and letting it go on: the whole board, or the tasks with one tag.
import { pauseBoard, resumeBoard } from "../store/tasks.js";
import { refreshSummary, summary } from "../store/live.js";
import { closeModal, openModal } from "../store/modal.js";
import { may } from "../store/session.js";
import { complain, say } from "../store/toasts.js";
import { Field, FormDialog } from "../ui/dialog.jsx";
import { Icon } from "../ui/icons.jsx";
import { Age } from "../ui/time.jsx";

function what(tag) {
    return tag === undefined ? "the whole board" : `tasks tagged “${tag}”`;
}

function openPause() {
    async function pause(form) {
        const tag = form.get("tag").trim() || undefined;
        const reason = form.get("reason").trim() || undefined;
        await pauseBoard({ tag, reason });
        await refreshSummary();
        say(`Paused ${what(tag)}.`);
    }
    openModal(() => (
        <FormDialog title="Pause" submit="Pause" onClose={closeModal} onSubmit={pause}>
            <p>Nothing is handed out until it is resumed. What is held already goes on.</p>
            <Field label="Only this tag" hint="Empty: the whole board.">
                <input name="tag" list="pause-tags" maxLength={128} />
            </Field>
            <Field label="Reason" hint="Shown to everybody who looks at the board.">
                <input name="reason" maxLength={1024} autofocus required />
            </Field>
            <datalist id="pause-tags">
                {Object.keys(summary.value.byTag).map((tag) => (
                    <option key={tag} value={tag} />
                ))}
            </datalist>
        </FormDialog>
    ));
}

async function resume(tag) {
    try {
        await resumeBoard({ tag });
        await refreshSummary();
        say(`Resumed ${what(tag)}.`);
    } catch (error) {
        complain(`Not resumed: ${error.message}`);
    }
}

function Pause({ pause }) {
    return (
        <li class="pause">
            <Icon name="pause" />
            <span>
                <strong>{pause.tag === undefined ? "The whole board" : `Tag “${pause.tag}”`}</strong>
                {pause.reason !== undefined && `: ${pause.reason}`}
                <span class="pause-since">
                    {" "}
                    since <Age ms={Date.parse(pause.since)} />
                    {pause.by !== undefined && `, by ${pause.by}`}
                </span>
            </span>
            {may("coordinator") && (
                <button type="button" class="button" onClick={() => resume(pause.tag)}>
                    <Icon name="play" /> Resume
                    <span class="visually-hidden"> {what(pause.tag)}</span>
                </button>
            )}
        </li>
    );
}

export function PauseButton() {
    if (!may("coordinator")) {
        return null;
    }
    return (
        <button type="button" class="button" onClick={openPause}>
            <Icon name="pause" /> Pause…
        </button>
    );
}

export function Pauses() {
    const pauses = summary.value.paused ?? [];
    if (pauses.length === 0) {
        return null;
    }
    return (
        <section class="callout callout-warn pauses" aria-label="What is paused">
            <ul class="plain-list">
                {pauses.map((pause) => (
                    <Pause key={pause.tag ?? ""} pause={pause} />
                ))}
            </ul>
        </section>
    );
}
