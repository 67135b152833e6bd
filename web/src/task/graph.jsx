// The dependency graph as a picture: what must be done first stands on the left.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { NODE_HEIGHT, NODE_WIDTH, layoutGraph } from "../lib/graph_layout.js";
import { taskHref } from "../lib/router.js";
import { Icon } from "../ui/icons.jsx";
import { lookOf } from "../ui/status.jsx";
import { Trouble } from "../ui/trouble.jsx";
import { useEvents } from "../ui/use_events.js";
import { useResource } from "../ui/use_resource.js";
import { fetchGraph } from "./graph_data.js";

const EVENTS_MS = 2000;
const MARGIN = 8;
const SMALLEST = 0.72; // what is drawn smaller cannot be read

const absent = { name: "warning", text: "Not there" };

function Node({ task, at, chosen }) {
    const { name, text } = task.status === "absent" ? absent : lookOf(task);
    return (
        <a
            href={taskHref(task.id)}
            class={`node node-${name}${chosen ? " node-chosen" : ""}`}
            aria-current={chosen ? "true" : undefined}
        >
            <g transform={`translate(${at.x} ${at.y})`}>
                <rect class="node-box" width={NODE_WIDTH} height={NODE_HEIGHT} rx="6" />
                <rect class="node-edge" width="4" height={NODE_HEIGHT} rx="2" />
                <svg x="12" y="26" width="14" height="14" class={`status-${name}`}>
                    <Icon name={name} />
                </svg>
                <text x="12" y="18" class="node-title" clip-path="url(#node-clip)">
                    {task.title}
                </text>
                <text x="31" y="37" class={`node-status status-${name}`}>
                    {text}
                </text>
            </g>
        </a>
    );
}

function Picture({ graph, id }) {
    const layout = useMemo(() => layoutGraph([...graph.tasks.keys()], graph.edges), [graph]);
    const box = useRef(null);
    const [scale, setScale] = useState(1);
    const [wider, setWider] = useState(false);
    const [width, height] = [layout.width + 2 * MARGIN, layout.height + 2 * MARGIN];
    useEffect(() => {
        const { clientWidth } = box.current;
        const fitting = Math.min(1, clientWidth / width);
        setScale(fitting >= SMALLEST ? fitting : 1);
        setWider(fitting < SMALLEST);
    }, [layout]);
    useEffect(() => {
        const { x } = layout.nodes.get(id);
        box.current.scrollLeft = (x + NODE_WIDTH / 2) * scale - box.current.clientWidth / 2;
    }, [layout, scale]);
    return (
        <>
            <div class="graph" tabIndex={0} ref={box} role="group" aria-label="Dependency graph">
                <Drawing graph={graph} layout={layout} id={id} size={{ width, height, scale }} />
            </div>
            {wider && <p class="muted">It is wider than the page: scroll it sideways.</p>}
        </>
    );
}

function Drawing({ graph, layout, id, size: { width, height, scale } }) {
    return (
        <svg
            width={width * scale}
            height={height * scale}
            viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
        >
            <defs>
                <clipPath id="node-clip">
                    <rect x="12" width={NODE_WIDTH - 18} height={NODE_HEIGHT} />
                </clipPath>
                <marker
                    id="arrow"
                    viewBox="0 0 8 8"
                    refX="7"
                    refY="4"
                    markerWidth="9"
                    markerHeight="9"
                    markerUnits="userSpaceOnUse"
                    orient="auto"
                >
                    <path d="M0 0l8 4-8 4z" class="graph-arrow" />
                </marker>
            </defs>
            {layout.lines.map(({ from, to, path }) => (
                <path
                    key={`${from}${to}`}
                    class={from === id || to === id ? "graph-line graph-line-near" : "graph-line"}
                    d={path}
                    marker-end="url(#arrow)"
                />
            ))}
            {[...layout.nodes].map(([other, at]) => (
                <Node key={other} task={graph.tasks.get(other)} at={at} chosen={other === id} />
            ))}
        </svg>
    );
}

export function Graph({ task }) {
    const dependencies = task.dependencies.join();
    const { data, error, reload } = useResource(
        (signal) => fetchGraph(task, signal),
        [task.id, dependencies, task.version],
    );
    useEvents((event) => data?.tasks.has(event.taskId) && event.taskId !== task.id, reload, EVENTS_MS);
    const alone = data !== undefined && data.tasks.size === 1;
    return (
        <section class="panel">
            <h2>Dependencies</h2>
            {error !== null && <Trouble error={error} onRetry={reload} />}
            {alone && <p class="muted">It waits for nothing, and nothing waits for it.</p>}
            {data !== undefined && !alone && <Picture graph={data} id={task.id} />}
            {data?.cut && <p class="muted">There are more, further away; open one of these to see them.</p>}
        </section>
    );
}
