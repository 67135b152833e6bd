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

export function Markdown({ text }) {
    const tree = useMemo(() => markdown(text), [text]);
    return <div class="prose">{tree.map(draw)}</div>;
}
