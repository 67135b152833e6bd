// What became of the tasks of machines that were lost.
import { taskHref } from "../lib/router.js";
import { plural } from "../lib/time.js";
import { Icon } from "../ui/icons.jsx";
import { Age } from "../ui/time.jsx";
import { losses } from "./data.js";

const SHOWN = 4;
const TASKS_SHOWN = 6;

const verbs = { "vm.stale": "went stale", "vm.deregistered": "was deregistered", "vm.updated": "stopped" };

function Loss({ loss }) {
    const dead = loss.tasks.filter((task) => task.dead).length;
    const open = loss.tasks.length - dead;
    return (
        <li class="loss">
            <p>
                <Icon name="warning" /> <strong>{loss.vmId}</strong> {verbs[loss.type]}{" "}
                <Age ms={loss.at} suffix=" ago" />
                {open > 0 && `: ${plural(open, "task")} handed back`}
                {dead > 0 && `${open > 0 ? ", " : ": "}${plural(dead, "dead letter")}`}
            </p>
            <ul class="plain-list loss-tasks">
                {loss.tasks.slice(0, TASKS_SHOWN).map(({ id, title, dead: isDead }) => (
                    <li key={id}>
                        <a href={taskHref(id)}>{title}</a>
                        {isDead && " (dead letter)"}
                    </li>
                ))}
                {loss.tasks.length > TASKS_SHOWN && (
                    <li class="muted">and {loss.tasks.length - TASKS_SHOWN} more</li>
                )}
            </ul>
        </li>
    );
}

/** Machines that held nothing when they were lost share a line. */
export function Losses() {
    const latest = [...losses.value].reverse();
    const withTasks = latest.filter(({ tasks }) => tasks.length > 0);
    const without = latest.filter(({ tasks }) => tasks.length === 0);
    if (latest.length === 0) {
        return null;
    }
    return (
        <section class="panel losses" aria-label="Lost lately">
            <h2>Lost lately</h2>
            <ul class="plain-list">
                {withTasks.slice(0, SHOWN).map((loss) => (
                    <Loss key={`${loss.vmId}${loss.at}`} loss={loss} />
                ))}
                {without.length > 0 && (
                    <li class="loss muted">
                        {withTasks.length > 0 ? "Also, with nothing held: " : "With nothing held: "}
                        {[...new Set(without.map(({ vmId }) => vmId))].join(", ")}.
                    </li>
                )}
            </ul>
        </section>
    );
}
