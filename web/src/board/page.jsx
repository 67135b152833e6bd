// The board: a column for each status.
import { useEffect } from "preact/hooks";
import { filterOf, isFiltered, statusesOf } from "../lib/filter.js";
import { statusNames } from "../lib/moves.js";
import { query } from "../lib/router.js";
import { columnStates, showFilter } from "../store/board.js";
import { summary } from "../store/live.js";
import { modal } from "../store/modal.js";
import { narrow } from "../store/screen.js";
import { may } from "../store/session.js";
import { settings } from "../store/settings.js";
import { Icon } from "../ui/icons.jsx";
import { Attention } from "./attention.jsx";
import { BulkBar } from "./bulk.jsx";
import { Column, countText } from "./column.jsx";
import { EmptyBoard } from "./empty.jsx";
import { clearSelection, shownColumn } from "./selection.js";
import { openCreate } from "./task_form.jsx";
import { Toolbar } from "./toolbar.jsx";

function isTyping(target) {
    return target.closest?.("input, textarea, select, [contenteditable]") !== null;
}

function usePageKeys() {
    useEffect(() => {
        function onKey(event) {
            const other = event.ctrlKey || event.metaKey || event.altKey || modal.peek() !== null;
            if (other || isTyping(event.target) || !settings.peek().keys) {
                return;
            }
            if (event.key === "/") {
                event.preventDefault();
                document.getElementById("search")?.focus();
            } else if (event.key === "n" && may("worker")) {
                event.preventDefault();
                openCreate();
            }
        }
        addEventListener("keydown", onKey);
        return () => removeEventListener("keydown", onKey);
    }, []);
}

/** On a narrow screen: which column is shown. */
function ColumnPicker({ statuses, shown }) {
    return (
        <nav class="column-picker" aria-label="Columns">
            {statuses.map((status) => {
                void columnStates[status].value.rev; // its count
                return (
                    <button
                        key={status}
                        type="button"
                        aria-pressed={status === shown}
                        class={`status status-${status}`}
                        onClick={() => (shownColumn.value = status)}
                    >
                        <Icon name={status} />
                        <span class="picker-name">{statusNames[status]}</span>
                        <span class="picker-count">{countText(status)}</span>
                    </button>
                );
            })}
        </nav>
    );
}

function Columns({ statuses }) {
    const shown = statuses.includes(shownColumn.value) ? shownColumn.value : statuses[0];
    return (
        <>
            {narrow.value && <ColumnPicker statuses={statuses} shown={shown} />}
            <div class={`columns columns-${narrow.value ? 1 : statuses.length}`}>
                {(narrow.value ? [shown] : statuses).map((status) => (
                    <Column key={status} status={status} />
                ))}
            </div>
        </>
    );
}

export function BoardPage() {
    const filter = filterOf(query.value);
    const key = query.value.toString();
    useEffect(() => {
        if (showFilter(filter)) {
            clearSelection();
        }
    }, [key]);
    usePageKeys();
    const { byStatus } = summary.value;
    const empty = Object.values(byStatus).every((number) => number === 0);
    if (empty && !isFiltered(filter)) {
        return <EmptyBoard />;
    }
    return (
        <>
            <h1 class="visually-hidden">Board</h1>
            <Toolbar filter={filter} />
            <Attention />
            <Columns statuses={statusesOf(filter)} />
            <BulkBar />
        </>
    );
}
