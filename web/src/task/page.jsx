// One task, all of it.
import { useEffect } from "preact/hooks";
import { isSettled } from "../lib/card.js";
import { href } from "../lib/router.js";
import { Icon } from "../ui/icons.jsx";
import { Json } from "../ui/json.jsx";
import { Markdown } from "../ui/markdown.jsx";
import { StatusMark } from "../ui/status.jsx";
import { Trouble } from "../ui/trouble.jsx";
import { useEvents } from "../ui/use_events.js";
import { useResource } from "../ui/use_resource.js";
import { Actions } from "./actions.jsx";
import { Artifacts } from "./artifacts.jsx";
import { Attempts } from "./attempts.jsx";
import { fetchAttempts, fetchHistory, fetchTask } from "./data.js";
import { Facts } from "./facts.jsx";
import { Graph } from "./graph.jsx";
import { History } from "./history.jsx";
import { Notes } from "./notes.jsx";
import { Parts } from "./parts.jsx";
import { Why } from "./why.jsx";

const EVENTS_MS = 400;

function Section({ title, count, children }) {
    return (
        <section class="panel">
            <h2>
                {title}
                {count !== undefined && <span class="panel-count">{count}</span>}
            </h2>
            {children}
        </section>
    );
}

function Head({ task, onChange }) {
    return (
        <header class="task-head">
            <a class="back" href={href("/board")} onClick={goBack}>
                <Icon name="back" /> Board
            </a>
            <div class="task-title">
                <StatusMark task={task} />
                <h1>{task.title}</h1>
            </div>
            <Actions task={task} onChange={onChange} />
        </header>
    );
}

/** Back to the board as it was left, with its filter; a page that was opened by itself has none. */
function goBack(event) {
    if (history.state?.fromBoard === true) {
        event.preventDefault();
        history.back();
    }
}

function Body({ task, attempts, log, reload }) {
    return (
        <div class="task-columns">
            <div class="task-main">
                <Section title="Description">
                    {task.description === undefined ? (
                        <p class="muted">None.</p>
                    ) : (
                        <Markdown text={task.description} />
                    )}
                </Section>
                {task.result !== undefined && (
                    <Section title="Result">
                        <Json value={task.result} label="Result" />
                    </Section>
                )}
                <Graph task={task} />
                <Parts id={task.id} />
                <Section title="Attempts" count={attempts?.length}>
                    <Attempts task={task} attempts={attempts} onChange={reload} />
                </Section>
                <Section title="Notes" count={task.notes.length}>
                    <Notes task={task} onChange={reload} />
                </Section>
                <Section title="History" count={log?.length}>
                    <History events={log} />
                </Section>
            </div>
            <div class="task-side">
                <Section title="Facts">
                    <Facts task={task} />
                </Section>
                <Why task={task} />
                <Section title="Artifacts" count={task.artifacts.length}>
                    <Artifacts task={task} onChange={reload} />
                </Section>
                {task.payload !== undefined && (
                    <Section title="Payload">
                        <Json value={task.payload} label="Payload" />
                    </Section>
                )}
            </div>
        </div>
    );
}

/** Results that nobody accepted are further down; somebody should know that they are there. */
function LateHint({ task, attempts }) {
    const waiting = (attempts ?? []).filter(({ late }) => late);
    if (waiting.length === 0 || isSettled(task)) {
        return null;
    }
    return (
        <p class="callout callout-warn">
            <Icon name="late" />
            <span>
                A result came when its claim was over, and was kept: see attempt{" "}
                {waiting.map(({ attempt }) => attempt).join(", ")} below. It can be accepted.
            </span>
        </p>
    );
}

function Missing({ id, log }) {
    return (
        <div class="empty">
            <h1>There is no such task</h1>
            <p class="mono">{id}</p>
            <p>
                {log !== undefined && log.length > 0
                    ? "It was deleted. This is what the log still has of it:"
                    : "It was deleted, or never was."}
            </p>
            {log !== undefined && <History events={log} />}
            <p>
                <a href={href("/board")}>To the board</a>
            </p>
        </div>
    );
}

export function TaskPage({ id }) {
    const task = useResource((signal) => fetchTask(id, signal), [id]);
    const attempts = useResource((signal) => fetchAttempts(id, signal), [id]);
    const log = useResource((signal) => fetchHistory(id, signal), [id]);
    function reload() {
        task.reload();
        attempts.reload();
        log.reload();
    }
    useEvents((event) => event.taskId === id, reload, EVENTS_MS);
    const title = task.data?.title;
    useEffect(() => {
        if (title !== undefined) {
            document.title = `${title} – taskboard`;
        }
    }, [title]);

    if (task.error?.status === 404) {
        return <Missing id={id} log={log.data} />;
    }
    if (task.data === undefined) {
        return task.error === null ? (
            <p class="muted">Loading…</p>
        ) : (
            <Trouble error={task.error} onRetry={reload} />
        );
    }
    return (
        <article class="task" aria-busy={task.loading}>
            {task.error !== null && <Trouble error={task.error} onRetry={reload} />}
            <Head task={task.data} onChange={reload} />
            <LateHint task={task.data} attempts={attempts.data} />
            <Body task={task.data} attempts={attempts.data} log={log.data} reload={reload} />
        </article>
    );
}
