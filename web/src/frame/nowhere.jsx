import { href } from "../lib/router.js";

export function Nowhere() {
    return (
        <div class="empty">
            <h1>There is no such page</h1>
            <p>
                Perhaps the address was cut off. <a href={href("/board")}>Go to the board</a>.
            </p>
        </div>
    );
}
