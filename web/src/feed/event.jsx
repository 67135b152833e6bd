import { memo } from "../ui/memo.js";
import { clockTime, localTime } from "../lib/time.js";
import { href } from "../lib/router.js";
import { Json } from "../ui/json.jsx";
import { Markdown } from "../ui/markdown.jsx";

const looks = {
    task_completed: "chip chip-good",
    task_failed: "chip chip-bad",
    blocker_found: "chip chip-bad",
    question: "chip chip-warn",
    finding: "chip chip-priority-up",
};

/** Today the time is enough, of other days the day is told, too. */
function when(ms) {
    const today = new Date().toDateString() === new Date(ms).toDateString();
    return today ? clockTime(ms) : localTime(ms);
}

function Event({ event }) {
    const ms = Date.parse(event.timestamp);
    const more = event.detail !== undefined || event.metadata !== undefined;
    return (
        <li class="feed-event">
            <time class="feed-when" dateTime={event.timestamp} title={localTime(ms)}>
                {when(ms)}
            </time>
            <a
                class="feed-agent ellipsis"
                href={href("/feed", { agent: event.agent })}
                title={`Only ${event.agent}`}
            >
                {event.agent}
            </a>
            <span class={`feed-type ${looks[event.type] ?? "chip"}`}>{event.type.replaceAll("_", " ")}</span>
            <div class="feed-what">
                <p>{event.summary}</p>
                {more && (
                    <details>
                        <summary>More</summary>
                        {event.detail !== undefined && <Markdown text={event.detail} level={1} />}
                        {event.metadata !== undefined && <Json value={event.metadata} label="Metadata" />}
                    </details>
                )}
            </div>
        </li>
    );
}

export const FeedEvent = memo(Event);
