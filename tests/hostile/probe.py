"""A worker that must not notice anything: asks /health on a connection of its own each time, and creates, claims and completes tasks on one that it
keeps, until its stdin is closed. Prints how long each answer took and what went wrong."""

import http.client
import json
import select
import sys
import time

PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.005


class Probe:
    def __init__(self, port, token):
        self.port, self.token = port, token
        self.kept = None
        self.took = {"health": [], "claims": []}
        self.failures = []

    def timed(self, kind, connection, *request):
        begun = time.monotonic()
        connection.request(*request)
        answer = connection.getresponse()
        body = answer.read()
        self.took[kind].append(time.monotonic() - begun)
        if answer.status >= 300:
            raise http.client.HTTPException(f"{request[0]} {request[1]}: {answer.status} {body[:200]!r}")
        return json.loads(body)

    def ask_health(self):
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        connection.connect()
        connecting = time.monotonic() - begun
        try:
            self.timed("health", connection, "GET", "/health")
            self.took["health"][-1] += connecting
        finally:
            connection.close()

    def post(self, path, body):
        if self.kept is None:
            self.kept = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        return self.timed("claims", self.kept, "POST", path, json.dumps(body), {"Authorization": f"Bearer {self.token}"})

    def work(self):
        created = self.post("/board/tasks", {"title": "probe", "createdBy": "probe", "tags": ["probe"]})
        got = self.post("/board/claim", {"agent": "probe", "tags": ["probe"]})["tasks"]
        if [task["id"] for task in got] != [created["id"]]:
            raise http.client.HTTPException(f"claimed {got}, not {created['id']}")
        self.post(f"/board/tasks/{created['id']}/complete", {"claimToken": got[0]["claim"]["token"]})

    def run(self):
        while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
            for step in (self.ask_health, self.work):
                try:
                    step()
                except (OSError, http.client.HTTPException) as error:
                    self.failures.append(f"{step.__name__}: {error}")
                    self.kept = None
                    if len(self.failures) >= 100:
                        return


def main(port, token):
    probe = Probe(int(port), token)
    print("ready", flush=True)
    probe.run()
    print(json.dumps({"took": probe.took, "failures": probe.failures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
