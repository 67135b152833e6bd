// Search and filters. They live in the URL alone, so that a link shows what its sender saw.
import { useEffect, useRef, useState } from "preact/hooks";
import { filterOf, isFiltered, noFilter, queryOfFilter } from "../lib/filter.js";
import { href, navigate, query } from "../lib/router.js";
import { summary } from "../store/live.js";
import { Icon } from "../ui/icons.jsx";

const TYPING_MS = 300;

export function setFilter(changes, { replace = false } = {}) {
    const next = { ...filterOf(query.peek()), ...changes };
    navigate(href("/board", queryOfFilter(next)), { replace });
}

function Search({ q }) {
    const ref = useRef(null);
    const timer = useRef(0);
    // What the URL says is shown, but never while somebody types.
    useEffect(() => {
        if (ref.current !== document.activeElement) {
            ref.current.value = q;
        }
    }, [q]);
    function later(event) {
        clearTimeout(timer.current);
        const text = event.target.value.trim();
        timer.current = setTimeout(() => setFilter({ q: text }, { replace: true }), TYPING_MS);
    }
    return (
        <label class="search">
            <Icon name="search" />
            <span class="visually-hidden">Search titles and descriptions for words</span>
            <input
                ref={ref}
                type="search"
                id="search"
                placeholder="Search words…"
                defaultValue={q}
                onInput={later}
            />
        </label>
    );
}

/** A text field that filters when Enter is pressed or a known name was chosen. */
function NameFilter({ label, value, names, onChoose }) {
    const [text, setText] = useState(value);
    const id = `names-${label.toLowerCase().replaceAll(" ", "-")}`;
    useEffect(() => setText(value), [value]);
    // What was chosen comes back as the value, or as a chip beside it: the text is used up.
    function choose(next) {
        setText(value);
        onChoose(next.trim());
    }
    return (
        <form
            class="name-filter"
            onSubmit={(event) => {
                event.preventDefault();
                choose(text);
            }}
        >
            <input
                aria-label={label}
                placeholder={label}
                list={id}
                value={text}
                class={value === "" ? "" : "in-use"}
                onInput={(event) => {
                    setText(event.target.value);
                    // Browsers tell a choice from the list by an input event without a kind.
                    if (event.inputType === undefined || event.inputType === "insertReplacementText") {
                        choose(event.target.value);
                    }
                }}
                onBlur={() => text !== value && choose(text)}
            />
            <datalist id={id}>
                {names.map((name) => (
                    <option key={name} value={name} />
                ))}
            </datalist>
        </form>
    );
}

const kinds = [
    ["", "All tasks"],
    ["ready", "Ready"],
    ["waiting", "Waiting"],
    ["dead", "Dead letters"],
];

const sorts = [
    ["auto", "Usual order"],
    ["rank", "Claimed first"],
    ["created", "Newest first"],
    ["updated", "Changed last first"],
];

function Select({ label, value, options, onChoose }) {
    return (
        <select
            aria-label={label}
            value={value}
            class={value === options[0][0] ? "" : "in-use"}
            onChange={(event) => onChoose(event.target.value)}
        >
            {options.map(([name, text]) => (
                <option key={name} value={name} selected={name === value}>
                    {text}
                </option>
            ))}
        </select>
    );
}

function TagChip({ tag, tags }) {
    return (
        <button
            type="button"
            class="chip chip-remove"
            aria-label={`Take the tag ${tag} out of the filter`}
            onClick={() => setFilter({ tags: tags.filter((other) => other !== tag) })}
        >
            {tag} <Icon name="close" />
        </button>
    );
}

export function Toolbar({ filter }) {
    const known = summary.value;
    return (
        <search class="toolbar" aria-label="Filters">
            <Search q={filter.q} />
            <NameFilter
                label="Tag"
                value=""
                names={Object.keys(known.byTag)}
                onChoose={(tag) => tag !== "" && setFilter({ tags: [...new Set([...filter.tags, tag])] })}
            />
            {filter.tags.map((tag) => (
                <TagChip key={tag} tag={tag} tags={filter.tags} />
            ))}
            <NameFilter
                label="Assignee"
                value={filter.assignee}
                names={Object.keys(known.byAssignee)}
                onChoose={(assignee) => setFilter({ assignee })}
            />
            <NameFilter
                label="Created by"
                value={filter.createdBy}
                names={[]}
                onChoose={(createdBy) => setFilter({ createdBy })}
            />
            <Select
                label="Which tasks"
                value={filter.is}
                options={kinds}
                onChoose={(is) => setFilter({ is })}
            />
            <Select
                label="Order"
                value={filter.sort}
                options={sorts}
                onChoose={(sort) => setFilter({ sort })}
            />
            {isFiltered(filter) && (
                <button
                    type="button"
                    class="button-quiet"
                    onClick={() => setFilter({ ...noFilter, sort: filter.sort })}
                >
                    <Icon name="close" /> Clear
                </button>
            )}
        </search>
    );
}
