// JSON for people: indented, and folded away when it is long.
import { count } from "../lib/time.js";

const SHOWN_MAX = 1200;

export function Json({ value, label }) {
    const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
    const code = (
        <pre class="json" tabIndex={0} aria-label={label}>
            <code>{text}</code>
        </pre>
    );
    if (text.length <= SHOWN_MAX) {
        return code;
    }
    return (
        <details>
            <summary>
                {label}, {count(text.length)} characters
            </summary>
            {code}
        </details>
    );
}
