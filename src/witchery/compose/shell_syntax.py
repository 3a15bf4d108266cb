"""The commands of a shell script (POSIX.1-2017, XCU 2.9): lists, `if`, and functions; all else is opaque.

    list    = command (("&&" | "||" | ";" | newline) command)*
    command = simple | "if" list "then" list ("elif" list "then" list)* ["else" list] "fi"
            | name "()" ... | opaque

A loop, a `case`, a group, a pipeline or a subshell is kept as text: recognised as a whole or not at all.
"""

import hashlib
import re
from typing import NamedTuple

from witchery.compose.shell_words import Kind, Token, Variable, Word, tokens
from witchery.errors import FormatError
from witchery.value import frozen

_CLOSES = {
    "if": "fi",
    "case": "esac",
    "for": "done",
    "while": "done",
    "until": "done",
    "{": "}",
}
_SEPARATORS = frozenset((";", "&", ";;"))
_BEFORE_COMMAND = frozenset(("then", "else", "elif", "do", "if", "while", "until", "!", "{"))
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_MAX_DEPTH = 30


class Redirection(NamedTuple):
    """Where a command's input comes from or its output goes: the operator with its number, and the word."""

    operator: str
    target: Word


@frozen
class Simple:
    """A command with its arguments.

    Attributes:
        line: Where it begins.
        assignments: Variables that it sets.
        words: The command and its arguments; none for assignments alone.
        redirections: What is redirected.
        text: As it is written, on one line.
    """

    line: int
    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]
    text: str


@frozen
class Opaque:
    """A compound command that is not looked into.

    Attributes:
        line: Where it begins.
        text: Its tokens, comments and blanks left out.
    """

    line: int
    text: str

    @property
    def fingerprint(self) -> str:
        """What it is recognised by."""
        return fingerprint(self.text)


@frozen
class Function:
    """A function's definition: nothing happens until it is called."""

    line: int
    name: str


@frozen
class If:
    """A choice: for each branch the condition and what is done; then what is done otherwise."""

    line: int
    branches: tuple[tuple["Script", "Script"], ...]
    otherwise: "Script"


Command = Simple | Opaque | Function | If


class Step(NamedTuple):
    """A command in a list.

    Attributes:
        joint: How it follows the one before: `;`, `&&` or `||`.
        negated: Whether `!` stands before it.
        command: The command.
    """

    joint: str
    negated: bool
    command: Command


Script = tuple[Step, ...]


def fingerprint(text: str) -> str:
    """What a command is recognised by: the first 16 digits of the SHA-256 of its text.

    A path is the same with and without its leading `/`, since scripts run with `/` as working folder.
    """
    plain = re.sub(r"(^|\s)/(?=[a-z])", r"\1", text)
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def parse(script: str) -> Script:
    """Reads a script.

    Raises:
        FormatError: naming the line, if it has not the form of a script.
    """
    parser = _Parser(tokens(script))
    steps = parser.steps(frozenset(), 0)
    parser.expect_end()
    return steps


class _Parser:
    """A position among tokens."""

    def __init__(self, stream: list[Token]) -> None:
        self._tokens = stream
        self._at = 0

    def _peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _fault(self, message: str) -> FormatError:
        return FormatError(message, where=[f"line {self._peek().line}"])

    def expect_end(self) -> None:
        """Refuses what is left."""
        if self._peek().kind is not Kind.END:
            raise self._fault(f"unexpected: `{self._peek().raw[:40]}`")

    def steps(self, ends: frozenset[str], depth: int) -> Script:
        """Commands up to one of some keywords, which is left in place."""
        if depth > _MAX_DEPTH:
            raise self._fault("too deeply nested")
        steps: list[Step] = []
        joint = ";"
        while True:
            token = self._peek()
            if token.kind is Kind.NEWLINE or token.raw == ";":
                self._at += 1
                continue
            if token.kind is Kind.END or (token.kind is Kind.WORD and token.raw in ends):
                return tuple(steps)
            negated = token.raw == "!" and token.kind is Kind.WORD
            if negated:
                self._at += 1
            steps.append(Step(joint, negated, self._pipeline(depth)))
            joint = self._joint()

    def _joint(self) -> str:
        token = self._peek()
        if token.kind is Kind.OPERATOR and token.raw in {"&&", "||"}:
            self._at += 1
            return token.raw
        if token.kind in (Kind.NEWLINE, Kind.END) or token.raw == ";":
            return ";"
        raise self._fault(f"unexpected: `{token.raw[:40]}`")

    def _pipeline(self, depth: int) -> Command:
        """A command; with `|` or `&` behind it, all of it is opaque."""
        start, line = self._at, self._peek().line
        command = self._command(depth)
        if self._peek().kind is Kind.OPERATOR and self._peek().raw in {"|", "&"}:
            while self._peek().kind is Kind.OPERATOR and self._peek().raw in {"|", "&"}:
                self._at += 1
                while self._peek().kind is Kind.NEWLINE:
                    self._at += 1
                if self._peek().kind is Kind.END:
                    break
                self._command(depth)
            return Opaque(line, _text(self._tokens[start : self._at]))
        return command

    def _command(self, depth: int) -> Command:
        token = self._peek()
        if token.kind is Kind.WORD and not token.word.quoted:
            if token.raw == "if":
                return self._if(depth)
            if token.raw in _CLOSES:
                return self._opaque()
            if self._peek(1).raw == "(" and self._peek(2).raw == ")":
                self._at += 3
                while self._peek().kind is Kind.NEWLINE:
                    self._at += 1
                self._opaque()
                return Function(token.line, token.raw)
        if token.kind is Kind.OPERATOR:
            if token.raw != "(":
                raise self._fault(f"unexpected: `{token.raw}`")
            return self._opaque()
        return self._simple()

    def _simple(self) -> Simple:
        start, line = self._at, self._peek().line
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        while self._peek().kind in (Kind.WORD, Kind.REDIRECTION):
            token = self._next()
            if token.kind is Kind.REDIRECTION:
                if self._peek().kind is not Kind.WORD:
                    raise self._fault(f"nothing behind `{token.raw}`")
                redirections.append(Redirection(token.raw, self._next().word))
            elif not words and (match := _ASSIGNMENT.match(token.raw)):
                assignments.append((match[1], _after(token.word, match.end())))
            else:
                words.append(token.word)
        text = _text(self._tokens[start : self._at]).replace("\n", " ")
        return Simple(line, tuple(assignments), tuple(words), tuple(redirections), text)

    def _if(self, depth: int) -> If | Opaque:
        start, line = self._at, self._peek().line
        branches: list[tuple[Script, Script]] = []
        otherwise: Script = ()
        closing = "elif"
        while closing == "elif":
            self._at += 1
            condition = self.steps(frozenset(("then",)), depth + 1)
            self._keyword("then")
            branches.append((condition, self.steps(frozenset(("elif", "else", "fi")), depth + 1)))
            closing = self._peek().raw
        if closing == "else":
            self._at += 1
            otherwise = self.steps(frozenset(("fi",)), depth + 1)
        self._keyword("fi")
        if self._peek().kind is Kind.REDIRECTION:
            self._skip_redirections()
            return Opaque(line, _text(self._tokens[start : self._at]))
        return If(line, tuple(branches), otherwise)

    def _keyword(self, word: str) -> None:
        if self._peek().kind is not Kind.WORD or self._peek().raw != word:
            raise self._fault(f"expected `{word}`")
        self._at += 1

    def _skip_redirections(self) -> None:
        while self._peek().kind is Kind.REDIRECTION:
            self._at += 2

    def _opaque(self) -> Opaque:
        """Everything up to the keyword or bracket that closes what begins here."""
        start, line = self._at, self._peek().line
        open_: list[str] = []
        fresh = True  # whether a command may begin here
        while True:
            token = self._next()
            if token.kind is Kind.END:
                raise FormatError("something that is opened here is never closed", where=[f"line {line}"])
            if token.kind is Kind.WORD and not token.word.quoted:
                if fresh and open_ and token.raw == open_[-1]:
                    open_.pop()
                    fresh = False
                elif fresh and token.raw in _CLOSES:
                    open_.append(_CLOSES[token.raw])
                    fresh = token.raw in _BEFORE_COMMAND
                else:
                    fresh = fresh and token.raw in _BEFORE_COMMAND
            elif token.kind is Kind.OPERATOR and token.raw == "(":
                open_.append(")")
                fresh = True
            elif token.kind is Kind.OPERATOR and token.raw == ")":
                if open_ and open_[-1] == ")":
                    open_.pop()
                fresh = not open_ or open_[-1] != ")"
            else:
                fresh = token.kind in (Kind.OPERATOR, Kind.NEWLINE)
            if not open_:
                break
        self._skip_redirections()
        return Opaque(line, _text(self._tokens[start : self._at]))


def _after(word: Word, length: int) -> Word:
    """A word without its first characters, which are plain."""
    if word.pieces is None:
        return Word(word.raw[length:], None, word.quoted)
    rest: list[str | Variable] = []
    left = length
    for piece in word.pieces:
        if isinstance(piece, str) and left:
            taken = min(left, len(piece))
            left -= taken
            rest.append(piece[taken:])
        else:
            rest.append(piece)
    return Word(word.raw[length:], tuple(piece for piece in rest if piece), quoted=True)


def _text(stream: list[Token]) -> str:
    """Tokens with single blanks and line breaks between them."""
    return re.sub(r" ?\n[ \n]*", "\n", " ".join(token.raw for token in stream)).strip()
