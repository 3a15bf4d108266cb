"""A registry of a few lines that keeps to the specification, to be held against one that does not.

Unlike Debian's it keeps what arrived of a part that was cut, and refuses parts out of order.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from support.servers import Answer, Asked

INDEX = "application/vnd.oci.image.index.v1+json"
Quirk = Callable[[Asked], Answer | None]


class FakeRegistry:
    """The behaviour of a server: a registry of blobs and manifests in memory.

    Attributes:
        blobs: By digest, or by `REPOSITORY:TAG`.
        uploads: What has arrived of uploads, by their number.
        quirk: Is asked first, and may answer in the registry's place.
        lists: Whether it lists the artifacts about a manifest, as registries do since version 1.1.
    """

    def __init__(self, quirk: Quirk = lambda _: None, *, lists: bool = False) -> None:
        self.blobs: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.uploads: dict[str, bytes] = {}
        self.quirk = quirk
        self.lists = lists
        self.about: dict[str, list[dict[str, object]]] = {}
        self._numbers = itertools.count()

    def __call__(self, asked: Asked) -> Answer:
        return self.quirk(asked) or self._answer(asked)

    def _answer(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        query = parse_qs(parts.query)
        if parts.path == "/v2/":
            return Answer()
        if match := re.fullmatch(r"/v2/(.+)/blobs/uploads/(\w*)", parts.path):
            return self._upload(asked, match[1], match[2], query)
        if match := re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", parts.path):
            return self._content(asked, match[1], match[3])
        if self.lists and (match := re.fullmatch(r"/v2/(.+)/referrers/(sha256:\w+)", parts.path)):
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.about.get(match[2], [])}
            return Answer(headers={"Content-Type": INDEX}, body=json.dumps(index).encode())
        return Answer(status=404)

    def _upload(self, asked: Asked, name: str, number: str, query: dict[str, list[str]]) -> Answer:
        if asked.method == "POST":
            if query.get("mount", [""])[0] in self.blobs:
                return Answer(status=201)
            number = str(next(self._numbers))
            self.uploads[number] = b""
            return self._status(202, name, number)
        if number not in self.uploads:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN")
        if asked.method == "GET":
            return self._status(204, name, number)
        first = asked["content-range"].partition("-")[0]
        if first and int(first) != len(self.uploads[number]):
            return self._status(416, name, number)
        self.uploads[number] += asked.body
        if len(asked.body) < int(asked["content-length"] or 0):
            return Answer(silent=True)
        if asked.method == "PATCH":
            return self._status(202, name, number)
        data, digest = self.uploads.pop(number), query["digest"][0]
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            return refusal(400, "DIGEST_INVALID")
        self.blobs[digest] = data
        return Answer(status=201)

    def _status(self, status: int, name: str, number: str) -> Answer:
        last = max(0, len(self.uploads[number]) - 1)
        headers = {"Location": f"/v2/{name}/blobs/uploads/{number}", "Range": f"0-{last}"}
        return Answer(status=status, headers=headers)

    def _content(self, asked: Asked, name: str, which: str) -> Answer:
        key = which if which.startswith("sha256:") else f"{name}:{which}"
        if asked.method == "PUT":
            digest = f"sha256:{hashlib.sha256(asked.body).hexdigest()}"
            for each in (key, digest):
                self.blobs[each], self.types[each] = asked.body, asked["content-type"]
            subject = self._listed(asked.body, digest, asked["content-type"])
            return Answer(status=201, headers={"Docker-Content-Digest": digest} | subject)
        if key not in self.blobs:
            return refusal(404, "MANIFEST_UNKNOWN" if "manifests" in asked.path else "BLOB_UNKNOWN")
        data = self.blobs[key]
        headers = {"Docker-Content-Digest": f"sha256:{hashlib.sha256(data).hexdigest()}"}
        return Answer(headers=headers | {"Content-Type": self.types.get(key, "x/y")}, body=data)

    def _listed(self, body: bytes, digest: str, kind: str) -> dict[str, str]:
        """Lists what is about something, and says so."""
        document = json.loads(body) if self.lists else {}
        if "subject" not in document:
            return {}
        subject = document["subject"]["digest"]
        entry = {"mediaType": kind, "digest": digest, "size": len(body)}
        entry |= {"artifactType": document["artifactType"]}
        self.about.setdefault(subject, []).append(entry)
        return {"OCI-Subject": subject}


def refusal(status: int, code: str, message: str = "no", **headers: str) -> Answer:
    """How a registry refuses (distribution-spec, "Error Codes")."""
    body = f'{{"errors":[{{"code":"{code}","message":"{message}"}}]}}'.encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers={"Content-Type": "application/json", **fields}, body=body)
