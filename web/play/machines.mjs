// Twenty machines, as a fleet has them.

const kinds = [
    { role: "infra", count: 2, names: (n) => `infra-${n}`, services: [{ name: "gateway", port: 8443, healthPath: "/health" }, { name: "mirror", port: 8081 }] },
    { role: "lieutenant", count: 3, names: (n) => `lead-${n}`, services: [{ name: "planner", port: 7000, healthPath: "/ready" }] },
    { role: "golden", count: 1, names: (n) => `golden-${n}`, services: [] },
    { role: "custom", count: 1, names: () => "gpu-1", services: [{ name: "inference", port: 9000 }] },
    { role: "worker", count: 13, names: (n) => `worker-${String(n).padStart(2, "0")}`, services: [{ name: "runner", port: 5000, healthPath: "/health" }] },
];

export const machines = kinds.flatMap(({ role, count, names, services }, kind) =>
    Array.from({ length: count }, (_, index) => ({
        id: `vm-${names(index + 1)}`,
        name: names(index + 1),
        role,
        status: role === "golden" ? "stopped" : "running",
        address: `10.0.${kind}.${index + 10}`,
        services,
        registeredBy: "planner",
        metadata: { image: "debian-12", cores: role === "custom" ? 32 : 8 },
    })),
);

export const workers = machines.filter(({ role }) => role === "worker");

export async function register(client, { ttlSeconds = 300 } = {}) {
    for (const machine of machines) {
        await client.put(`/registry/vms/${machine.id}`, { ...machine, ttlSeconds });
    }
}

/** Signs of life of all but those named, every third of the time that they may be silent, until `signal` says stop. */
export async function keepAlive(client, { signal, pause, silent = [], ttlSeconds = 300 }) {
    while (!signal.aborted) {
        for (const machine of machines) {
            if (!silent.includes(machine.id)) {
                await client.post(`/registry/vms/${machine.id}/heartbeat`);
            }
        }
        await pause((ttlSeconds * 1000) / 3);
    }
}
