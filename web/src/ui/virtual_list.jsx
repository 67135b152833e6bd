// A list of rows of one height of which only those in sight are in the page. Rows that come in above
// what the reader looks at do not move it.
import { useLayoutEffect, useRef, useState } from "preact/hooks";

const BEYOND = 3; // rows drawn above and below what is in sight
const NEAR_END = 30; // rows

function inSight(top, height, rowHeight, count) {
    const from = Math.max(0, Math.floor(top / rowHeight) - BEYOND);
    const to = Math.min(count, Math.ceil((top + height) / rowHeight) + BEYOND);
    return { from: Math.min(from, count), to };
}

/** `indexOf(item)` finds the row in which an item of before stands now. `pinned` is the index of a row
 *  that stays in the page wherever one scrolls: the one with the focus. The sizes come from events alone:
 *  to ask for them after a change makes the browser lay out at once. */
export function VirtualList(props) {
    const { items, rev, rowHeight, renderRow, indexOf, pinned, onNearEnd, onScrolled, label, listRef } =
        props;
    const ref = useRef(null);
    const anchor = useRef(null);
    const [view, setView] = useState({ top: props.startAt ?? 0, height: 0 });
    const { from, to } = inSight(view.top, view.height, rowHeight, items.length);

    useLayoutEffect(() => {
        const box = ref.current;
        const observer = new ResizeObserver(([entry]) => {
            const height = Math.round(entry.contentRect.height);
            setView((before) => ({ ...before, height }));
        });
        observer.observe(box);
        if (props.startAt > 0) {
            box.scrollTop = props.startAt;
        }
        return () => observer.disconnect();
    }, []);

    // Keeps the first row in sight where it is when others came in above it, or went.
    useLayoutEffect(() => {
        const held = anchor.current;
        if (held !== null && view.top > rowHeight / 2) {
            const index = indexOf(held.item);
            if (index >= 0 && index !== held.index) {
                ref.current.scrollTop = view.top + (index - held.index) * rowHeight;
            }
        }
        hold(view.top);
    }, [rev]);

    useLayoutEffect(() => {
        if (view.height > 0 && to > items.length - NEAR_END) {
            onNearEnd?.();
        }
    }, [to, rev, view.height]);

    function hold(top) {
        const index = Math.floor(top / rowHeight);
        const item = items[index];
        anchor.current = item === undefined ? null : { item, index };
    }

    function onScroll(event) {
        const { scrollTop } = event.currentTarget; // the list itself may be gone by now
        setView((before) => ({ ...before, top: scrollTop }));
        onScrolled?.(scrollTop);
        hold(scrollTop);
    }

    const rows = [];
    for (let i = from; i < to; i++) {
        rows.push(i);
    }
    if (pinned >= 0 && pinned < items.length && (pinned < from || pinned >= to)) {
        rows.push(pinned);
    }
    return (
        <div
            class="virtual"
            ref={(node) => {
                ref.current = node;
                listRef?.(node);
            }}
            onScroll={onScroll}
        >
            <ul class="virtual-rows" aria-label={label} style={{ height: `${items.length * rowHeight}px` }}>
                {rows.map((i) => (
                    <li
                        key={items[i].id}
                        class="virtual-row"
                        aria-setsize={items.length}
                        aria-posinset={i + 1}
                        style={{ transform: `translateY(${i * rowHeight}px)`, height: `${rowHeight}px` }}
                    >
                        {renderRow(items[i], i)}
                    </li>
                ))}
            </ul>
        </div>
    );
}
