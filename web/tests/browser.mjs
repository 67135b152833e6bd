// Debian's Chromium, driven over its own protocol; its profile is a new folder each time.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { PATIENCE_MS } from "./wait.mjs";
import { TOKEN } from "./server.mjs";

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--font-render-hinting=none"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const isThere = existsSync(CHROMIUM);

export function launch(...flags) {
    return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...FLAGS, ...flags] });
}

/** A browser that nobody has logged in, in a profile of its own. `trouble` gathers what no page may do; what a test expects of it
 *  is taken out by `forgive(pattern)`. */
export class Visitor {
    trouble = [];

    static async open(browser, server, options = {}) {
        const visitor = new Visitor();
        visitor.server = server;
        visitor.context = await browser.newContext({ baseURL: server.url, locale: "en-GB", viewport: { width: 1440, height: 900 }, ...options });
        visitor.context.setDefaultTimeout(PATIENCE_MS);
        visitor.page = await visitor.context.newPage();
        visitor.#watch(visitor.page);
        return visitor;
    }

    #watch(page) {
        page.on("console", (message) => {
            if (["error", "warning"].includes(message.type())) {
                this.trouble.push(`${message.type()} in the console: ${message.text()} (${message.location().url})`);
            }
        });
        page.on("pageerror", (error) => this.trouble.push(`error in a script: ${error.stack}`));
        page.on("request", (request) => {
            if (!request.url().startsWith(this.server.url) && !request.url().startsWith("data:")) {
                this.trouble.push(`request to somebody else: ${request.url()}`);
            }
        });
        page.on("response", (response) => {
            const policy = response.headers()["content-security-policy"];
            if (response.headers()["content-type"]?.startsWith("text/html") && policy !== POLICY) {
                this.trouble.push(`the policy of ${response.url()} is ${policy}`);
            }
        });
    }

    /** Logs in as the login page does. */
    async logIn(token = TOKEN) {
        const answer = await this.context.request.post("/ui/login", { form: { token }, maxRedirects: 0 });
        assert.equal(answer.status(), 303);
    }

    forgive(pattern) {
        this.trouble = this.trouble.filter((text) => !pattern.test(text));
    }

    /** Ends the visit; nothing unexpected may have happened. */
    async leave() {
        await this.context.close();
        assert.deepEqual(this.trouble, []);
    }

    /** What a screen reader, a keyboard or a weak eye would stumble over, as axe-core sees it. */
    async violations() {
        if (!(await this.page.evaluate(() => "axe" in globalThis))) {
            await this.page.evaluate(AXE);
        }
        const options = { resultTypes: ["violations"], preload: false, iframes: false };
        const { violations } = await this.page.evaluate((how) => globalThis.axe.run(document, how), options);
        return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`).join("; ")}`);
    }
}

/** To the letter: a page that needs more than this is wrong. */
export const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'";
