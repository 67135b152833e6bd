"""Holds the server against docs/openapi.yaml.

    api = OpenApi()
    api.compare_routes(["GET /health", …])            -> list of differences
    api.validate("GET", "/board/tasks?limit=1", 200, headers, body)   raises Drift

As a program it runs another one that prints `METHOD /path` lines and fails when they are not the document's:

    tests/tools/openapi_check.py build/dev/tests/print_routes
"""

import pathlib
import re
import subprocess
import sys
import urllib.parse

import jsonschema
import yaml

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# Of an array longer than twice this only both ends are checked.
ITEMS_CHECKED_AT_EACH_END = 50

# Headers that say something about the board: an answer may carry them only where the document says so.
SPEAKING_HEADERS = ("etag", "events-seq", "link", "allow", "retry-after", "location", "www-authenticate")
SPEAKING_PREFIX = "taskboard-"

# What a request to a path or with a method that the document does not have may get, besides the 404 or 405.
REFUSALS_EVERYWHERE = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    413: "TooLarge",
    429: "TooManyRequests",
    500: "ServerError",
    503: "Unavailable",
}


class Drift(AssertionError):
    """The server and the document disagree."""


def _load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class OpenApi:
    def __init__(self, path=DOCUMENT):
        self.document = _load(path)
        self._inlined = {}
        self._validators = {}
        self._paths = []
        for template, item in self.document["paths"].items():
            # A parameter is one segment, but `{path}` is all that is left.
            named = re.escape(template).replace(r"\{path\}", ".*")
            pattern = re.compile(re.sub(r"\\\{[^}]+\\\}", "[^/]+", named) + r"\Z")
            self._paths.append((template, pattern, item))
        # Concrete paths come before templated ones.
        self._paths.sort(key=lambda entry: entry[0].count("{"))

    # --- the document ---

    def lookup(self, pointer):
        """What `#/a/b` points at."""
        node = self.document
        for part in pointer.removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def resolve(self, node):
        """The node itself, or what it refers to."""
        while isinstance(node, dict) and "$ref" in node:
            node = self.lookup(node["$ref"])
        return node

    def inline(self, node):
        """A schema with every $ref replaced by what it refers to. Schemas here do not refer to themselves."""
        if isinstance(node, list):
            return [self.inline(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" not in node:
            return {key: self.inline(value) for key, value in node.items()}
        pointer = node["$ref"]
        if pointer not in self._inlined:
            self._inlined[pointer] = self.inline(self.lookup(pointer))
        siblings = {key: value for key, value in node.items() if key not in ("$ref", "description")}
        if not siblings:
            return self._inlined[pointer]
        return {"allOf": [self._inlined[pointer], self.inline(siblings)]}

    def routes(self):
        """The set of (METHOD, path template)."""
        return {
            (method.upper(), template)
            for template, item in self.document["paths"].items()
            for method in item
            if method in METHODS
        }

    def operation(self, method, path):
        """(template, operation) of a request's path; None for what the document does not have."""
        for template, pattern, item in self._paths:
            if pattern.match(path):
                method = "get" if method == "HEAD" and "head" not in item else method.lower()
                return template, item.get(method)
        return None, None

    # --- routes ---

    def compare_routes(self, lines):
        """Differences between `METHOD /path/:param` lines and the document, as sentences. A folder's `/*` is documented as `/{path}`."""
        served = set()
        for line in lines:
            if not line.strip():
                continue
            method, path = line.split()[:2]
            served.add((method.upper(), re.sub(r":([A-Za-z]+)", r"{\1}", re.sub(r"\*$", "{path}", path))))
        if not served:
            return ["the route table is empty"]
        served = {route for route in served if route[0] != "HEAD" or ("GET", route[1]) not in served}
        documented = self.routes()
        return [f"served but not documented: {m} {p}" for m, p in sorted(served - documented)] + [
            f"documented but not served: {m} {p}" for m, p in sorted(documented - served)
        ]

    # --- answers ---

    def validate(self, method, target, status, headers, body=None, request=None):
        """Raises Drift unless the document allows this answer.

        target   the request's path, with its query string if there was one
        headers  a mapping or pairs; names in any case
        body     the parsed JSON; None when there was no body
        request  the parsed JSON that was sent, to hold a successful request against its schema too
        """
        problems = self.problems(method, target, status, headers, body, request)
        if problems:
            raise Drift(f"{method} {target} -> {status}: " + "; ".join(problems))

    def problems(self, method, target, status, headers, body=None, request=None):
        """The same as a list of sentences; empty when all is well."""
        path, _, query = target.partition("?")
        headers = {name.lower(): value for name, value in (headers.items() if hasattr(headers, "items") else headers)}
        response = self._response(method, path, status)
        if response is None:
            return ["the document does not have this answer"]
        problems = self._header_problems(response, headers)
        problems += self._body_problems(method, response, headers, body, query)
        if request is not None and status < 300 and "taskboard-ignored-fields" not in headers:
            problems += self._request_problems(method, path, request)
        return problems

    def _response(self, method, path, status):
        template, operation = self.operation(method, path)
        if operation is None:
            components = self.document["components"]["responses"]
            name = "NotFound" if template is None else "MethodNotAllowed"
            if status == (404 if template is None else 405):
                return components[name]
            return components.get(REFUSALS_EVERYWHERE.get(status))
        responses = operation["responses"]
        for key in (str(status), f"{str(status)[0]}XX", "default"):
            if key in responses:
                return self.resolve(responses[key])
        return None

    def _header_problems(self, response, headers):
        problems = []
        documented = {name.lower(): self.resolve(header) for name, header in response.get("headers", {}).items()}
        for name, header in documented.items():
            if name not in headers:
                if header.get("required"):
                    problems.append(f"header {name} is missing")
                continue
            for error in self._validator(header["schema"]).iter_errors(headers[name]):
                problems.append(f"header {name}: {error.message}")
        for name in headers:
            if name not in documented and (name in SPEAKING_HEADERS or name.startswith(SPEAKING_PREFIX)):
                problems.append(f"header {name} is not documented here")
        return problems

    def _body_problems(self, method, response, headers, body, query):
        content = response.get("content")
        if content is None:
            return [] if body is None else ["there must be no body"]
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in content:
            return [f"content type {media_type!r} is not one of {sorted(content)}"]
        if method == "HEAD":
            return [] if body is None else ["an answer to HEAD has no body"]
        if body is None:
            return ["there is no body"]
        schema = self._schema_for_query(content[media_type]["schema"], query)
        errors = self._validator(schema).iter_errors(self._shortened(body))
        return [self._sentence(error) for error in errors] + self._count_problems(body)

    def _request_problems(self, method, path, request):
        _, operation = self.operation(method, path)
        if operation is None or "requestBody" not in operation:
            return [f"the document knows of no body for {method}"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return ["request: " + self._sentence(error) for error in self._validator(schema).iter_errors(request)]

    def _schema_for_query(self, schema, query):
        """Lists say in x-items-by-query which schema their items have when a query parameter is given."""
        target = self.resolve(schema)
        choices = target.get("x-items-by-query") if isinstance(target, dict) else None
        if not choices:
            return schema
        sent = dict(urllib.parse.parse_qsl(query))
        chosen = choices["otherwise"]
        for parameter, items in choices.items():
            name, _, value = parameter.partition("=")
            if name in sent and value in ("", sent[name]):
                chosen = items
                break
        exact = dict(target)
        exact["properties"] = dict(target["properties"])
        list_name = choices["list"]
        exact["properties"][list_name] = {
            **target["properties"][list_name],
            "items": {"$ref": f"#/components/schemas/{chosen}"},
        }
        return exact

    def _validator(self, schema):
        key = repr(schema)
        if key not in self._validators:
            inlined = self.inline(schema)
            jsonschema.Draft202012Validator.check_schema(inlined)
            self._validators[key] = jsonschema.Draft202012Validator(inlined)
        return self._validators[key]

    @staticmethod
    def _shortened(body):
        def shorten(value):
            end = ITEMS_CHECKED_AT_EACH_END
            return value[:end] + value[-end:] if isinstance(value, list) and len(value) > 2 * end else value

        if isinstance(body, dict):
            return {name: shorten(value) for name, value in body.items()}
        return shorten(body)

    @staticmethod
    def _count_problems(body):
        if not isinstance(body, dict) or "count" not in body:
            return []
        lists = [value for value in body.values() if isinstance(value, list)]
        if len(lists) == 1 and body["count"] != len(lists[0]):
            return [f"count is {body['count']} for {len(lists[0])} items"]
        return []

    @staticmethod
    def _sentence(error):
        # The innermost cause says more than "is not valid under any of the given schemas".
        best = jsonschema.exceptions.best_match([error]) or error
        where = "/".join(str(part) for part in best.absolute_path)
        message = best.message if len(best.message) < 300 else best.message[:300] + "…"
        return f"/{where}: {message}"


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    printed = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True).stdout
    differences = OpenApi().compare_routes(printed.splitlines())
    for difference in differences:
        print(difference)
    print(f"{len(differences)} differences between the route table and docs/openapi.yaml")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
