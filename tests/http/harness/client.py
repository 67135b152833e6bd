"""A client as a fleet has them, on one kept-alive connection; every answer is held against the contract."""

import http.client
import json as jsonlib
from functools import lru_cache

from .tls import context_of, take_ticket
from .wait import PATIENCE_SECONDS, eventually, is_readable


@lru_cache(maxsize=None)
def contract():
    """The checker of docs/openapi.yaml."""
    from tools.openapi_check import OpenApi
    return OpenApi()


def connection_to(port, host="127.0.0.1", timeout=PATIENCE_SECONDS):
    """A connection of http.client that speaks TLS where the server does."""
    context = context_of(port)
    connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context) if context else \
        http.client.HTTPConnection(host, port, timeout=timeout)
    connection.connect()
    if context:
        take_ticket(connection.sock)
    return connection


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def json(self):
        return jsonlib.loads(self.body)

    @property
    def parsed(self):
        """The body as the contract's checker wants it: None when there is none."""
        content_type = self.headers["Content-Type"] or ""
        if not self.body:
            return None
        is_text = content_type.startswith("text/") and "Content-Encoding" not in self.headers
        return self.json if "json" in content_type else self.body.decode() if is_text else str(self.body)

    @property
    def etag(self):
        return self.headers["ETag"]

    @property
    def seq(self):
        """Events-Seq as a number."""
        return int(self.headers["Events-Seq"])

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Client:
    """`check=False` leaves the contract alone: for bodies of many megabytes, and for speed where that is the test."""

    def __init__(self, port, token=None, check=True, host="127.0.0.1"):
        self.port, self.token, self.check, self.host = port, token, check, host
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def _connected(self):
        """The kept connection, or a new one when the server has closed it meanwhile."""
        if self.connection and self.connection.sock:
            if not is_readable(self.connection.sock):
                return self.connection
        self.close()
        self.connection = connection_to(self.port, self.host)
        return self.connection

    def request(self, method, path, body=None, headers=None, check=None, documented=False):
        """`body`: bytes as they are, anything else as JSON. `documented`: the contract has to know the request too."""
        sent = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        if body is not None and not isinstance(body, bytes):
            body = jsonlib.dumps(body).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        connection = self._connected()
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            answer = Answer(response, response.read())
        except BaseException:
            self.close()
            raise
        if self.check if check is None else check:
            request = jsonlib.loads(body) if documented else None
            contract().validate(method, path, answer.status, answer.headers, answer.parsed, request)
        return answer

    # --- the verbs, each an Answer ---

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body, **options)

    def patch(self, task_id, fields, **options):
        return self.request("PATCH", f"/board/tasks/{task_id}", fields, **options)

    def delete(self, task_id, **options):
        return self.request("DELETE", f"/board/tasks/{task_id}", **options)

    def act(self, task_id, verb, body=None, **options):
        return self.post(f"/board/tasks/{task_id}/{verb}", body, **options)

    # --- what is expected to work, each the JSON ---

    def create(self, title="a task", createdBy="tester", **fields):
        answer = self.post("/board/tasks", {"title": title, "createdBy": createdBy, **fields}, documented=True)
        assert answer.status == 201, answer
        return answer.json

    def create_many(self, tasks, check=None):
        answer = self.post("/board/tasks", tasks, check=check, documented=True)
        assert answer.status == 201, answer
        assert answer.json["count"] == len(answer.json["tasks"]) == len(tasks)
        return answer.json["tasks"]

    def task(self, task_id):
        answer = self.get(f"/board/tasks/{task_id}")
        assert answer.status == 200, answer
        return answer.json

    def change(self, task_id, **fields):
        answer = self.patch(task_id, fields, documented=True)
        assert answer.status == 200, answer
        return answer.json

    def done(self, task_id, **fields):
        return self.change(task_id, status="done", **fields)

    def note(self, task_id, content="a note", author="tester", type="update"):
        answer = self.act(task_id, "notes", {"author": author, "content": content, "type": type})
        assert answer.status == 201, answer
        return answer.json

    def claim(self, agent="worker", headers=None, **fields):
        """The tasks that a claim gets."""
        answer = self.post("/board/claim", {"agent": agent, **fields}, headers=headers, documented=True)
        assert answer.status == 200, answer
        assert answer.json["count"] == len(answer.json["tasks"])
        return answer.json["tasks"]

    def claim_one(self, agent="worker", **fields):
        (task,) = self.claim(agent, **fields)
        return task

    def finish(self, task, verb, headers=None, **fields):
        """The answer to a verb of the holder, with the token of `task` as a claim showed it."""
        return self.act(task["id"], verb, {"claimToken": task["claim"]["token"], **fields}, headers=headers)

    def completed(self, task, **fields):
        answer = self.finish(task, "complete", **fields)
        assert answer.status == 200, answer
        return answer.json

    def list(self, query=""):
        answer = self.get(f"/board/tasks?{query}" if query else "/board/tasks")
        assert answer.status == 200, answer
        assert answer.json["count"] == len(answer.json["tasks"])
        return answer.json["tasks"]

    def ids(self, query=""):
        return [task["id"] for task in self.list(query)]

    def summary(self):
        answer = self.get("/board/summary")
        assert answer.status == 200, answer
        return answer.json

    def attempts(self, task_id):
        answer = self.get(f"/board/tasks/{task_id}/attempts")
        assert answer.status == 200, answer
        assert answer.json["count"] == len(answer.json["attempts"])
        return answer.json["attempts"]

    def why(self, task_id, query=""):
        answer = self.get(f"/board/tasks/{task_id}/why{query and '?' + query}")
        assert answer.status == 200, answer
        return answer.json

    def events(self, query=""):
        answer = self.get(f"/events?{query}" if query else "/events")
        assert answer.status == 200, answer
        assert answer.json["count"] == len(answer.json["events"])
        return answer.json["events"]

    def wait_for_trim(self, beyond):
        """Until the log begins later than there: it is cut once a second."""
        return eventually(lambda: (oldest := self.get("/events?limit=1", check=False).json["oldest"]) > beyond and oldest, "the log to be cut")

    def head_seq(self):
        return self.get("/events?limit=1").json["head"]
