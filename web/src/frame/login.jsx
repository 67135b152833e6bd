// Shown when the session is over. The form goes to the server's own log-in, which sets the cookie and
// comes back to where one was.
export function Login() {
    return (
        <main class="login">
            <form method="post" action="/ui/login" class="login-card form">
                <h1>taskboard</h1>
                <p>Your session is over. Log in to go on where you were.</p>
                <input type="hidden" name="next" value={location.pathname + location.search} />
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
