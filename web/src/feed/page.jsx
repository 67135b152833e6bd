// What agents tell each other, the latest first.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/http.js";
import { href, navigate, query } from "../lib/router.js";
import { onEvents } from "../store/live.js";
import { Command } from "../ui/copy.jsx";
import { Trouble } from "../ui/trouble.jsx";
import { useEvents } from "../ui/use_events.js";
import { useResource } from "../ui/use_resource.js";
import { FeedEvent } from "./event.jsx";

const FIRST = 100;
const MAX = 10_000; // what the server gives at most
const KEPT_MAX = 2000;
const STATS_MS = 5000;

/** The feed's own view of an event of the log. */
function feedEventOf({ id, at, data }) {
    return { id, timestamp: at, ...data };
}

function Choice({ label, value, names, onChoose }) {
    return (
        <select aria-label={label} value={value} onChange={(event) => onChoose(event.target.value)}>
            <option value="">{label}: all</option>
            {names.map(([name, number]) => (
                <option key={name} value={name} selected={name === value}>
                    {name} ({number})
                </option>
            ))}
        </select>
    );
}

function sorted(counts, chosen) {
    const entries = Object.entries(counts ?? {}).sort((a, b) => b[1] - a[1]);
    return chosen === "" || entries.some(([name]) => name === chosen) ? entries : [[chosen, 0], ...entries];
}

function EmptyFeed({ filtered }) {
    if (filtered) {
        return <p class="muted">Nobody has told anything that fits.</p>;
    }
    const command = [
        `curl ${location.origin}/feed/events`,
        `  -H "Authorization: Bearer $TOKEN"`,
        `  -d '{"agent":"worker-1","type":"finding","summary":"The parser holds a lock too long"}'`,
    ].join(" \\\n");
    return (
        <div class="empty">
            <h2>Nobody has told anything yet</h2>
            <p>Agents tell here what they found, changed or want to know. Say the first thing:</p>
            <Command text={command} />
        </div>
    );
}

/** The list as fetched, and in front of it what came since. */
function useFeed(agent, type, limit) {
    const listed = useResource(
        async (signal) => (await get("/feed/events", { agent, type, limit }, signal)).data.reverse(),
        [agent, type, limit],
    );
    const [fresh, setFresh] = useState([]);
    useEffect(() => {
        setFresh([]);
        return onEvents((events) => {
            const fitting = events
                .filter(({ topic, type: name }) => topic === "feed" && name !== "feed.cleared")
                .map(feedEventOf)
                .filter(
                    (event) =>
                        (agent === "" || event.agent === agent) && (type === "" || event.type === type),
                );
            if (fitting.length > 0) {
                setFresh((before) => [...fitting.reverse(), ...before].slice(0, KEPT_MAX));
            }
        });
    }, [agent, type]);
    useEvents((event) => event.type === "feed.cleared", listed.reload, 100);
    const known = new Set((listed.data ?? []).map(({ id }) => id));
    return { ...listed, events: [...fresh.filter(({ id }) => !known.has(id)), ...(listed.data ?? [])] };
}

export function FeedPage() {
    const agent = query.value.get("agent") ?? "";
    const type = query.value.get("type") ?? "";
    const [limit, setLimit] = useState(FIRST);
    const stats = useResource(async (signal) => (await get("/feed/stats", {}, signal)).data, []);
    useEvents((event) => event.topic === "feed", stats.reload, STATS_MS);
    const { data, events, error, loading, reload } = useFeed(agent, type, limit);
    const choose = (changes) => navigate(href("/feed", { agent, type, ...changes }));
    const more = data !== undefined && data.length === limit && limit < MAX;
    return (
        <div class="wide feed" aria-busy={loading}>
            <div class="page-head">
                <h1>Feed</h1>
                <div class="feed-filters">
                    <Choice
                        label="Agent"
                        value={agent}
                        names={sorted(stats.data?.byAgent, agent)}
                        onChoose={(next) => choose({ agent: next })}
                    />
                    <Choice
                        label="Type"
                        value={type}
                        names={sorted(stats.data?.byType, type)}
                        onChoose={(next) => choose({ type: next })}
                    />
                </div>
            </div>
            {error !== null && <Trouble error={error} onRetry={reload} />}
            {data !== undefined && events.length === 0 && (
                <EmptyFeed filtered={agent !== "" || type !== ""} />
            )}
            <ol class="feed-events plain-list">
                {events.map((event) => (
                    <FeedEvent key={event.id} event={event} />
                ))}
            </ol>
            {more && (
                <button type="button" class="button" onClick={() => setLimit(Math.min(MAX, limit * 4))}>
                    Show older ones
                </button>
            )}
        </div>
    );
}
