// The tasks that this one consists of: those that name it as their parent.
import { taskHref } from "../lib/router.js";
import { StatusMark } from "../ui/status.jsx";
import { useEvents } from "../ui/use_events.js";
import { useResource } from "../ui/use_resource.js";
import { fetchParts } from "./data.js";

const EVENTS_MS = 2000;

export function Parts({ id }) {
    const { data, reload } = useResource((signal) => fetchParts(id, signal), [id]);
    useEvents((event) => event.data?.task?.parentId === id, reload, EVENTS_MS);
    if (data === undefined || data.length === 0) {
        return null;
    }
    const done = data.filter(({ status }) => status === "done").length;
    return (
        <section class="panel">
            <h2>
                Parts
                <span class="panel-count">
                    {done} of {data.length} done
                </span>
            </h2>
            <ul class="plain-list parts">
                {data.map((part) => (
                    <li key={part.id} class="part">
                        <a href={taskHref(part.id)}>{part.title}</a>
                        <StatusMark task={part} />
                    </li>
                ))}
            </ul>
        </section>
    );
}
