// A page that is fetched when somebody goes there first.
import { useEffect, useState } from "preact/hooks";
import { Trouble } from "./trouble.jsx";

export function lazy(load) {
    let page = null;
    return function Lazy(props) {
        const [, redraw] = useState(0);
        const [failed, setFailed] = useState(false);
        useEffect(() => {
            if (page === null) {
                load().then(
                    (loaded) => {
                        page = loaded;
                        redraw(1);
                    },
                    () => setFailed(true),
                );
            }
        }, []);
        if (failed) {
            const error = {
                message: "A part of the dashboard could not be loaded.",
                status: 0,
                code: "unreachable",
            };
            return <Trouble error={error} onRetry={() => location.reload()} />;
        }
        const Page = page;
        return Page === null ? <p class="muted">Loading…</p> : <Page {...props} />;
    };
}
