// One card. Its height is that of all others: the column is drawn by it.
import { memo } from "../ui/memo.js";
import { isDeadLetter, isSettled } from "../lib/card.js";
import { taskHref } from "../lib/router.js";
import { plural } from "../lib/time.js";
import { may } from "../store/session.js";
import { late } from "../store/late.js";
import { Icon } from "../ui/icons.jsx";
import { lookOf } from "../ui/status.jsx";
import { Age, Lease, Until } from "../ui/time.jsx";
import { startDrag, stopDrag } from "./drag.js";
import { selected, standOn, toggle } from "./selection.js";

export const CARD_HEIGHT = 98;

function Priority({ value }) {
    if (value === 0) {
        return null;
    }
    const name = value > 0 ? "up" : "down";
    return (
        <span class={`chip chip-priority-${name}`} title={`Priority ${value}`}>
            <Icon name={name} label="Priority" />
            {value > 0 ? `+${value}` : `−${-value}`}
        </span>
    );
}

function Marks({ card }) {
    const look = lookOf(card);
    return (
        <>
            {isDeadLetter(card) && (
                <span class="chip chip-bad">
                    <Icon name="dead" /> Dead letter
                </span>
            )}
            {card.status === "done" && card.outcome !== "success" && (
                <span class={card.outcome === "failed" ? "chip chip-bad" : "chip"}>
                    <Icon name={look.name} /> {look.text}
                </span>
            )}
            {late.value.has(card.id) && !isSettled(card) && (
                <span class="chip chip-warn">
                    <Icon name="late" /> Late result
                </span>
            )}
            {card.claim?.cancelRequested !== undefined && <span class="chip chip-warn">Cancelling</span>}
            {card.ready && (
                <span class="chip chip-good">
                    <Icon name="play" /> Ready
                </span>
            )}
            {card.blockedBy.length > 0 && (
                <span class="chip chip-wait" title={`Waits for ${plural(card.blockedBy.length, "task")}`}>
                    <Icon name="link" label="Waits for tasks:" /> {card.blockedBy.length}
                </span>
            )}
            {card.status === "open" && !card.ready && card.notBefore !== undefined && (
                <span class="chip chip-wait">
                    <Icon name="clock" label="Not before" /> <Until ms={Date.parse(card.notBefore)} />
                </span>
            )}
        </>
    );
}

function Foot({ card }) {
    const tried = card.attempts > 1 && card.status !== "done";
    return (
        <div class="card-foot">
            <span class="card-who">
                {card.assignee !== undefined && (
                    <>
                        <Icon name="person" label={card.status === "open" ? "Reserved for" : "Held by"} />
                        <span class="ellipsis">{card.assignee}</span>
                    </>
                )}
            </span>
            {tried && (
                <span class="card-fact" title="Attempts so far, and how many there may be">
                    <Icon name="repeat" label="Attempts" />
                    {card.attempts}/{card.maxAttempts || "∞"}
                </span>
            )}
            {card.claim !== undefined ? (
                <span class="card-fact">
                    <Icon name={card.claim.vmId === undefined ? "clock" : "fleet"} label="Lease" />
                    <Lease claim={card.claim} />
                </span>
            ) : (
                <span class="card-fact">
                    <Age ms={card.status === "open" ? card.createdMs : card.updatedMs} />
                </span>
            )}
        </div>
    );
}

function Progress({ card }) {
    const percent = card.progress?.percent;
    if (card.claim === undefined || percent === undefined) {
        return null;
    }
    return (
        <progress class="card-progress" max="100" value={percent} aria-label={`Progress: ${percent} %`}>
            {percent} %
        </progress>
    );
}

function Card({ card, chosen, tabbable }) {
    return (
        <article
            class={`card card-${lookOf(card).name}${chosen ? " card-chosen" : ""}`}
            data-card={card.id}
            draggable={may("worker")}
            onDragStart={(event) => startDrag(event, card)}
            onDragEnd={stopDrag}
        >
            <div class="card-head">
                <a
                    class="card-title"
                    href={taskHref(card.id)}
                    draggable={false}
                    tabIndex={tabbable ? 0 : -1}
                    aria-keyshortcuts="Space m e"
                    onFocus={() => standOn(card, false)}
                >
                    {card.title}
                </a>
                {may("coordinator") && (
                    <label class="card-check">
                        <input
                            type="checkbox"
                            tabIndex={-1}
                            checked={chosen}
                            aria-label={`Select ${card.title}`}
                            onClick={(event) => toggle(card, event.shiftKey)}
                        />
                    </label>
                )}
            </div>
            <div class="card-chips">
                <Priority value={card.priority + card.score} />
                <Marks card={card} />
                {card.tags.slice(0, 8).map((tag) => (
                    <span key={tag} class="chip chip-tag">
                        {tag}
                    </span>
                ))}
            </div>
            <Foot card={card} />
            <Progress card={card} />
        </article>
    );
}

/** Drawn again when the card, its selection or its place in the order of Tab changed. */
const StillCard = memo(Card);

export function CardRow({ card, tabbable }) {
    return <StillCard card={card} chosen={selected.value.has(card.id)} tabbable={tabbable} />;
}
