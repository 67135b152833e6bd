// The numbers of now, as the server counts them.
import { href } from "../lib/router.js";
import { count } from "../lib/time.js";
import { summary } from "../store/live.js";
import { Age } from "../ui/time.jsx";

function Tile({ name, to, bad, children }) {
    const value = <span class="tile-value">{children}</span>;
    return (
        <li class={bad ? "tile tile-bad" : "tile"}>
            <span class="tile-name">{name}</span>
            {to === undefined ? value : <a href={to}>{value}</a>}
        </li>
    );
}

export function Tiles() {
    const { ready, waiting, scheduled, claimed, deadLetters, oldestReadyAt } = summary.value;
    return (
        <ul class="tiles plain-list">
            <Tile name="Ready" to={href("/board", { is: "ready" })}>
                {count(ready)}
            </Tile>
            <Tile name="Oldest ready">
                {oldestReadyAt === undefined ? "–" : <Age ms={Date.parse(oldestReadyAt)} />}
            </Tile>
            <Tile name="Waiting for tasks" to={href("/board", { is: "waiting" })}>
                {count(waiting)}
            </Tile>
            <Tile name="Scheduled">{count(scheduled)}</Tile>
            <Tile name="Claimed">{count(claimed)}</Tile>
            <Tile name="Dead letters" to={href("/board", { is: "dead" })} bad={deadLetters > 0}>
                {count(deadLetters)}
            </Tile>
        </ul>
    );
}

const spans = [
    ["1m", "last minute"],
    ["5m", "last 5 minutes"],
    ["1h", "last hour"],
];

export function Rates() {
    const { rates } = summary.value;
    return (
        <div class="table-box" tabIndex={0} role="group" aria-label="Rates">
            <table class="table rates">
                <thead>
                    <tr>
                        <th scope="col">In the</th>
                        <th scope="col">Created</th>
                        <th scope="col">Claimed</th>
                        <th scope="col">Completed</th>
                        <th scope="col">Failed</th>
                    </tr>
                </thead>
                <tbody>
                    {spans.map(([key, text]) => (
                        <tr key={key}>
                            <th scope="row">{text}</th>
                            <td>{count(rates[key].created)}</td>
                            <td>{count(rates[key].claimed)}</td>
                            <td>{count(rates[key].completed)}</td>
                            <td>{count(rates[key].failed)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
