// Tasks that are held, a line each.
import { useState } from "preact/hooks";
import { taskHref } from "../lib/router.js";
import { Lease } from "../ui/time.jsx";

const SHOWN_AT_FIRST = 4;

function Held({ card, withHolder }) {
    const percent = card.progress?.percent;
    return (
        <li class="held">
            <a class="ellipsis" href={taskHref(card.id)}>
                {card.title}
            </a>
            {withHolder && (
                <span class="muted">
                    {card.claim.by}, <Lease claim={card.claim} />
                </span>
            )}
            {percent !== undefined && (
                <progress
                    max="100"
                    value={percent}
                    aria-label={`Progress: ${percent} %`}
                    title={`${percent} %`}
                />
            )}
        </li>
    );
}

export function HeldTasks({ cards, withHolder = false }) {
    const [all, setAll] = useState(false);
    const shown = all ? cards : cards.slice(0, SHOWN_AT_FIRST);
    return (
        <>
            <ul class="plain-list">
                {shown.map((card) => (
                    <Held key={card.id} card={card} withHolder={withHolder} />
                ))}
            </ul>
            {shown.length < cards.length && (
                <button type="button" class="link-button" onClick={() => setAll(true)}>
                    and {cards.length - shown.length} more
                </button>
            )}
        </>
    );
}
