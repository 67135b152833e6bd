// What the log has of the task, the latest first.
import { useState } from "preact/hooks";
import { eventText, eventTone } from "../lib/event_text.js";
import { Age } from "../ui/time.jsx";

const SHOWN_AT_FIRST = 25;

export function History({ events }) {
    const [all, setAll] = useState(false);
    if (events === undefined) {
        return <p class="muted">Loading…</p>;
    }
    if (events.length === 0) {
        return <p class="muted">The log has nothing of it any more.</p>;
    }
    const shown = all ? events : events.slice(0, SHOWN_AT_FIRST);
    return (
        <>
            <ol class="history plain-list">
                {shown.map((event) => (
                    <li key={event.seq} class={`history-row tone-${eventTone(event)}`}>
                        <span class="history-when">
                            <Age ms={Date.parse(event.at)} suffix=" ago" />
                        </span>
                        <span class="history-what">
                            {event.actor !== undefined && <strong>{event.actor} </strong>}
                            {eventText(event)}
                        </span>
                    </li>
                ))}
            </ol>
            {shown.length < events.length && (
                <button type="button" class="button" onClick={() => setAll(true)}>
                    Show all {events.length}
                </button>
            )}
        </>
    );
}
