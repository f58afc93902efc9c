"""A stand-in for the Hugging Face hub's HTTP API on loopback: as much of it as the real client asks when it publishes
and fetches, kept in memory, with failures on demand."""

import base64
import hashlib
import json
import math
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from huggingface_hub import ModelCard

TOKENS = {"hf_writer": True, "hf_reader": False}  # whether it may write
LARGE = 4096  # bytes from which a file is sent on its own, as by git-lfs


@dataclass
class Repo:
    """Its commits, oldest first: each a hash and the files by name."""

    private: bool
    kind: str
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1][1]

    def commit(self, files: dict[str, bytes], commit: str = "") -> str:
        content = f"{len(self.commits)} {sorted((name, _sha256(data)) for name, data in files.items())}"
        self.commits.append((commit or hashlib.sha1(content.encode()).hexdigest(), files))
        return self.commits[-1][0]


@dataclass
class Failure:
    """What happens to the next `times` requests whose "METHOD /path" matches: a status, or a cut connection.

    `cut` "request" breaks off after half of the request's body was read, "answer" after the request was done, "half"
    after half of the answer was sent.
    """

    request: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut: str = ""
    times: int = 1


class Hub:
    """The state of the hub, and the address that HF_ENDPOINT takes."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.large: dict[str, bytes] = {}
        self.failures: list[Failure] = []
        self.requests: list[str] = []
        self.lock = Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def add(
        self, name: str, files: dict[str, bytes], private: bool = True, kind: str = "model", commit: str = ""
    ) -> Repo:
        """Make a repository with one commit, of that name where one is given."""
        self.repos[name] = repo = Repo(private, kind)
        repo.commit(files, commit)
        return repo

    def sent(self, pattern: str) -> int:
        """Return how many requests matched."""
        return sum(bool(re.search(pattern, request)) for request in self.requests)


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """Run a hub while the block lasts."""
    hub = Hub()
    Thread(target=hub.server.serve_forever, args=[0.05], daemon=True).start()
    try:
        yield hub
    finally:
        hub.server.shutdown()
        hub.server.server_close()


def client_settings(hub: Hub, cache: Path) -> dict[str, object]:
    """Return what the client's constants (`huggingface_hub.constants`) are in a process whose environment names the
    hub: it reads that once, when it is imported."""
    return {
        "ENDPOINT": hub.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": f"{hub.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_OFFLINE": False,
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _read_facts(files: dict[str, bytes]) -> dict[str, Any]:
    """What the hub reads out of a model's files and tells of it, where they can be read."""
    facts: dict[str, Any] = {}
    with suppress(KeyError, ValueError, TypeError):
        config = json.loads(files["config.json"])
        facts["config"] = {key: config[key] for key in ("model_type", "auto_map") if key in config}
    if parts := [data for name, data in files.items() if re.fullmatch(r"model.*[.]safetensors", name)]:
        total = sum(map(_count_weights, parts))
        facts["safetensors"] = {"parameters": {"F32": total}, "total": total}
    if files.get("README.md", b"").startswith(b"---"):
        facts["cardData"] = ModelCard(files["README.md"].decode()).data.to_dict()
    return facts


def _count_weights(content: bytes) -> int:
    tensors = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    return sum(math.prod(tensor["shape"]) for name, tensor in tensors.items() if name != "__metadata__")


class _Refused(Exception):
    """An answer other than 200: a status, a body and headers."""

    def __init__(self, status: int, content: bytes = b"{}", **headers: str) -> None:
        super().__init__(status)
        self.status, self.content = status, content
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self) -> None:
        self.path, _, self.query = self.path.partition("?")
        request = f"{self.command} {self.path}"
        with self.hub.lock:
            self.hub.requests.append(request)
            failure = next((f for f in self.hub.failures if f.times and re.search(f.request, request)), None)
            if failure:
                failure.times -= 1
        try:
            if failure and failure.cut == "request":
                return self._cut(int(self.headers.get("Content-Length", 0)) // 2)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if failure and failure.status:
                raise _Refused(failure.status, **failure.headers)
            with self.hub.lock:
                content, headers = self._route(body)
        except _Refused as refused:
            return self._send(refused.status, refused.content, refused.headers)
        if failure and failure.cut == "answer":
            return self._cut(0)
        begin = int(re.findall(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[0])
        if begin:
            headers = {**headers, "Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
            self.hub.requests.append(f"{request} from byte {begin}")
        half = bool(failure and failure.cut == "half")
        return self._send(206 if begin else 200, content[begin:], headers, half)

    def _cut(self, read: int) -> None:
        self.rfile.read(read)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        self.close_connection = True
        self.connection.close()

    def _send(self, status: int, content: bytes, headers: dict[str, str], half: bool = False) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if half else content)
        self.close_connection |= half

    def _route(self, body: bytes) -> tuple[bytes, dict[str, str]]:
        for pattern, method, answer in _ROUTES:
            found = re.fullmatch(pattern, self.path)
            if found and re.fullmatch(method, self.command):
                result = answer(self, body, **found.groupdict())
                return result if isinstance(result, tuple) else (json.dumps(result).encode(), {})
        raise _Refused(501)

    def _may_write(self) -> bool | None:
        """Whether the token may write; None without a token."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise _Refused(401, X_Error_Message="Invalid credentials in Authorization header")
        return TOKENS.get(token)

    def _writable(self) -> None:
        if not self._may_write():
            raise _Refused(401 if self._may_write() is None else 403)

    def _repo(self, name: str) -> Repo:
        known = self._may_write() is not None
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and not known):
            raise _Refused(404 if known else 401, X_Error_Code="RepoNotFound")
        return repo

    def _files(self, name: str, revision: str) -> tuple[str, dict[str, bytes]]:
        commits = self._repo(name).commits
        if revision == "main":
            return commits[-1]
        found = dict(commits).get(revision)
        if found is None:
            raise _Refused(404, X_Error_Code="RevisionNotFound")
        return revision, found

    def create(self, body: bytes) -> Any:
        self._writable()
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        url = {"url": f"{self.hub.address}/{name}"}
        if name in self.hub.repos:
            raise _Refused(409, json.dumps(url).encode())
        private = asked.get("private") or asked.get("visibility") == "private"
        self.hub.add(name, {".gitattributes": b""}, bool(private), asked.get("type") or "model")
        return url

    def validate(self, body: bytes) -> Any:
        return {"errors": [], "warnings": []}

    def info(self, body: bytes, repo: str, revision: str | None = None) -> Any:
        commit, files = self._files(repo, revision or "main")
        sizes = {name: {"size": len(data)} if "blobs" in self.query else {} for name, data in files.items()}
        siblings = [{"rfilename": name, **size} for name, size in sizes.items()]
        told = {"id": repo, "sha": commit, "private": self._repo(repo).private, "siblings": siblings}
        return told | _read_facts(files)

    def may_read(self, body: bytes, repo: str) -> Any:
        self._repo(repo)
        return {}

    def preupload(self, body: bytes, repo: str) -> Any:
        self._writable()
        files = self._repo(repo).files
        return {
            "files": [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["size"] >= LARGE else "regular",
                    "shouldIgnore": False,
                    "oid": _git_hash(files[file["path"]]) if file["path"] in files else None,
                }
                for file in json.loads(body)["files"]
            ]
        }

    def batch(self, body: bytes, repo: str) -> Any:
        self._writable()
        objects = json.loads(body)["objects"]
        for each in objects:
            if each["oid"] not in self.hub.large:
                each["actions"] = {"upload": {"href": f"{self.hub.address}/large/{each['oid']}"}}
        return {"transfer": "basic", "objects": objects}

    def put(self, body: bytes, oid: str) -> Any:
        assert _sha256(body) == oid
        self.hub.large[oid] = body
        return {}

    def commit(self, body: bytes, repo: str) -> Any:
        self._writable()
        files = dict(self._repo(repo).files)
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        commit = self.hub.repos[repo].commit(files)
        return {"commitUrl": f"{self.hub.address}/{repo}/commit/{commit}", "commitOid": commit}

    def tree(self, body: bytes, repo: str, revision: str) -> Any:
        files = self._files(repo, revision)[1]
        return [
            {"type": "file", "path": name, "size": len(data), "oid": _git_hash(data)} for name, data in files.items()
        ]

    def resolve(self, body: bytes, repo: str, revision: str, file: str) -> Any:
        commit, files = self._files(repo, revision)
        if file not in files:
            raise _Refused(404, X_Error_Code="EntryNotFound")
        return files[file], {"ETag": f'"{_git_hash(files[file])}"', "X-Repo-Commit": commit}


_KIND, _NAME = "/api/(?:model|space|dataset)s", "(?P<repo>(?:[^/]+/)?[^/]+)"
_ROUTES = [
    ("/api/repos/create", "POST", _Handler.create),
    ("/api/validate-yaml", "POST", _Handler.validate),
    (f"{_KIND}/{_NAME}", "GET", _Handler.info),
    (f"{_KIND}/{_NAME}/revision/(?P<revision>[^/]+)", "GET", _Handler.info),
    (f"{_KIND}/{_NAME}/auth-check", "GET", _Handler.may_read),
    (f"{_KIND}/{_NAME}/preupload/main", "POST", _Handler.preupload),
    (f"(?:/spaces|/datasets)?/{_NAME}[.]git/info/lfs/objects/batch", "POST", _Handler.batch),
    ("/large/(?P<oid>[0-9a-f]{64})", "PUT", _Handler.put),
    (f"{_KIND}/{_NAME}/commit/main", "POST", _Handler.commit),
    (f"{_KIND}/{_NAME}/tree/(?P<revision>[^/]+)", "GET", _Handler.tree),
    (f"/{_NAME}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", "GET|HEAD", _Handler.resolve),
]
