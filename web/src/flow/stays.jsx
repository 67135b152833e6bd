// How long tasks stay in each status: bars from the median to what nine of ten do not exceed.
import { duration } from "../lib/time.js";
import { Icon } from "../ui/icons.jsx";

const names = {
    ready: ["open", "Open, ready"],
    waiting: ["open", "Open, waiting"],
    in_progress: ["in_progress", "In progress"],
    in_review: ["in_review", "In review"],
    blocked: ["blocked", "Blocked"],
};

/** From a second to a month on a scale of powers: of what differs a thousandfold both are to be seen. */
function share(ms) {
    const seconds = Math.max(1, ms / 1000);
    return Math.min(100, (Math.log10(seconds) / Math.log10(30 * 86_400)) * 100);
}

function Row({ row }) {
    const [icon, text] = names[row.status];
    return (
        <tr>
            <th scope="row">
                <span class={`status status-${icon}`}>
                    <Icon name={icon} /> {text}
                </span>
            </th>
            <td>{row.count}</td>
            <td>{duration(row.median)}</td>
            <td>{duration(row.most)}</td>
            <td>{duration(row.longest)}</td>
            <td class="stay-cell" aria-hidden="true">
                <span class="stay-bar">
                    <span class={`stay-most status-${icon}`} style={{ width: `${share(row.most)}%` }} />
                    <span class={`stay-median status-${icon}`} style={{ width: `${share(row.median)}%` }} />
                </span>
            </td>
        </tr>
    );
}

export function Stays({ rows }) {
    return (
        <section class="panel">
            <h2>Time in status</h2>
            {rows.length === 0 ? (
                <p class="muted">No task has left a status within what was read of the log.</p>
            ) : (
                <div class="table-box" tabIndex={0} role="group" aria-label="Time in status">
                    <table class="table stays">
                        <thead>
                            <tr>
                                <th scope="col">Status</th>
                                <th scope="col">Times</th>
                                <th scope="col">Half within</th>
                                <th scope="col">9 of 10 within</th>
                                <th scope="col">Longest</th>
                                <td aria-hidden="true" />
                            </tr>
                        </thead>
                        <tbody>
                            {rows.map((row) => (
                                <Row key={row.status} row={row} />
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </section>
    );
}
