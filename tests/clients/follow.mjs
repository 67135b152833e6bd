// Follows a stream with a client from npm and prints one line of JSON for each thing that happens.
//
//   node follow.mjs eventsource URL     a browser's EventSource
//   node follow.mjs fetch URL           the same on top of fetch, which asks for gzip by itself
//   node follow.mjs ws URL [MESSAGE…]   a WebSocket; sends these when it is open
//
// The bearer token is in TOKEN. It follows until its stdin is closed.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [kind, url, ...messages] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${process.env.TOKEN}` };
const say = (what, more = {}) => console.log(JSON.stringify({ what, ...more }));

function openOnFetch() {
  const { EventSource } = require("eventsource-on-fetch");
  return new EventSource(url, {
    fetch: async (input, init) => {
      const answer = await fetch(input, { ...init, headers: { ...init.headers, ...headers } });
      say("answer", { encoding: answer.headers.get("content-encoding") });
      return answer;
    },
  });
}

function openPlain() {
  const EventSource = require("eventsource");
  return new EventSource(url, { headers });
}

function followEventSource(source) {
  source.onopen = () => say("open");
  source.onerror = (error) => say("error", { status: error.status });
  source.onmessage = (event) => say("message", { id: event.lastEventId, data: JSON.parse(event.data) });
  source.addEventListener("reset", (event) => say("reset", { id: event.lastEventId, data: JSON.parse(event.data) }));
  return () => source.close();
}

function followWebSocket() {
  const WebSocket = require("ws");
  const socket = new WebSocket(url, { headers });
  socket.on("open", () => {
    say("open");
    messages.forEach((message) => socket.send(message));
  });
  socket.on("message", (data, isBinary) => say("message", { isBinary, data: JSON.parse(data) }));
  socket.on("ping", () => say("ping"));
  socket.on("close", (code, reason) => say("close", { code, reason: reason.toString() }));
  socket.on("error", (error) => say("error", { error: error.message }));
  return () => socket.close(1000, "enough");
}

const close =
  kind === "ws" ? followWebSocket() : followEventSource(kind === "fetch" ? openOnFetch() : openPlain());
process.stdin.on("end", () => {
  close();
  setTimeout(() => process.exit(0), 500);
});
process.stdin.resume();
