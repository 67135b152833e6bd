// A status as a word with its own shape and colour: never the colour alone.
import { isDeadLetter } from "../lib/card.js";
import { statusNames } from "../lib/moves.js";
import { Icon } from "./icons.jsx";

/** What is shown of a task: its outcome when it did not succeed, that it is a dead letter, or its status. */
export function lookOf(task) {
    if (task.status === "done" && task.outcome !== "success") {
        return { name: task.outcome, text: task.outcome === "failed" ? "Failed" : "Cancelled" };
    }
    if (isDeadLetter(task)) {
        return { name: "dead", text: "Dead letter" };
    }
    return { name: task.status, text: statusNames[task.status] };
}

export function StatusMark({ task }) {
    const { name, text } = lookOf(task);
    return (
        <span class={`status status-${name}`}>
            <Icon name={name} />
            {text}
        </span>
    );
}
