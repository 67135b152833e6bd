// What can be done to all selected cards at once: each by a request of its own, some at a time, and
// what was refused is told.
import { signal } from "@preact/signals";
import { cancelTask, editTask, retryTask } from "../store/tasks.js";
import { canCancel, canRetry } from "../lib/moves.js";
import { listOf } from "../lib/task_body.js";
import { plural } from "../lib/time.js";
import { cardWithId, showTask } from "../store/board.js";
import { closeModal, openModal } from "../store/modal.js";
import { complain, say } from "../store/toasts.js";
import { Field, FormDialog } from "../ui/dialog.jsx";
import { Icon } from "../ui/icons.jsx";
import { clearSelection, selected } from "./selection.js";

const AT_ONCE = 6;

/** `{done, of}` while something is under way. */
const work = signal(null);

function chosenCards() {
    return [...selected.value].map(cardWithId).filter((card) => card !== undefined);
}

function tell(name, done, refusals) {
    if (done > 0) {
        say(`${name}: ${plural(done, "task")}.`);
    }
    for (const [text, times] of refusals) {
        complain(`${name} was refused for ${plural(times, "task")}: ${text}`);
    }
}

/** Runs `act(card)` for all of `cards`; the others of the selection were left out before. */
async function runAll(name, cards, act) {
    const waiting = [...cards];
    const refusals = new Map();
    let done = 0;
    work.value = { done: 0, of: cards.length };
    async function worker() {
        for (let card = waiting.shift(); card !== undefined; card = waiting.shift()) {
            try {
                showTask((await act(card)).data);
                done++;
            } catch (error) {
                refusals.set(error.message, (refusals.get(error.message) ?? 0) + 1);
            }
            work.value = { ...work.value, done: work.value.done + 1 };
        }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    work.value = null;
    clearSelection();
    tell(name, done, refusals);
}

function LeftOut({ number, why }) {
    return number === 0 ? null : (
        <p class="muted">
            {plural(number, "selected task")} {number === 1 ? "is" : "are"} left out: {why}
        </p>
    );
}

function openCancel() {
    const all = chosenCards();
    const cards = all.filter(canCancel);
    const held = cards.filter((card) => card.claim !== undefined).length;
    openModal(() => (
        <FormDialog
            title={`Cancel ${plural(cards.length, "task")}`}
            submit={cards.length === 1 ? "Cancel it" : "Cancel them"}
            danger
            onClose={closeModal}
            onSubmit={(form) => {
                const reason = form.get("reason").trim() || undefined;
                runAll("Cancelled", cards, (card) => cancelTask(card.id, { reason }));
            }}
        >
            {held > 0 && (
                <p class="callout callout-warn">
                    <Icon name="warning" />
                    <span>
                        {plural(held, "task")} {held === 1 ? "is" : "are"} held: the holder is asked to stop,
                        and a result that comes first still counts.
                    </span>
                </p>
            )}
            <LeftOut number={all.length - cards.length} why="done, or being cancelled." />
            <Field label="Reason (may be empty)">
                <textarea name="reason" rows={3} maxLength={4096} autofocus />
            </Field>
        </FormDialog>
    ));
}

function openRetry() {
    const all = chosenCards();
    const cards = all.filter(canRetry);
    openModal(() => (
        <FormDialog
            title={`Retry ${plural(cards.length, "task")}`}
            submit={cards.length === 1 ? "Retry it" : "Retry them"}
            onClose={closeModal}
            onSubmit={() => void runAll("Retried", cards, (card) => retryTask(card.id))}
        >
            <p>They are open again, with fresh attempts, and are handed out.</p>
            <LeftOut
                number={all.length - cards.length}
                why="only dead letters and what failed or was cancelled can be retried."
            />
        </FormDialog>
    ));
}

function openRetag() {
    const cards = chosenCards();
    openModal(() => (
        <FormDialog
            title={`Tags of ${plural(cards.length, "task")}`}
            submit="Change the tags"
            onClose={closeModal}
            onSubmit={(form) => {
                const add = listOf(form.get("add"));
                const drop = new Set(listOf(form.get("drop")));
                runAll("Retagged", cards, (card) => {
                    const kept = card.tags.filter((tag) => !drop.has(tag));
                    return editTask(card.id, { tags: [...new Set([...kept, ...add])] }, card.version);
                });
            }}
        >
            <Field label="Add" hint="Separated by commas.">
                <input name="add" autofocus />
            </Field>
            <Field label="Take away">
                <input name="drop" />
            </Field>
        </FormDialog>
    ));
}

function openPriority() {
    const cards = chosenCards();
    openModal(() => (
        <FormDialog
            title={`Priority of ${plural(cards.length, "task")}`}
            submit="Set the priority"
            onClose={closeModal}
            onSubmit={(form) => {
                const priority = Number(form.get("priority"));
                runAll("Priority set", cards, (card) => editTask(card.id, { priority }));
            }}
        >
            <Field label="Priority" hint="−100 to 100; a higher one is handed out earlier.">
                <input
                    name="priority"
                    type="number"
                    min="-100"
                    max="100"
                    defaultValue="0"
                    required
                    autofocus
                />
            </Field>
        </FormDialog>
    ));
}

const actions = [
    ["Cancel", openCancel],
    ["Retry", openRetry],
    ["Tags", openRetag],
    ["Priority", openPriority],
];

export function BulkBar() {
    const number = selected.value.size;
    if (number === 0 && work.value === null) {
        return null;
    }
    return (
        <section class="bulk" aria-label="Selected tasks">
            <span class="bulk-count" role="status">
                {work.value !== null ? `${work.value.done} of ${work.value.of}…` : `${number} selected`}
            </span>
            {actions.map(([name, open]) => (
                <button key={name} type="button" class="button" disabled={work.value !== null} onClick={open}>
                    {name}
                </button>
            ))}
            <button type="button" class="button-quiet" aria-label="Select nothing" onClick={clearSelection}>
                <Icon name="close" />
            </button>
        </section>
    );
}
