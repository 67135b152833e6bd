// What a file of tests has: a server, a browser, and visitors, each of whom must leave without trouble.
import { after, before } from "node:test";
import { launch, Visitor } from "./browser.mjs";
import { Server } from "./server.mjs";

/** `set(server)` prepares the board. In tests: `world.server`, and `await world.visit(t)` for a visitor that is logged in. */
export function makeWorld(set = async () => {}) {
    const world = {
        server: null,
        browser: null,
        async visit(t, { loggedIn = true, server = world.server, ...options } = {}) {
            const visitor = await Visitor.open(world.browser, server, options);
            t.after(() => visitor.leave());
            if (loggedIn) {
                await visitor.logIn();
            }
            return visitor;
        },
    };
    before(async () => {
        [world.server, world.browser] = await Promise.all([new Server().start(), launch()]);
        Object.assign(world, await set(world.server.client));
    });
    after(async () => {
        await world.browser?.close();
        await world.server?.close();
    });
    return world;
}
