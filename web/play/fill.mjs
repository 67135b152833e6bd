// Many tasks at once, in arrays.
import { random } from "./random.mjs";
import { components, title } from "./words.mjs";

const TASKS_MAX = 1000; // of one request
// Of twenty tasks: most wait, some are done, few are in between.
const statuses = [...Array(12).fill("open"), ...Array(5).fill("done"), "in_progress", "in_review", "blocked"];

function oneOf(rnd, number) {
    const component = rnd.pick(components);
    const status = rnd.pick(statuses);
    const agent = `worker-${String(rnd.between(1, 13)).padStart(2, "0")}`;
    return {
        createdBy: rnd.pick(["planner", "lead-1", "lead-2"]),
        title: `${title(rnd, component)} (${number})`,
        tags: [component, `sprint-${rnd.between(1, 9)}`],
        priority: rnd.between(-5, 9),
        ...(status === "open" ? {} : { status, assignee: agent }),
    };
}

export async function fill(client, count, { seed = 1, onProgress = () => {} } = {}) {
    const rnd = random(seed, "fill");
    for (let made = 0; made < count; ) {
        const part = Math.min(TASKS_MAX, count - made);
        await client.createMany(Array.from({ length: part }, (_, index) => oneOf(rnd, made + index + 1)));
        made += part;
        onProgress(made);
    }
}
