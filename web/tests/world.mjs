// What a file of tests has: a server, a browser, and visitors, each of whom must leave without trouble.
import { after, before } from "node:test";
import { launch, Visitor } from "./browser.mjs";
import { Server } from "./server.mjs";

/** `set(client)` prepares the board. In tests: `world.server`, and `await world.visit(t)` for a visitor that is logged in; with `flags`
 *  to a server of the visitor's own, which ends after the visit. */
export function makeWorld(set = async () => {}) {
    const world = {
        server: null,
        browser: null,
        async visit(t, { loggedIn = true, flags, ...options } = {}) {
            const server = flags === undefined ? world.server : await new Server().start(...flags);
            const visitor = await Visitor.open(world.browser, server, options);
            t.after(async () => {
                try {
                    await visitor.leave();
                } finally {
                    await (flags === undefined ? null : server.close());
                }
            });
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
