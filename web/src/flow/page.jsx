// The flow: whether work goes through, how fast, and where it piles up.
import { useEffect, useMemo } from "preact/hooks";
import { now, serverNow } from "../lib/clock.js";
import { flowOf, MINUTE_MS } from "../lib/flow.js";
import { href, navigate, query } from "../lib/router.js";
import { clockTime, count, duration } from "../lib/time.js";
import { refreshSummary, summary } from "../store/live.js";
import { Trouble } from "../ui/trouble.jsx";
import { Chart } from "./chart.jsx";
import { followFlow, lites, reach, readBack, readError, reading } from "./data.js";
import { PauseButton, Pauses } from "./pauses.jsx";
import { Stays } from "./stays.jsx";
import { Rates, Tiles } from "./tiles.jsx";

const SUMMARY_MS = 10_000;
const DRAW_MS = 2000;
const DRAW_MS_MANY = 10_000; // with so many events that to look through them takes a while
const MANY = 20_000;
const SHORTEST_MS = 10 * MINUTE_MS; // of a young board not only its first minute is shown

const HOUR = 3600;
const DURATIONS = [1, 5, 15, 60, 300, 900, HOUR, 6 * HOUR, 24 * HOUR, 7 * 24 * HOUR];

const ranges = [
    ["15", "15 minutes"],
    ["60", "An hour"],
    ["360", "6 hours"],
    ["1440", "A day"],
];

/** What is ready now, also while the whole board is paused and the summary says that nothing is. */
function headOf({ byStatus, ready, waiting, scheduled, oldestReadyAt, paused = [] }) {
    const all = paused.some(({ tag }) => tag === undefined);
    return {
        at: serverNow(),
        ready: all ? byStatus.open - waiting - scheduled : ready,
        waiting: waiting + scheduled,
        oldestReadyAt: oldestReadyAt === undefined ? undefined : Date.parse(oldestReadyAt),
    };
}

function Reach({ untilMs }) {
    const { at, done } = reach.value;
    const enough = done || at <= untilMs;
    return (
        <p class="muted reach" role="status">
            {reading.value && "Reading the log… "}
            {count(lites.value.length)} events{at !== Infinity && `, back to ${clockTime(at)}`}
            {done && ", where the log begins"}.{!enough && " What was before is not in the charts."}{" "}
            {!enough && !reading.value && (
                <button type="button" class="link-button" onClick={() => readBack(untilMs)}>
                    Read on, further back
                </button>
            )}
        </p>
    );
}

function Range({ range }) {
    return (
        <select
            aria-label="How far back"
            value={range}
            onChange={(event) => navigate(href("/flow", { range: event.target.value }), { replace: true })}
        >
            {ranges.map(([minutes, text]) => (
                <option key={minutes} value={minutes} selected={minutes === range}>
                    {text}
                </option>
            ))}
        </select>
    );
}

function Charts({ untilMs }) {
    // Drawn anew now and then only, however much happens.
    const tick = Math.floor(now.value / (lites.value.length > MANY ? DRAW_MS_MANY : DRAW_MS));
    const { at, done } = reach.value;
    const from = Math.max(untilMs, Math.min(at, serverNow() - SHORTEST_MS));
    const flow = useMemo(
        () => flowOf(lites.value, from, headOf(summary.value), done ? undefined : at),
        [tick, untilMs, reach.value],
    );
    return (
        <>
            <div class="charts">
                <Chart
                    title="Created, claimed, completed and failed a minute"
                    times={flow.times}
                    lines={[
                        { name: "Created", colour: "--open", values: flow.created },
                        { name: "Claimed", colour: "--progress", values: flow.claimed },
                        { name: "Completed", colour: "--good", values: flow.completed },
                        { name: "Failed", colour: "--bad", values: flow.failed },
                    ]}
                />
                <Chart
                    title="Ready and waiting"
                    times={flow.times}
                    lines={[
                        { name: "Ready", colour: "--good", values: flow.ready },
                        { name: "Waiting or scheduled", colour: "--review", values: flow.waiting },
                    ]}
                />
                <Chart
                    title="Oldest ready task"
                    times={flow.times}
                    lines={[{ name: "Age", colour: "--warn", values: flow.oldest }]}
                    format={(seconds) => duration(seconds * 1000)}
                    steps={DURATIONS}
                />
                <section class="panel">
                    <h2>How much happened</h2>
                    <Rates />
                </section>
            </div>
            <Stays rows={flow.stays} />
        </>
    );
}

export function FlowPage() {
    const range = ranges.some(([minutes]) => minutes === query.value.get("range"))
        ? query.value.get("range")
        : "60";
    const minute = Math.floor(now.value / MINUTE_MS);
    const untilMs = (minute - Number(range) + 1) * MINUTE_MS;
    useEffect(() => {
        followFlow();
        readBack(untilMs);
    }, [range]);
    useEffect(() => {
        const timer = setInterval(refreshSummary, SUMMARY_MS);
        return () => clearInterval(timer);
    }, []);
    return (
        <div class="wide">
            <div class="page-head">
                <h1>Flow</h1>
                <div class="flow-tools">
                    <Range range={range} />
                    <PauseButton />
                </div>
            </div>
            <Pauses />
            <Tiles />
            {readError.value !== null && (
                <Trouble error={readError.value} onRetry={() => readBack(untilMs)} />
            )}
            {reach.value !== null && (
                <>
                    <Charts untilMs={untilMs} />
                    <Reach untilMs={untilMs} />
                </>
            )}
        </div>
    );
}
