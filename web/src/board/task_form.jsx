// The form of a task: to make one, and to change one.
import { createTask, editTask } from "../store/tasks.js";
import { get } from "../api/http.js";
import { showTask } from "../store/board.js";
import { summary } from "../store/live.js";
import { closeModal, openModal } from "../store/modal.js";
import { complain, say } from "../store/toasts.js";
import { navigate, taskHref } from "../lib/router.js";
import { bodyOf, changesOf } from "../lib/task_body.js";
import { Field, FormDialog } from "../ui/dialog.jsx";

function Names({ id, of }) {
    return (
        <datalist id={id}>
            {Object.keys(of ?? {}).map((name) => (
                <option key={name} value={name} />
            ))}
        </datalist>
    );
}

function Inputs({ task }) {
    const known = summary.value;
    return (
        <>
            <Field label="Title">
                <input name="title" required maxLength={1024} defaultValue={task.title} autofocus />
            </Field>
            <Field label="Description" hint="Markdown: headings, lists, code, links.">
                <textarea name="description" rows={6} defaultValue={task.description} />
            </Field>
            <div class="form-row">
                <Field label="Tags" hint="Separated by commas.">
                    <input name="tags" defaultValue={task.tags?.join(", ")} list="known-tags" />
                </Field>
                <Field label="Reserved for" hint="An agent; empty: for anybody.">
                    <input name="assignee" defaultValue={task.assignee} list="known-agents" maxLength={256} />
                </Field>
            </div>
            <div class="form-row">
                <Field label="Priority" hint="−100 to 100.">
                    <input
                        name="priority"
                        type="number"
                        min="-100"
                        max="100"
                        step="1"
                        defaultValue={task.priority ?? 0}
                    />
                </Field>
                <Field label="Attempts at most" hint="0: without limit; empty: the server's default.">
                    <input
                        name="maxAttempts"
                        type="number"
                        min="0"
                        max="1000"
                        step="1"
                        defaultValue={task.maxAttempts}
                    />
                </Field>
            </div>
            <Field
                label="Depends on"
                hint="Ids of tasks that must be done first, one a line or separated by commas."
            >
                <textarea
                    name="dependencies"
                    rows={2}
                    class="mono"
                    defaultValue={task.dependencies?.join("\n")}
                />
            </Field>
            <Field label="Payload" hint="Any JSON: what a worker needs.">
                <textarea
                    name="payload"
                    rows={3}
                    class="mono"
                    defaultValue={task.payload === undefined ? "" : JSON.stringify(task.payload, null, 2)}
                />
            </Field>
            <Names id="known-tags" of={known?.byTag} />
            <Names id="known-agents" of={known?.byAssignee} />
        </>
    );
}

async function create(form) {
    const { data } = await createTask(bodyOf(form));
    showTask(data);
    say(`Created “${data.title}”.`);
}

export function openCreate(task = {}) {
    openModal(() => (
        <FormDialog title="New task" submit="Create" wide onClose={closeModal} onSubmit={create}>
            <Inputs task={task} />
        </FormDialog>
    ));
}

async function save(task, form) {
    const changes = changesOf(task, bodyOf(form));
    if (Object.keys(changes).length === 0) {
        return;
    }
    try {
        const { data } = await editTask(task.id, changes, task.version);
        showTask(data);
        say(`Saved “${data.title}”.`);
    } catch (error) {
        if (error.code === "version_mismatch") {
            throw new Error("The task has changed meanwhile. Copy what you wrote, close, and edit it again.");
        }
        throw error;
    }
}

/** Edits the task as the server has it now; a card does not have all of it. */
export async function openEdit(id) {
    try {
        const { data: task } = await get(`/board/tasks/${encodeURIComponent(id)}`);
        openModal(() => (
            <FormDialog
                title="Edit task"
                submit="Save"
                wide
                onClose={closeModal}
                onSubmit={(form) => save(task, form)}
            >
                <Inputs task={task} />
            </FormDialog>
        ));
    } catch (error) {
        complain(`Cannot edit it: ${error.message}`);
    }
}

export function openTask(id) {
    navigate(taskHref(id));
}
