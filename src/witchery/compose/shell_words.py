"""The words of a shell script (POSIX.1-2017, XCU 2.3): as much of them as install scripts use.

Nothing is run and nothing is guessed: what a word would expand to is known (text, or a variable of the
script), or the word says that it is not.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from witchery.errors import FormatError
from witchery.value import frozen, replace

MAX_SCRIPT = 1 << 16
"""The longest script that is read, in bytes."""
_MAX_DEPTH = 20

_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_OPERATOR = re.compile(r"&&|\|\||;;|<<-|<<|>>|&>|>&|<&|[|&;()<>]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PLAIN = re.compile(r"[^\s\\'\"$`|&;()<>*?\[\]~#{}]+")
_SPECIAL = frozenset("*?[~")
_REDIRECTIONS = frozenset((">", ">>", "<", "<<", "<<-", "&>", ">&", "<&"))


class Variable(NamedTuple):
    """A place in a word where the value of a variable goes."""

    name: str


@frozen
class Word:
    """A word of a script.

    Attributes:
        raw: As it is written.
        pieces: What it is made of; None where what it would be cannot be known.
        quoted: Whether any of it is quoted: a word that is not may be a keyword, and may vanish.
    """

    raw: str
    pieces: tuple[str | Variable, ...] | None
    quoted: bool = False

    def value(self, variables: Mapping[str, str]) -> str | None:
        """What it expands to, or None where that is not known."""
        if self.pieces is None:
            return None
        texts = [piece if isinstance(piece, str) else variables.get(piece.name) for piece in self.pieces]
        if any(text is None for text in texts):
            return None
        value = "".join(text for text in texts if text is not None)
        splits = not self.quoted and any(isinstance(piece, Variable) for piece in self.pieces)
        return None if splits and (not value or re.search(r"[\s*?\[]", value)) else value


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    OPERATOR = "operator"
    REDIRECTION = "redirection"
    NEWLINE = "newline"
    END = "end"


class Token(NamedTuple):
    """A word or an operator.

    Attributes:
        kind: Which of them.
        raw: As it is written; for the operator of a here-document with its text.
        line: The line that it stands on, from 1.
        word: The word; an empty one for all else.
    """

    kind: Kind
    raw: str
    line: int
    word: Word = Word("", ())


def tokens(script: str) -> list[Token]:
    """Splits a script.

    Raises:
        FormatError: naming the line, if a quotation or a here-document has no end, or the script is too long.
    """
    if len(script) > MAX_SCRIPT:
        raise FormatError(f"more than {MAX_SCRIPT} characters")
    return _Lexer(script).tokens()


class _Lexer:
    """A position in a script."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._tokens: list[Token] = []
        self._here: list[int] = []  # tokens of here-documents whose text follows the line

    def tokens(self) -> list[Token]:
        """All tokens, the last of them `END`."""
        while self._at < len(self._text):
            self._step()
        if self._here:
            raise self._fault("a here-document has no end")
        self._tokens.append(Token(Kind.END, "", self._line()))
        return self._tokens

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _fault(self, message: str) -> FormatError:
        return FormatError(message, where=[f"line {self._line()}"])

    def _step(self) -> None:
        """Reads one token, or skips what is none."""
        skipped = _BLANK.match(self._text, self._at) or _COMMENT.match(self._text, self._at)
        if skipped:
            self._at = skipped.end()
            return
        line = self._line()
        if self._text[self._at] == "\n":
            self._at += 1
            self._tokens.append(Token(Kind.NEWLINE, "\n", line))
            self._read_here_documents()
            return
        operator = _OPERATOR.match(self._text, self._at)
        if operator:
            self._at = operator.end()
            self._operator(operator[0], "", line)
            return
        word = self._word()
        redirects = self._text[self._at : self._at + 1] in {"<", ">"}
        operator = _OPERATOR.match(self._text, self._at) if redirects and word.raw.isdigit() else None
        if operator:
            self._at = operator.end()
            self._operator(operator[0], word.raw, line)
        else:
            self._tokens.append(Token(Kind.WORD, word.raw, line, word))

    def _operator(self, text: str, descriptor: str, line: int) -> None:
        kind = Kind.REDIRECTION if text in _REDIRECTIONS else Kind.OPERATOR
        if text in {"<<", "<<-"}:
            self._here.append(len(self._tokens))
        self._tokens.append(Token(kind, descriptor + text, line))

    def _read_here_documents(self) -> None:
        """Takes the lines up to each delimiter; they become part of the word that is the delimiter."""
        for index in self._here:
            if index + 1 >= len(self._tokens) or self._tokens[index + 1].kind is not Kind.WORD:
                raise self._fault("a here-document without a delimiter")
            operator, delimiter = self._tokens[index], self._tokens[index + 1]
            end = delimiter.word.value({})
            if end is None:
                raise self._fault("the delimiter of a here-document is not plain")
            body = self._lines_up_to(end, strip=operator.raw.endswith("-"))
            plain = delimiter.word.quoted or not re.search(r"(?<!\\)(?:\$\(|`)", body)
            word = replace(delimiter.word, pieces=(body,) if plain else None)
            self._tokens[index + 1] = delimiter._replace(raw=f"{delimiter.raw}\n{body}", word=word)
        self._here = []

    def _lines_up_to(self, delimiter: str, *, strip: bool) -> str:
        taken: list[str] = []
        while self._at < len(self._text):
            end = self._text.find("\n", self._at)
            end = len(self._text) if end < 0 else end
            line = self._text[self._at : end]
            self._at = min(end + 1, len(self._text))
            if (line.lstrip("\t") if strip else line) == delimiter:
                return "\n".join(taken)
            taken.append(line)
        raise self._fault("a here-document has no end")

    def _word(self) -> Word:
        start = self._at
        pieces: list[str | Variable] = []
        known, quoted = True, False
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in " \t\n|&;()<>":
                break
            plain = _PLAIN.match(self._text, self._at)
            if plain:
                pieces.append(plain[0])
                self._at = plain.end()
            elif character == "'":
                quoted = True
                pieces.append(self._single_quoted())
            elif character == '"':
                quoted = True
                known = self._double_quoted(pieces) and known
            elif character == "\\":
                if self._text[self._at + 1 : self._at + 2] != "\n":
                    pieces.append(self._text[self._at + 1 : self._at + 2])
                    quoted = True
                self._at += 2
            elif character in "$`":
                known = self._expansion(pieces, 0) and known
            else:
                known = known and character not in _SPECIAL
                pieces.append(character)
                self._at += 1
        raw = self._text[start : self._at]
        test = raw in {"[", "[["}  # a command, not a pattern
        return Word(raw, tuple(pieces) if known or test else None, quoted)

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise self._fault("a quotation has no end")
        text = self._text[self._at + 1 : end]
        self._at = end + 1
        return text

    def _double_quoted(self, pieces: list[str | Variable], depth: int = 0) -> bool:
        """Reads up to the closing quote; false where what it holds cannot be known."""
        known = True
        self._at += 1
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == '"':
                self._at += 1
                return known
            if character == "\\":
                following = self._text[self._at + 1 : self._at + 2]
                if following != "\n":
                    pieces.append(following if following in '$`"\\' else f"\\{following}")
                self._at += 2
            elif character in "$`":
                known = self._expansion(pieces, depth) and known
            else:
                pieces.append(character)
                self._at += 1
        raise self._fault("a quotation has no end")

    def _expansion(self, pieces: list[str | Variable], depth: int) -> bool:
        """Reads `$NAME`, `${NAME}`, or skips what else begins so; false where it is not known."""
        if self._text[self._at] == "`":
            self._skip_to("`", self._at + 1)
            return False
        after = self._at + 1
        name = _NAME.match(self._text, after) or _BRACED.match(self._text, after)
        if name:
            self._at = name.end()
            pieces.append(Variable(name[1] if name.lastindex else name[0]))
            return True
        following = self._text[after : after + 1]
        if following == "(":
            self._at = after + 1
            self._skip_nested(")", depth + 1)
        elif following == "{":
            self._at = after + 1
            self._skip_nested("}", depth + 1)
        elif following in set("@*#?-$!0123456789"):
            self._at = after + 1
        else:
            pieces.append("$")
            self._at = after
            return True
        return False

    def _skip_to(self, end: str, start: int) -> None:
        found = self._text.find(end, start)
        if found < 0:
            raise self._fault("a quotation has no end")
        self._at = found + 1

    def _skip_nested(self, end: str, depth: int) -> None:
        """Skips to the bracket that closes, over quotations and substitutions in between."""
        if depth > _MAX_DEPTH:
            raise self._fault("too deeply nested")
        dropped: list[str | Variable] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == end:
                self._at += 1
                return
            if character == "'" and end == ")":
                self._single_quoted()
            elif character == '"':
                self._double_quoted(dropped, depth)
            elif character == "\\":
                self._at += 2
            elif character in "$`":
                self._expansion(dropped, depth)
            elif character == "(" and end == ")":
                self._at += 1
                self._skip_nested(")", depth + 1)
            else:
                self._at += 1
        raise self._fault("a substitution has no end")
