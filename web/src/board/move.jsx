// Moving a card: by drag, by keys or by choosing. What the rules do not have is explained.
import { makeMove } from "../store/tasks.js";
import { STATUSES } from "../lib/filter.js";
import { needsDialog, planMove, statusNames } from "../lib/moves.js";
import { showTask } from "../store/board.js";
import { closeModal, openModal } from "../store/modal.js";
import { complain, say } from "../store/toasts.js";
import { Dialog, Field, FormDialog } from "../ui/dialog.jsx";
import { Icon } from "../ui/icons.jsx";

function short(title) {
    return title.length > 60 ? `${title.slice(0, 59)}…` : title;
}

async function move(card, to, plan, said) {
    const { data } = await makeMove(card, plan, said);
    showTask(data);
    say(`“${short(card.title)}” is now ${statusNames[data.status].toLowerCase()}.`);
}

function Outcomes() {
    const outcomes = [
        ["success", "It succeeded: tasks that depend on it become ready"],
        ["failed", "It failed"],
        ["cancelled", "It is not wanted any more"],
    ];
    return (
        <fieldset class="choices choices-column">
            <legend class="field-label">Outcome</legend>
            {outcomes.map(([value, text]) => (
                <label key={value} class="choice">
                    <input type="radio" name="outcome" value={value} defaultChecked={value === "success"} />
                    {text}
                </label>
            ))}
        </fieldset>
    );
}

function MoveForm({ card, to, plan }) {
    return (
        <FormDialog
            title={`${plan.label}: move to ${statusNames[to]}`}
            submit={plan.takesFrom !== undefined ? `${plan.label} and take it over` : plan.label}
            danger={plan.takesFrom !== undefined}
            onClose={closeModal}
            onSubmit={(form) =>
                move(card, to, plan, { text: form.get("text")?.trim(), outcome: form.get("outcome") })
            }
        >
            <p class="dialog-subject">{card.title}</p>
            {plan.takesFrom !== undefined && (
                <p class="callout callout-warn">
                    <Icon name="warning" />
                    <span>
                        <strong>{plan.takesFrom}</strong> holds this task. Moving it ends that claim; the
                        agent hears of it with its next request, and a result that it sends then is kept as a
                        late one.
                    </span>
                </p>
            )}
            {plan.note !== undefined && <p>{plan.note}</p>}
            {plan.asks === "outcome" && <Outcomes />}
            {plan.asks === "text" && (
                <Field label={plan.prompt + (plan.required ? "" : " (may be empty)")}>
                    <textarea name="text" rows={4} required={plan.required} autofocus />
                </Field>
            )}
        </FormDialog>
    );
}

/** Does it, asks what has to be asked, or says why not. */
export async function startMove(card, to) {
    const plan = planMove(card, to);
    if (!plan.legal) {
        complain(`Not moved to ${statusNames[to]}. ${plan.why}`);
        return;
    }
    if (needsDialog(plan)) {
        openModal(() => <MoveForm card={card} to={to} plan={plan} />);
        return;
    }
    try {
        await move(card, to, plan);
    } catch (error) {
        complain(`Not moved to ${statusNames[to]}. ${error.message}`);
    }
}

function Target({ card, to }) {
    const plan = planMove(card, to);
    return (
        <li>
            <button
                type="button"
                class="target"
                aria-disabled={!plan.legal}
                onClick={() => {
                    if (plan.legal) {
                        closeModal();
                        startMove(card, to);
                    }
                }}
            >
                <span class={`status status-${to}`}>
                    <Icon name={to} /> {statusNames[to]}
                </span>
                <span class="target-what">{plan.legal ? plan.label : plan.why}</span>
            </button>
        </li>
    );
}

/** All columns, with what a move there is, or why there is none. */
export function openMove(card) {
    openModal(() => (
        <Dialog title="Move" onClose={closeModal}>
            <p class="dialog-subject">{card.title}</p>
            <ul class="targets">
                {STATUSES.filter((to) => to !== card.status).map((to) => (
                    <Target key={to} card={card} to={to} />
                ))}
            </ul>
        </Dialog>
    ));
}
