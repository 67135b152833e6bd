// Shown when the session is over. The form goes to the server's own log-in, which sets the cookie and
// comes back; the page where one was is remembered for then.
import { useEffect } from "preact/hooks";

const KEY = "taskboard-return";

export function returnToWhereOneWas() {
    const to = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    if (to !== null && /^\/ui\/?$/.test(location.pathname)) {
        history.replaceState(null, "", to);
    }
}

export function Login() {
    useEffect(() => sessionStorage.setItem(KEY, location.pathname + location.search), []);
    return (
        <main class="login">
            <form method="post" action="/ui/login" class="login-card form">
                <h1>taskboard</h1>
                <p>Your session is over, or there was none. Log in to go on where you were.</p>
                <label class="field">
                    <span class="field-label">Token</span>
                    <input type="password" name="token" autocomplete="off" required autofocus />
                </label>
                <button class="button button-main">Log in</button>
                <p class="muted">
                    Or open a link that somebody with a token makes for you:
                    <code class="block">
                        curl -X POST {location.origin}/auth/magic-link -H "Authorization: Bearer $TOKEN"
                    </code>
                </p>
            </form>
        </main>
    );
}
