import { useEffect, useRef } from "preact/hooks";
import { onEvents, onReset } from "../store/live.js";

/** Calls `act()` soon after events that `concerns(event)`, at most once in `ms`, and after a reset. */
export function useEvents(concerns, act, ms) {
    const latest = useRef(null);
    latest.current = { concerns, act };
    useEffect(() => {
        let timer = 0;
        const soon = () => {
            timer ||= setTimeout(() => {
                timer = 0;
                latest.current.act();
            }, ms);
        };
        const stopEvents = onEvents((events) => events.some(latest.current.concerns) && soon());
        const stopReset = onReset(soon);
        return () => {
            clearTimeout(timer);
            stopEvents();
            stopReset();
        };
    }, [ms]);
}
