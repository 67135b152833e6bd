// Server-sent events, as WHATWG HTML 9.2.6 has them, from pieces of text that end anywhere.

/** Returns `push(text)`, which gives the messages that are whole: `{event, id, data}`. A message
 *  without data only carries an `id`: the place from which the stream goes on. */
export function sseParser() {
    let rest = "";
    let message = { event: "message", id: undefined, data: undefined };

    function take(line, done) {
        if (line === "") {
            if (message.data !== undefined || message.id !== undefined) {
                done.push(message);
            }
            message = { event: "message", id: undefined, data: undefined };
            return;
        }
        const colon = line.indexOf(":");
        if (colon === 0) {
            return;
        }
        const name = colon < 0 ? line : line.slice(0, colon);
        let value = colon < 0 ? "" : line.slice(colon + 1);
        value = value.startsWith(" ") ? value.slice(1) : value;
        if (name === "data") {
            message.data = message.data === undefined ? value : `${message.data}\n${value}`;
        } else if (name === "id" || name === "event") {
            message[name] = value;
        }
    }

    return function push(text) {
        const done = [];
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        for (const line of lines) {
            take(line.endsWith("\r") ? line.slice(0, -1) : line, done);
        }
        return done;
    };
}
