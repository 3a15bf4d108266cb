"""Tokens of well-known services in texts, by the forms that the services document for secret scanners.

Only forms are here that nothing else has by chance, and of these only what looks random: the placeholders of
documentation (`AKIAIOSFODNN7EXAMPLE`) are none.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_SHOWN = 4
_LETTERS = 8  # different ones, which a repeated or counted-up placeholder does not have
_PLACEHOLDERS = re.compile(
    rb"example|placeholder|redacted|dummy|your|secret|token|x{5}|0{6}|\*{3}|12345678|abcdefgh|deadbeef",
    re.IGNORECASE,
)


class Token(NamedTuple):
    """A token, but for what makes it one.

    Attributes:
        what: Whose it is, with an article.
        beginning: Its first four characters.
        size: How many characters it has.
        line: Where it stands, from 1.
        others: How many more of its kind are in the text.
    """

    what: str
    beginning: str
    size: int
    line: int
    others: int


class _Form(NamedTuple):
    what: str
    marks: tuple[bytes, ...]
    pattern: str


_FORMS = (
    _Form("an AWS access key", (b"AKIA", b"ASIA"), r"(?:AKIA|ASIA)([A-Z2-7]{16})(?![A-Za-z0-9])"),
    _Form(
        "a GitHub token",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
        r"gh[pousr]_([A-Za-z0-9]{36})(?![A-Za-z0-9])",
    ),
    _Form("a GitHub token", (b"github_pat_",), r"github_pat_([A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?!\w)"),
    _Form("a GitLab token", (b"glpat-",), r"glpat-([A-Za-z0-9_-]{20,300})(?![A-Za-z0-9])"),
    _Form("a Slack token", (b"xox",), r"xox[abpr]-((?:[0-9]{1,16}-){1,4}[A-Za-z0-9]{20,64})(?![A-Za-z0-9])"),
    _Form(
        "a Slack web hook",
        (b"hooks.slack.com/services/",),
        r"hooks\.slack\.com/services/(T[A-Z0-9]{7,12}/B[A-Z0-9]{7,12}/[A-Za-z0-9]{24})(?![A-Za-z0-9])",
    ),
    _Form("a Stripe live key", (b"k_live_",), r"[sr]k_live_([A-Za-z0-9]{24,120})(?![A-Za-z0-9])"),
    _Form("a Google API key", (b"AIza",), r"AIza([A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"),
    _Form("an npm token", (b"npm_",), r"npm_([A-Za-z0-9]{36})(?![A-Za-z0-9])"),
    _Form("a PyPI token", (b"pypi-AgE",), r"pypi-(AgE[A-Za-z0-9_-]{60,1000})"),
    _Form("a SendGrid key", (b"SG.",), r"SG\.([A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])"),
    _Form("an OpenAI key", (b"T3BlbkFJ",), r"sk-([A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120})"),
    _Form(
        "an Anthropic key", (b"sk-ant-",), r"sk-ant-([a-z0-9]{3,8}-[A-Za-z0-9_-]{80,120})(?![A-Za-z0-9_-])"
    ),
    _Form("a Docker Hub token", (b"dckr_pat_",), r"dckr_pat_([A-Za-z0-9_-]{27})(?![A-Za-z0-9_-])"),
    _Form("a DigitalOcean token", (b"_v1_",), r"do[opr]_v1_([a-f0-9]{64})(?![a-f0-9])"),
    _Form("a Hugging Face token", (b"hf_",), r"hf_([A-Za-z]{34})(?![A-Za-z0-9])"),
)


def in_text(data: bytes) -> Iterator[Token]:
    """The tokens in a text, one for each kind."""
    for form in _FORMS:
        if not any(mark in data for mark in form.marks):
            continue
        found: dict[bytes, int] = {}
        for match in re.finditer(rb"(?<![A-Za-z0-9_+-])" + form.pattern.encode(), data):
            if _is_random(match[1]):
                found.setdefault(match[0], match.start())
        if found:
            token, start = next(iter(found.items()))
            line = data.count(b"\n", 0, start) + 1
            yield Token(form.what, token[:_SHOWN].decode("ascii"), len(token), line, len(found) - 1)


def _is_random(body: bytes) -> bool:
    return len(set(body)) >= _LETTERS and not _PLACEHOLDERS.search(body)
