"""Hiding secrets in what Nextflow sends: parameters, environments, configuration.

By the names of keys, and by values that are known to be secrets. It can't find all:
who may see the rest is a matter of permission.

The texts are other people's, and long: no pattern repeats anything without bounds
before it has found its first fixed word.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

MASKED = "[masked]"
# Deeper than any real parameters.
_DEEPEST = 64

# As in DB_PASSWORD, accessToken and api-key; but not in author or bypass.
_WORD = (
    r"(?:password|passwd|passphrase|secret|token|credential"
    r"|(?:api|private|access|account|shared|signing|ssh)[_\-. ]?key"
    r"|auth(?!or(?!iz))|(?<![a-z])pass(?![a-z])|(?<![a-z])sig(?:nature)?(?==))"
)
_QUOTED = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\""""
_SECRET = re.compile(_WORD, re.IGNORECASE)
# A line of an environment or a configuration, with nothing else on it.
_LINE = re.compile(
    r"""(?P<key>\s{0,100}(?:export\s)?["']?[\w.\-]{1,256}["']?[ \t]{0,8}[=:](?!//))"""
    r"""(?P<space>[ \t]*)(?P<value>.*)""",
    re.DOTALL,
)
# Among others: `[user: 'me', password: 'x']`, `{"token": "x"}`, `?token=x&y=z`.
_AMONG = re.compile(
    rf"""(?P<key>{_WORD}[\w.\-]{{0,64}}+["']?[ \t]{{0,8}}+"""
    r"""(?:=>|[=:](?!//))[ \t]{0,8}(?:(?:Bearer|Basic)[ \t]{1,8})?)"""
    rf"""(?P<value>{_QUOTED}|\[[^\]\n]*+\]?|[^\s,;&\]}})"']+)""",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"""(?P<key>(?<!\S)--?[\w.\-]{{0,64}}?{_WORD}[\w.\-]{{0,64}}+"""
    rf"""(?:[ \t]|\\\n){{1,80}})(?P<value>{_QUOTED}|[^\s\-'"\\]\S*)""",
    re.IGNORECASE,
)
# What may go on over several lines: `credentials {`, `credentials: [`, `key = '''`.
_LONG = re.compile(
    rf"""{_WORD}[\w.\-]{{0,64}}+["']?\s{{0,8}}+"""
    r"""(?:[=:]\s{0,8}(?P<opening>[\[{]|'{3}|"{3})|(?<=\s)(?P<block>\{))""",
    re.IGNORECASE,
)
# A text that is not closed ends with its line, or with everything.
_PIECE = re.compile(
    r"""'{3}.*?(?:'{3}|\Z)|"{3}.*?(?:"{3}|\Z)"""
    r"""|'(?:[^'\\\n]|\\.)*+'?|"(?:[^"\\\n]|\\.)*+"?|[\[{(]|[\]})]""",
    re.DOTALL,
)
# Between lines, but not after a backslash.
_END_OF_LINE = re.compile(r"(?<!\\)\n")
_KNOWN = (
    (re.compile(r"\bsqh_\w{8,}"), MASKED),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASKED),
    (re.compile(r"\b(?:gh[oprsu]_|github_pat_|glpat-)[\w-]{16,}"), MASKED),
    # JSON Web Tokens, and Seqera's, which begin like them.
    (re.compile(r"\beyJ[\w-]{16,}(?:\.[\w-]{1,4096}){0,4}"), MASKED),
    (re.compile(r"(://[^/\s:@]{0,256}):[^/\s@]{1,256}@"), rf"\1:{MASKED}@"),
    (
        re.compile(
            r"-----BEGIN[A-Z ]{0,40}PRIVATE KEY-----[^-]*"
            r"(?:-----END[A-Z ]{0,40}-----)?"
        ),
        MASKED,
    ),
)
# Of a casefolded text: without one of these it has nothing to be masked, as most
# have. All begin with fixed letters: such a pattern is quick.
_HINT = re.compile(
    r"pass|secret|token|creden|key|auth|s(?:i\u0307?|\u0131)g"
    r"|sqh_|akia|asia|gh[oprsu]_|github_pat_|glpat-|eyj|://|-----begin"
)
_HARMLESS = frozenset({"", "true", "false", "null", "''", '""', "[]", "{}"})


def mask(value: Any) -> Any:
    """JSON or text in which MASKED stands for what looks like a secret.

    Text may be lines of `K=V`, a configuration or a command line.
    """
    return _mask(value, 0)


def _mask(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return MASKED
    if isinstance(value, str):
        return _mask_text(value)
    if isinstance(value, list):
        return [_mask(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            key: MASKED
            if _is_of_secret(key) and _is_telling(item)
            else _mask(item, depth + 1)
            for key, item in value.items()
        }
    return value


@lru_cache(maxsize=4096)
def _is_of_secret(key: str) -> bool:
    return _SECRET.search(key) is not None


def _is_telling(value: Any) -> bool:
    """Whether it could be a secret at all."""
    return value is not None and not isinstance(value, bool) and value not in ("", [])


def _mask_text(text: str) -> str:
    if not _HINT.search(text.casefold()):
        return text
    for pattern, instead in _KNOWN:
        text = pattern.sub(instead, text)
    if not _SECRET.search(text):
        return text
    lines = _END_OF_LINE.split(_mask_long(text))
    return "\n".join(_mask_line(line) for line in lines)


def _mask_long(text: str) -> str:
    """Maps, blocks and long texts of telling keys, up to where they are closed."""
    parts, start = [], 0
    while found := _LONG.search(text, start):
        opening = found.start("opening" if found["opening"] else "block")
        end = _end_of(text, opening)
        is_empty = not text[opening + 1 : end - 1].strip()
        parts += [text[start:opening], text[opening:end] if is_empty else MASKED]
        start = end
    return "".join(parts) + text[start:]


def _end_of(text: str, opening: int) -> int:
    """Behind the bracket, or the quotes, that close those at `opening`."""
    depth = 0
    for piece in _PIECE.finditer(text, opening):
        if piece[0] in ("[", "{", "("):
            depth += 1
        elif piece[0] in ("]", "}", ")"):
            depth -= 1
        if depth <= 0:
            return piece.end()
    return len(text)


def _mask_line(line: str) -> str:
    if not _SECRET.search(line):
        return line
    whole = _LINE.fullmatch(line)
    if whole is not None and _SECRET.search(whole["key"]):
        return _instead(whole, whole["space"])
    return _OPTION.sub(_instead, _AMONG.sub(_instead, line))


def _instead(found: re.Match[str], space: str = "") -> str:
    if found["value"].strip() in _HARMLESS:
        return found[0]
    return f"{found['key']}{space}{MASKED}"
