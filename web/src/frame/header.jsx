// Brand, pages, and what is always in sight: whether the page is live, and whether the board is paused.
import { openCreate } from "../board/task_form.jsx";
import { href, page } from "../lib/router.js";
import { duration } from "../lib/time.js";
import { connection, retryNow, summary } from "../store/live.js";
import { now, serverNow } from "../lib/clock.js";
import { openModal } from "../store/modal.js";
import { may } from "../store/session.js";
import { Icon } from "../ui/icons.jsx";
import { SettingsDialog } from "./settings.jsx";

const links = [
    ["board", "Board"],
    ["fleet", "Fleet"],
    ["flow", "Flow"],
    ["feed", "Feed"],
];

function Nav() {
    const current = page.value.name === "task" ? "board" : page.value.name;
    return (
        <nav class="nav" aria-label="Pages">
            {links.map(([name, text]) => (
                <a key={name} href={href(`/${name}`)} aria-current={name === current ? "page" : undefined}>
                    <Icon name={name} />
                    {text}
                </a>
            ))}
        </nav>
    );
}

const states = {
    live: ["Live", "Changes appear as they happen."],
    connecting: ["Connecting", "The event stream is being opened."],
    asleep: ["Asleep", "Nobody looked; it goes on when somebody does."],
};

function Connection() {
    const { name, retryAt } = connection.value;
    if (name === "waiting") {
        const left = retryAt - (now.value - serverNow() + Date.now());
        return (
            <button type="button" class="live live-waiting" onClick={retryNow}>
                <span class="live-dot" />
                <span role="status">Offline</span>
                <span class="live-more">try again{left > 1000 ? ` (${duration(left)})` : ""}</span>
            </button>
        );
    }
    const [text, title] = states[name];
    return (
        <span class={`live live-${name}`} title={title}>
            <span class="live-dot" />
            <span role="status">{text}</span>
        </span>
    );
}

function Paused() {
    const pauses = summary.value?.paused ?? [];
    if (pauses.length === 0) {
        return null;
    }
    const whole = pauses.find((pause) => pause.tag === undefined);
    const text = whole !== undefined ? "Paused" : `${pauses.length} paused`;
    const title = pauses
        .map((pause) => `${pause.tag ?? "the whole board"}${pause.reason ? `: ${pause.reason}` : ""}`)
        .join("\n");
    return (
        <a class="badge-paused" href={href("/flow")} title={title}>
            <Icon name="pause" /> {text}
        </a>
    );
}

export function Header() {
    return (
        <header class="header">
            <a class="brand" href={href("/board")} aria-label="taskboard, to the board">
                <svg class="brand-mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
                    <rect x="1" y="2" width="5" height="16" rx="1.5" />
                    <rect x="7.5" y="2" width="5" height="11" rx="1.5" opacity="0.75" />
                    <rect x="14" y="2" width="5" height="6" rx="1.5" opacity="0.5" />
                </svg>
                <span class="brand-name">taskboard</span>
            </a>
            <Nav />
            <div class="header-right">
                <Paused />
                <Connection />
                {may("worker") ? (
                    <button type="button" class="button button-main" onClick={() => openCreate()}>
                        <Icon name="plus" />
                        <span class="hidden-when-narrow">New task</span>
                    </button>
                ) : (
                    <span class="chip" title="Your token may look, and change nothing">
                        Read only
                    </span>
                )}
                <button
                    type="button"
                    class="button-quiet"
                    aria-label="Settings"
                    onClick={() => openModal(() => <SettingsDialog />)}
                >
                    <Icon name="gear" />
                </button>
            </div>
        </header>
    );
}
