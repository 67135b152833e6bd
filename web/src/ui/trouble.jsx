// What went wrong, and what to do about it.
import { Icon } from "./icons.jsx";

function advice(error) {
    if (error.code === "unreachable") {
        return "Look whether the server runs and the network is up. What is shown is tried again by itself.";
    }
    if (error.status === 403) {
        return "Your token's role does not allow this. Log in with a token that may.";
    }
    if (error.status === 503 || error.status === 507) {
        const when = error.retryAfter === undefined ? "in a moment" : `in ${error.retryAfter} seconds`;
        return `The server cannot do this now. Try again ${when}; its log says more.`;
    }
    if (error.status >= 500) {
        return `The server's log has the reason under ${error.body?.requestId ?? "the request's id"}.`;
    }
    return null;
}

export function Trouble({ error, onRetry }) {
    const what = advice(error);
    return (
        <div class="trouble" role="alert">
            <Icon name="warning" />
            <div>
                <p>
                    <strong>{error.message}</strong>
                </p>
                {what !== null && <p>{what}</p>}
            </div>
            {onRetry !== undefined && (
                <button type="button" class="button" onClick={onRetry}>
                    Try again
                </button>
            )}
        </div>
    );
}
