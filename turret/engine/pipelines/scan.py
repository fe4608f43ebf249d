"""What can be seen in `nextflow.config` and `main.nf` without running them.

Both are programs (Groovy) and may say anything in any way; what is written as most
pipelines write it is found, all else is left out. The work is linear in the text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

LONGEST_TEXT = 300_000
MOST_NAMES = 2_000
DEEPEST = 30
# Files that a configuration includes, and files that those include.
MOST_INCLUDES = 60
DEEPEST_INCLUDE = 3
# What is not closed goes on to the end, so that nothing is looked at twice.
_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r\f]++|//[^\n]*+|/\*.*?(?:\*/|\Z)|\\\n)"""
    r"""|(?P<long>'{3}.*?(?:'{3}|\Z)|"{3}.*?(?:"{3}|\Z))"""
    r"""|(?P<text>'(?:[^'\\\n]|\\.)*+'?|"(?:[^"\\\n]|\\.)*+"?)"""
    r"""|(?P<number>-?\d++(?:\.\d++)?(?:[eE][-+]?\d++)?(?![\w.]))"""
    r"""|(?P<word>[A-Za-z_$][\w$]*+)"""
    r"""|(?P<sign>.)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_ENDS = frozenset({"\n", ";", "}"})
_OPENING, _CLOSING = frozenset("{[("), frozenset("}])")
_Token = tuple[str, str]


def profiles_of(config_text: str) -> list[str]:
    """Names of the profiles that a configuration defines itself, in its order."""
    return list(
        dict.fromkeys(
            path[1]
            for path, value in _statements(config_text)
            if path[0] == "profiles" and len(path) > (1 if value is _OPENED else 2)
        )
    )


def params_of(text: str) -> dict[str, Any]:
    """Parameters that a configuration or a script gives a value: `params { a = 1 }`
    and `params.a = 1`, nested ones as `a.b`. None where it is null, or not written
    as a plain value."""
    found = _values(text, ["params"])
    return {key: None if value is _COMPUTED else value for key, value in found.items()}


def set_params_of(text: str, profile: str = "") -> set[str]:
    """Keys of the parameters that a configuration or a script gives a value, also one
    that is computed; those that the profiles (`a,b`) set, included."""
    blocks = [["params"]]
    blocks += [["profiles", name.strip(), "params"] for name in profile.split(",")]
    return {
        key
        for block in blocks
        for key, value in _values(text, block).items()
        if value is not None
    }


def with_includes(
    text: str, read: Callable[[Sequence[str]], Mapping[str, str | None]]
) -> str:
    """A configuration, with the text of the files in the place where it includes them;
    those that it names by a computed path, or has not, are left out.

    `read`: the texts of files of its repository, by their paths there.
    """
    texts: dict[str, str] = {}
    wanted = [name for *_, name in _includes(text, "")]
    for _ in range(DEEPEST_INCLUDE):
        new = [name for name in dict.fromkeys(wanted) if name not in texts]
        new = new[: MOST_INCLUDES - len(texts)]
        if not new:
            break
        texts |= {name: found or "" for name, found in read(new).items()}
        wanted = [
            inner
            for name in new
            for *_, inner in _includes(texts[name], PurePosixPath(name).parent)
        ]
    return _inlined(text, "", texts, DEEPEST_INCLUDE, iter(range(5 * MOST_INCLUDES)))


def _inlined(
    text: str,
    directory: str | PurePosixPath,
    texts: Mapping[str, str],
    levels: int,
    budget: Iterator[int],
) -> str:
    """`budget`: one for each file that may still be put in somewhere."""
    parts, done, size = [], 0, 0
    for start, end, name in _includes(text, directory) if levels else ():
        if next(budget, None) is None:
            break
        inner = _inlined(
            texts.get(name, ""),
            PurePosixPath(name).parent,
            texts,
            levels - 1,
            budget,
        )
        parts += [text[done:start], "\n", inner, "\n"]
        done, size = end, size + len(inner)
        if size > LONGEST_TEXT:
            break
    return "".join([*parts, text[done:]])[:LONGEST_TEXT]


def _includes(
    text: str, directory: str | PurePosixPath
) -> Iterator[tuple[int, int, str]]:
    """Where each `includeConfig 'file'` begins and ends, and the path of the file."""
    start = None
    for found in _TOKEN.finditer(text[:LONGEST_TEXT]):
        kind, token = found.lastgroup or "", found[0]
        if (kind, token) == ("word", "includeConfig"):
            start = found.start()
        elif start is not None and kind == "text":
            name = _single(kind, token)
            if isinstance(name, str) and "://" not in name:
                yield (
                    start,
                    found.end(),
                    posixpath.normpath(directory / PurePosixPath(name)),
                )
            start = None
        elif kind != "skip" and (kind, token) != ("sign", "("):
            start = None


def manifest_of(config_text: str) -> dict[str, Any]:
    """The pipeline's own words on itself: name, version, description, mainScript,
    nextflowVersion, ..."""
    found = _values(config_text, ["manifest"])
    return {
        key: value
        for key, value in found.items()
        if value is not None and value is not _COMPUTED
    }


def _values(text: str, block: Sequence[str]) -> dict[str, Any]:
    """By the names below the block; _COMPUTED for what is not plain."""
    depth = len(block)
    found: dict[str, Any] = {}
    for path, value in _statements(text):
        if len(path) > depth and path[:depth] == block and value is not _OPENED:
            found[".".join(path[depth:])] = value
            if len(found) >= MOST_NAMES:
                break
    return found


# The value of a statement that begins a block, and one that is not plain.
_OPENED = object()
_COMPUTED = object()


def _statements(text: str) -> Iterator[tuple[list[str], Any]]:
    """Each `a.b = value`, `a value` and `a {` with the names of the blocks around it;
    of a value that is not plain, _COMPUTED."""
    tokens = list(_tokens(text[:LONGEST_TEXT]))
    # Names that each open block has added; [] for one that is no block of names.
    blocks: list[list[str]] = []
    position = 0
    while position < len(tokens):
        if tokens[position] == ("sign", "}"):
            del blocks[-1:]
            position += 1
            continue
        if len(blocks) > DEEPEST:
            return
        names, after = _path(tokens, position)
        sign = tokens[after] if after < len(tokens) else ("", "")
        around = [name for block in blocks for name in block]
        if names and sign == ("sign", "{"):
            blocks.append(names)
            yield around + names, _OPENED
            position = after + 1
        elif names and _is_assignment(tokens, after):
            position, value = _value(tokens, after + 1)
            yield around + names, value
        elif names and sign[0] == "text":
            position, value = _value(tokens, after)
            yield around + names, value
        else:
            position = _skip(tokens, position, blocks)


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        if found.lastgroup and found.lastgroup != "skip":
            yield found.lastgroup, found[0]


def _path(tokens: Sequence[_Token], start: int) -> tuple[list[str], int]:
    """The names of `a.'b'.c` and the position behind them; a type (`a: Path`) is
    passed over."""
    names: list[str] = []
    at = start
    while at < len(tokens) and tokens[at][0] in ("word", "text"):
        kind, token = tokens[at]
        names.append(token if kind == "word" else _plain(token))
        at += 1
        if tokens[at : at + 1] != [("sign", ".")]:
            break
        at += 1
    is_typed = tokens[at : at + 1] == [("sign", ":")]
    if names and is_typed and at + 1 < len(tokens) and tokens[at + 1][0] == "word":
        at += 2
    return names, at


def _is_assignment(tokens: Sequence[_Token], at: int) -> bool:
    """`=`, and not `==`."""
    following = tokens[at : at + 2]
    return following[:1] == [("sign", "=")] and following[1:] != [("sign", "=")]


def _value(tokens: Sequence[_Token], start: int) -> tuple[int, Any]:
    """The position behind a value and, if it is plain, the value."""
    end, depth = start, 0
    while end < len(tokens):
        token = tokens[end][1] if tokens[end][0] == "sign" else ""
        if depth <= 0 and token in _ENDS:
            break
        depth += (token in _OPENING) - (token in _CLOSING)
        end += 1
    return end, _literal(tokens[start:end])


def _literal(tokens: Sequence[_Token]) -> Any:
    tokens = [token for token in tokens if token != ("sign", "\n")]
    if len(tokens) == 1:
        return _single(*tokens[0])
    if tokens[:1] == [("sign", "[")] and tokens[-1:] == [("sign", "]")]:
        inner = tokens[1:-1]
        items, commas = inner[::2], inner[1::2]
        is_list = all(comma == ("sign", ",") for comma in commas)
        values = [_single(*item) for item in items]
        if is_list and None not in values and _COMPUTED not in values:
            return values
    return _COMPUTED


def _single(kind: str, token: str) -> Any:
    if kind == "number":
        # Python refuses to read thousands of digits.
        if len(token) > 300:
            return _COMPUTED
        return float(token) if re.search("[.eE]", token) else int(token)
    if kind == "word":
        return _WORDS.get(token, _COMPUTED)
    if kind in ("text", "long"):
        is_computed = token.startswith('"') and re.search(r"(?<!\\)\$", token)
        return _COMPUTED if is_computed else _plain(token)
    return _COMPUTED


def _plain(token: str) -> str:
    """What a quoted text stands for."""
    width = 3 if token.startswith(("'''", '"""')) else 1
    return _ESCAPE.sub(
        lambda found: _ESCAPES.get(found[1], found[1]), token[width:-width]
    )


def _skip(tokens: Sequence[_Token], start: int, blocks: list[list[str]]) -> int:
    """To the end of a statement that is none of ours, or into its block."""
    at = start
    while at < len(tokens):
        sign = tokens[at][1] if tokens[at][0] == "sign" else ""
        if sign == "}":
            return at
        at += 1
        if sign == "{":
            blocks.append([])
            return at
        if sign in ("\n", ";"):
            return at
    return at
