// A client of the board: one method a verb, each the JSON of the answer.
import { randomUUID } from "node:crypto";

const CLOSED = ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"];

export class Refusal extends Error {
    constructor(method, path, status, body) {
        super(`${method} ${path} -> ${status}: ${body.error ?? "?"}`);
        this.status = status;
        this.code = body.code;
    }
}

export class Client {
    constructor(url, token) {
        this.url = url.replace(/\/+$/, "");
        this.token = token;
    }

    /** A connection on which nothing is sent for ten seconds is closed by the server, which a process that had no time finds out by its
     *  next request on it: that is sent once more. A key makes it harmless; arrays of tasks have none, since their whole answers would
     *  be kept, and a few tasks more do no harm. */
    async #send(method, path, body) {
        const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" };
        if (method === "POST" && !Array.isArray(body)) {
            headers["Idempotency-Key"] = randomUUID();
        }
        const options = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
        try {
            return await fetch(this.url + path, options);
        } catch (error) {
            if (CLOSED.includes(error.cause?.code)) {
                return fetch(this.url + path, options);
            }
            throw error;
        }
    }

    async request(method, path, body) {
        const response = await this.#send(method, path, body);
        const text = await response.text();
        const answer = text === "" ? {} : JSON.parse(text);
        if (!response.ok) {
            throw new Refusal(method, path, response.status, answer);
        }
        return answer;
    }

    get = (path) => this.request("GET", path);
    post = (path, body = {}) => this.request("POST", path, body);
    put = (path, body) => this.request("PUT", path, body);
    act = (task, verb, body) => this.post(`/board/tasks/${task.id}/${verb}`, body);
    patch = (task, fields, query = "") => this.request("PATCH", `/board/tasks/${task.id}${query}`, fields);

    async create(task) {
        return this.post("/board/tasks", { createdBy: "planner", ...task });
    }

    async createMany(tasks) {
        const { tasks: created } = await this.post("/board/tasks", tasks);
        return created;
    }

    /** The task, claimed by that agent, with the claim's token. */
    async claim(task, agent, vmId) {
        return this.act(task, "claim", { agent, vmId });
    }

    /** A verb of the holder, for a task as its claim gave it. */
    async finish(task, verb, fields = {}) {
        return this.act(task, verb, { claimToken: task.claim.token, ...fields });
    }
}
