// A taskboardd of the test's own: a free port on loopback, a data folder of its own, stopped by its own pid.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "../play/client.mjs";
import { eventually } from "./wait.mjs";

export const TOKEN = "a-token-only-for-tests";
const PROGRAM = process.env.TASKBOARDD ?? resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../../build/dev/bin/taskboardd");

/** The test's own environment without anything that the server would take for a setting. */
function cleanEnvironment() {
    const kept = Object.entries(process.env).filter(([name]) => !/^(PORT|VERS_AUTH_TOKEN|TASKBOARD_.*)$/.test(name));
    return { ...Object.fromEntries(kept), VERS_AUTH_TOKEN: TOKEN };
}

export class Server {
    port = 0;
    #runs = 0;
    #process = null;
    #folder = mkdtempSync(join(tmpdir(), "taskboard-web-"));

    get url() {
        return `http://127.0.0.1:${this.port}`;
    }

    get client() {
        return new Client(this.url, TOKEN);
    }

    get log() {
        return readFileSync(this.#logPath, "utf8");
    }

    get #logPath() {
        return join(this.#folder, `log.${this.#runs}`);
    }

    get #isUp() {
        return this.#process !== null && this.#process.exitCode === null && this.#process.signalCode === null;
    }

    /** A second start is at the port of the first. */
    async start(...flags) {
        this.#runs++;
        const log = openSync(this.#logPath, "w");
        const settings = ["--host", "127.0.0.1", "--port", String(this.port), "--data", join(this.#folder, "data")];
        this.#process = spawn(PROGRAM, [...settings, ...flags], { env: cleanEnvironment(), stdio: ["ignore", log, log] });
        closeSync(log);
        const failed = once(this.#process, "error").then(([error]) => Promise.reject(error));
        await Promise.race([failed, eventually(() => !this.#isUp || /listening on \S+:\d+/.test(this.log), "the server to listen")]);
        failed.catch(() => {});
        if (!this.#isUp) {
            throw new Error(`the server ended instead of listening:\n${this.log}`);
        }
        this.port = Number(/listening on \S+:(\d+)/.exec(this.log)[1]);
        return this;
    }

    /** kill -9 */
    async kill() {
        const ended = once(this.#process, "exit");
        this.#process.kill("SIGKILL");
        await ended;
    }

    /** Asks it to end, and expects it to end well. */
    async stop() {
        const ended = once(this.#process, "exit");
        this.#process.kill("SIGTERM");
        const [code] = await ended;
        if (code !== 0) {
            throw new Error(`the server ended with ${code}:\n${this.log.slice(-4000)}`);
        }
    }

    async close() {
        try {
            if (this.#isUp) {
                await this.stop();
            }
        } finally {
            if (this.#isUp) {
                await this.kill();
            }
            rmSync(this.#folder, { recursive: true, force: true });
        }
    }
}
