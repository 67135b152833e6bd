// Small pictures, drawn on a grid of 16; how they are stroked stands in base.css, so that a card is made
// with few attributes. They decorate words; where they stand alone, the control that
// they stand in is named.
const paths = {
    open: <circle cx="8" cy="8" r="5.5" />,
    in_progress: (
        <>
            <circle cx="8" cy="8" r="5.5" />
            <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />
        </>
    ),
    in_review: (
        <>
            <path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z" />
            <circle cx="8" cy="8" r="1.8" />
        </>
    ),
    blocked: (
        <>
            <path d="M5.3 1.8h5.4l3.5 3.5v5.4l-3.5 3.5H5.3l-3.5-3.5V5.3z" />
            <path d="M5 8h6" />
        </>
    ),
    done: (
        <>
            <circle cx="8" cy="8" r="6" />
            <path d="m5.2 8.2 2 2 3.6-4.2" />
        </>
    ),
    failed: (
        <>
            <circle cx="8" cy="8" r="6" />
            <path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4" />
        </>
    ),
    cancelled: (
        <>
            <circle cx="8" cy="8" r="6" />
            <path d="m4 12 8-8" />
        </>
    ),
    dead: (
        <>
            <path d="M3 7.5a5 5 0 0 1 10 0c0 1.6-.7 2.7-1.8 3.4V13H4.8v-2.1C3.7 10.2 3 9.1 3 7.5z" />
            <path d="M6 7.5v.5m4-.5v.5M8 13v-1.5" />
        </>
    ),
    late: (
        <>
            <path d="M3 9.5 5 4h6l2 5.5V13H3z" />
            <path d="M3 9.5h3l.7 1.5h2.6L10 9.5h3" />
        </>
    ),
    person: (
        <>
            <circle cx="8" cy="5.2" r="2.7" />
            <path d="M2.8 13.5c.6-2.6 2.6-4 5.2-4s4.6 1.4 5.2 4" />
        </>
    ),
    clock: (
        <>
            <circle cx="8" cy="8" r="6" />
            <path d="M8 4.5V8l2.3 1.5" />
        </>
    ),
    link: (
        <path d="M6.5 9.5a2.8 2.8 0 0 0 4 0l2.2-2.2a2.8 2.8 0 0 0-4-4l-1 1m1.8 2.2a2.8 2.8 0 0 0-4 0L3.3 8.7a2.8 2.8 0 0 0 4 4l1-1" />
    ),
    repeat: <path d="M3 8a5 5 0 0 1 8.7-3.4L13 6M13 2.8V6H9.8M13 8a5 5 0 0 1-8.7 3.4L3 10M3 13.2V10h3.2" />,
    search: (
        <>
            <circle cx="7" cy="7" r="4.3" />
            <path d="m10.2 10.2 3.6 3.6" />
        </>
    ),
    plus: <path d="M8 3v10M3 8h10" />,
    close: <path d="m4 4 8 8m0-8-8 8" />,
    up: <path d="m3.5 10 4.5-4.5 4.5 4.5" />,
    down: <path d="m3.5 6 4.5 4.5L12.5 6" />,
    back: <path d="M10 3.5 5.5 8l4.5 4.5" />,
    pause: <path d="M5.5 3.5v9m5-9v9" />,
    play: <path d="m5 3.3 7.5 4.7L5 12.7z" />,
    gear: (
        <>
            <circle cx="8" cy="8" r="2.2" />
            <path d="M8 1.8v2M8 12.2v2M1.8 8h2m8.4 0h2M3.6 3.6l1.4 1.4m6 6 1.4 1.4m0-8.8L11 5m-6 6-1.4 1.4" />
        </>
    ),
    board: <path d="M2.5 3h3v10h-3zm5.2 0h3v7h-3zM12.8 3h1v4h-1z" />,
    fleet: <path d="M2.5 3h11v4h-11zm0 6h11v4h-11zM5 5h.1M5 11h.1" />,
    flow: <path d="M2 13h12M3 10l3-4 3 2.5L13 3.5" />,
    feed: <path d="M3 3.5h10M3 8h10M3 12.5h6" />,
    edit: <path d="M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3z" />,
    move: <path d="M2.5 8h11m-3.5-3.5L13.5 8 10 11.5" />,
    copy: <path d="M5.5 5.5h7v7h-7zM3.5 10.5v-7h7" />,
    warning: <path d="M8 2.5 14.3 13H1.7zM8 6.5v3m0 1.7v.3" />,
    alive: <path d="M1.5 8.5h3L6.5 4l3 8 2-3.5h3" />,
    out: <path d="M9.5 3h-6v10h6M7 8h7m-2.5-2.5L14 8l-2.5 2.5" />,
};

export function Icon({ name, label }) {
    const named = label === undefined ? { "aria-hidden": "true" } : { role: "img", "aria-label": label };
    return (
        <svg class="icon" viewBox="0 0 16 16" {...named}>
            {paths[name]}
        </svg>
    );
}
