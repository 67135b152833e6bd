// Draws the tree of lib/markdown.js.
import { createElement } from "preact";
import { useMemo } from "preact/hooks";
import { markdown } from "../lib/markdown.js";
import { taskHref } from "../lib/router.js";

function draw(node, key) {
    if (typeof node === "string") {
        return node;
    }
    if (node.tag === "task") {
        return (
            <a key={key} class="mono" href={taskHref(node.props.id)}>
                {node.props.id}
            </a>
        );
    }
    return createElement(node.tag, { ...node.props, key }, node.children.map(draw));
}

/** `level`: of the heading under which it stands. */
export function Markdown({ text, level = 2 }) {
    const tree = useMemo(() => markdown(text, level), [text, level]);
    return <div class="prose">{tree.map(draw)}</div>;
}
