// What the server has to say when it leads here, by the address. It is said once: the address then forgets it.
import { address, navigate, query } from "../lib/router.js";
import { say } from "../store/toasts.js";

export function startNotice() {
    if (query.peek().get("link") === "used") {
        say("That link was used already, or is too old. You are logged in as before.");
        navigate(address.peek().path, { replace: true });
    }
}
