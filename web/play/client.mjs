// A client of the board: one method a verb, each the JSON of the answer.

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

    async request(method, path, body) {
        const response = await fetch(this.url + path, {
            method,
            headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
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
