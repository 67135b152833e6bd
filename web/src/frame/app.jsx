// The frame around all pages.
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { loggedIn } from "../api/http.js";
import { BoardPage } from "../board/page.jsx";
import { FeedPage } from "../feed/page.jsx";
import { FleetPage } from "../fleet/page.jsx";
import { page } from "../lib/router.js";
import { startLate } from "../store/late.js";
import { summary, summaryError } from "../store/live.js";
import { closeModal, modal } from "../store/modal.js";
import { TaskPage } from "../task/page.jsx";
import { Header } from "./header.jsx";
import { lazy } from "../ui/lazy.jsx";
import { Login } from "./login.jsx";
import { Nowhere } from "./nowhere.jsx";
import { Toasts } from "../ui/toasts.jsx";
import { Trouble } from "../ui/trouble.jsx";

const pages = {
    board: BoardPage,
    task: TaskPage,
    fleet: FleetPage,
    flow: lazy(async () => (await import("../flow/page.jsx")).FlowPage), // with all that draws charts
    feed: FeedPage,
};

const titles = {
    board: "Board",
    task: "Task",
    fleet: "Fleet",
    flow: "Flow",
    feed: "Feed",
};

const stopWaiting = effect(() => {
    if (summary.value !== null) {
        startLate(summary.peek().seq);
        queueMicrotask(() => stopWaiting());
    }
});

function Page() {
    const { name, id } = page.value;
    const Shown = pages[name] ?? Nowhere;
    return <Shown key={id} id={id} />;
}

function useTitleAndFocus() {
    const main = useRef(null);
    const { name, id } = page.value;
    const first = useRef(true);
    useEffect(() => {
        closeModal(); // going back leaves a dialog, too
        document.title = `${titles[name] ?? "Nothing here"} – taskboard`;
        if (!first.current) {
            main.current?.focus({ preventScroll: true }); // a new page is read from its start
        }
        first.current = false;
    }, [name, id]);
    return main;
}

export function App() {
    const main = useTitleAndFocus();
    if (!loggedIn.value) {
        return <Login />;
    }
    return (
        <>
            <a class="skip" href="#main">
                Skip to the content
            </a>
            <Header />
            <main id="main" ref={main} tabIndex={-1} class={`page page-${page.value.name}`}>
                {summary.value === null && summaryError.value !== null && (
                    <Trouble error={summaryError.value} />
                )}
                {summary.value !== null && <Page />}
            </main>
            <Toasts />
            {modal.value?.()}
        </>
    );
}
