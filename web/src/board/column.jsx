// One column: its head, its cards, and where a dragged card may be dropped.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { indexOf } from "../lib/column.js";
import { isFiltered } from "../lib/filter.js";
import { planMove, statusNames } from "../lib/moves.js";
import { count } from "../lib/time.js";
import {
    cardWithId,
    columnOf,
    columnStates,
    currentFilter,
    loadMore,
    listing,
    reload,
    scrolled,
} from "../store/board.js";
import { summary } from "../store/live.js";
import { may } from "../store/session.js";
import { Icon } from "../ui/icons.jsx";
import { Trouble } from "../ui/trouble.jsx";
import { VirtualList } from "../ui/virtual_list.jsx";
import { CARD_HEIGHT, CardRow } from "./card.jsx";
import { dragged, stopDrag } from "./drag.js";
import { onCardKey } from "./keys.js";
import { startMove } from "./move.jsx";
import { grabs, selected, stands, toggleColumn } from "./selection.js";

const GAP = 8;

/** Where each column was left, to come back to. */
const left = new Map();

const nothingHere = {
    open: "Nothing waits to be done.",
    in_progress: "Nobody works on anything. Agents take open tasks by claims.",
    in_review: "Nothing awaits a review.",
    blocked: "Nothing is stuck.",
    done: "Nothing is done yet.",
};

/** How many the column has: of the whole board as the summary says, of a filter as far as it is known. */
export function countText(status) {
    const { cards, complete } = columnOf(status);
    if (!isFiltered(currentFilter())) {
        return count(summary.value.byStatus[status]);
    }
    return complete ? count(cards.length) : `${count(cards.length)}+`;
}

function Head({ status }) {
    void columnStates[status].value.rev; // its cards
    const { cards } = columnOf(status);
    const chosen = cards.length > 0 && cards.slice(0, 1000).every(({ id }) => selected.value.has(id));
    return (
        <header class="column-head">
            <h2 id={`column-${status}`} class={`status status-${status}`}>
                <Icon name={status} />
                {statusNames[status]}
            </h2>
            <span class="column-count">
                {countText(status)}
                <span class="visually-hidden"> tasks</span>
            </span>
            {may("coordinator") && (
                <input
                    type="checkbox"
                    class="column-check"
                    aria-label={`Select all loaded cards of ${statusNames[status]}`}
                    checked={chosen}
                    disabled={cards.length === 0}
                    onClick={() => toggleColumn(status)}
                />
            )}
        </header>
    );
}

/** Over the column while a card is dragged: what dropping it here does, or why it cannot be. */
function DropHint({ status, over }) {
    const card = dragged.value;
    if (card === null || card.status === status) {
        return null;
    }
    const plan = planMove(card, status);
    return (
        <div class={`drop ${plan.legal ? "drop-legal" : "drop-illegal"}${over ? " drop-over" : ""}`}>
            <p>{plan.legal ? plan.label : plan.why}</p>
        </div>
    );
}

function useDrop(status) {
    const [over, setOver] = useState(false);
    const depth = useRef(0);
    const enter = (step) => {
        depth.current += step;
        setOver(depth.current > 0);
    };
    return [
        over,
        {
            onDragEnter: () => enter(1),
            onDragLeave: () => enter(-1),
            onDragOver(event) {
                const card = dragged.value;
                if (card !== null && card.status !== status) {
                    event.preventDefault(); // also where it is not allowed: then dropping it tells why
                    event.dataTransfer.dropEffect = "move";
                }
            },
            onDrop(event) {
                event.preventDefault();
                depth.current = 0;
                setOver(false);
                const card = dragged.value;
                stopDrag();
                if (card !== null && card.status !== status) {
                    startMove(cardWithId(card.id) ?? card, status);
                }
            },
        },
    ];
}

/** Gives the focus to the card on which the keyboard stands, when it was asked to. */
function useGrab(status, box) {
    const { status: of, count: times } = grabs.value;
    useLayoutEffect(() => {
        const id = stands.value[status];
        if (of === status && times > 0) {
            box.current?.querySelector(`[data-card="${CSS.escape(id)}"] .card-title`)?.focus();
        }
    }, [times]);
}

function Cards({ status }) {
    const { rev } = columnStates[status].value;
    const column = columnOf(status);
    const box = useRef(null);
    const stood = cardWithId(stands.value[status]);
    const pinned = stood?.status === status ? indexOf(column, stood) : -1;
    useGrab(status, box);
    return (
        <VirtualList
            items={column.cards}
            rev={rev}
            key={listing.value}
            startAt={left.get(status)?.listing === listing.value ? left.get(status).top : 0}
            rowHeight={CARD_HEIGHT + GAP}
            label={statusNames[status]}
            pinned={pinned}
            indexOf={(card) => indexOf(column, card)}
            onNearEnd={() => loadMore(status)}
            onScrolled={(top) => {
                left.set(status, { listing: listing.peek(), top });
                if (top > CARD_HEIGHT) {
                    scrolled.add(status);
                } else {
                    scrolled.delete(status);
                }
            }}
            listRef={(node) => {
                box.current = node;
            }}
            renderRow={(card, i) => <CardRow card={card} tabbable={pinned >= 0 ? i === pinned : i === 0} />}
        />
    );
}

export function Column({ status }) {
    const { loading, error } = columnStates[status].value;
    const { cards } = columnOf(status);
    const [over, handlers] = useDrop(status);
    return (
        <section
            class={`column${loading && cards.length === 0 ? " column-loading" : ""}`}
            aria-labelledby={`column-${status}`}
            aria-busy={loading}
            onKeyDown={onCardKey}
            {...handlers}
        >
            <Head status={status} />
            {error !== null && <Trouble error={error} onRetry={reload} />}
            {error === null && cards.length === 0 && (
                <p class="column-empty">
                    {loading
                        ? "Loading…"
                        : isFiltered(currentFilter())
                          ? "Nothing fits."
                          : nothingHere[status]}
                </p>
            )}
            <Cards status={status} />
            <DropHint status={status} over={over} />
        </section>
    );
}
