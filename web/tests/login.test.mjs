// Logging in and out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TOKEN } from "./server.mjs";
import { makeWorld } from "./world.mjs";

const world = makeWorld((client) => client.create({ title: "A task to be seen" }));

const board = (page) => page.getByRole("heading", { name: "Board", level: 1 });

async function paste(page, token) {
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Log in" }).click();
}

test("a magic link logs in, by itself, once", async (t) => {
    const { page, context } = await world.visit(t, { loggedIn: false });
    const { url } = await world.server.client.post("/auth/magic-link");
    await page.goto(url);
    await page.waitForURL("**/ui/");
    await board(page).waitFor();
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ["session", true, "Lax"]);
    assert.equal(await page.evaluate(() => document.cookie), "");

    const other = await world.visit(t, { loggedIn: false });
    await other.page.goto(url);
    await other.page.getByRole("alert").waitFor();
    other.forgive(/401 \(Unauthorized\)/);
});

test("a used link leads a browser that is logged in to the board, and says so", async (t) => {
    const { page } = await world.visit(t, { loggedIn: false });
    const { url } = await world.server.client.post("/auth/magic-link");
    await page.goto(url);
    await board(page).waitFor();
    await page.goto(url);
    await board(page).waitFor();
    await page.getByRole("status").filter({ hasText: "used already" }).waitFor();
    assert.equal(new URL(page.url()).search, "", "the notice is not for a bookmark");
    await page.getByRole("link", { name: "A task to be seen" }).waitFor();
});

test("a token can be pasted, and one gets where one wanted to go", async (t) => {
    const { page } = await world.visit(t, { loggedIn: false });
    await page.goto("/ui/board?q=seen");
    await page.waitForURL(/\/ui\/login\?next=/);
    await paste(page, TOKEN);
    await page.waitForURL(/\/ui\/board\?q=seen$/);
    await page.getByRole("link", { name: "A task to be seen" }).waitFor();
});

test("a wrong token says so and leaves the way open", async (t) => {
    const visitor = await world.visit(t, { loggedIn: false });
    const { page } = visitor;
    await page.goto("/ui/fleet");
    await paste(page, "wrong");
    await page.getByRole("alert").filter({ hasText: "not valid" }).waitFor();
    visitor.forgive(/401 \(Unauthorized\)/);
    assert.deepEqual(await visitor.violations(), []);
    await paste(page, TOKEN);
    await page.waitForURL("**/ui/fleet");
});

test("the login page is for everybody: by keyboard, in light and dark, on a phone", async (t) => {
    const visitor = await world.visit(t, { loggedIn: false });
    const { page } = visitor;
    for (const colorScheme of ["light", "dark"]) {
        for (const width of [1440, 390]) {
            await page.setViewportSize({ width, height: 800 });
            await page.emulateMedia({ colorScheme });
            await page.goto("/ui/login");
            assert.deepEqual(await visitor.violations(), [], `${colorScheme} ${width}`);
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} px are too narrow`);
        }
    }
    await page.keyboard.type(TOKEN);
    await page.keyboard.press("Enter");
    await board(page).waitFor();
});

test("logging out ends the session, also in another tab that is open", async (t) => {
    const visitor = await world.visit(t);
    const { page, context } = visitor;
    const second = await context.newPage();
    await Promise.all([page.goto("/ui/"), second.goto("/ui/")]);
    await second.locator(".live").filter({ hasText: "Live" }).waitFor();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.waitForURL("**/ui/login");
    assert.deepEqual(await context.cookies(), []);
    await second.getByLabel("Token").waitFor();
    await page.goto("/ui/");
    await page.waitForURL("**/ui/login");
    await paste(second, TOKEN);
    await board(second).waitFor();
    visitor.forgive(/401 \(Unauthorized\)/);
});

test("a session outlives a restart of the server", async (t) => {
    const visitor = await world.visit(t);
    await visitor.page.goto("/ui/");
    await board(visitor.page).waitFor();
    await world.server.stop();
    await world.server.start();
    await visitor.page.goto("/ui/");
    await board(visitor.page).waitFor();
    visitor.forgive(/503|ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE)/);
});
