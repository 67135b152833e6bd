// A command to copy.
import { useState } from "preact/hooks";
import { Icon } from "./icons.jsx";

const SAID_MS = 2000;

/** The clipboard is closed to pages that came without TLS; then the text is selected instead. */
async function copy(text, node) {
    try {
        await navigator.clipboard.writeText(text);
        return "Copied";
    } catch {
        getSelection().selectAllChildren(node);
        return "Selected";
    }
}

export function Command({ text }) {
    const [said, setSaid] = useState(null);
    async function onClick(event) {
        const node = event.currentTarget.parentElement.querySelector("code");
        setSaid(await copy(text, node));
        setTimeout(() => setSaid(null), SAID_MS);
    }
    return (
        <div class="command">
            <pre tabIndex={0}>
                <code>{text}</code>
            </pre>
            <button type="button" class="button" onClick={onClick}>
                <Icon name="copy" /> <span role="status">{said ?? "Copy"}</span>
            </button>
        </div>
    );
}
