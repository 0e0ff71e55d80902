"""Where settings come from, before anybody asks what they mean: the environment, a `.env`, files, systemd credentials.

    environment                  wins over
    .env                         refused when its group or others can read it; wins over
    $CREDENTIALS_DIRECTORY/…     what systemd's LoadCredential= laid there: secrets, named in small letters

A secret `X` can also be given as `X_FILE`, the path of a file that holds it. Nothing here raises: mistakes are
collected, one line each, so that all are told at once. No line holds a value.
"""

import difflib
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

PREFIX = "TELEMOX_"
SUFFIX = "_FILE"
RESERVED = "TELEMOX_CLUSTERS__"
"""TELEMOX_CLUSTERS__<name>__PVE_HOSTS …: several clusters, once they come. Until then no other setting may begin so."""

NEAR = 0.75
"""Of difflib's 0..1: ADMIN is as near as that to ADMINS; TOKEN is so to none of the tokens."""
_LARGEST = 16 * 1024
"""Bytes of a secret's file. Whatever is larger is some other file."""


@dataclass(slots=True)
class Gathered:
    values: dict[str, str] = field(default_factory=dict)  # full name -> text; what is empty counts as absent
    mistakes: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)  # names that were given and could not be read
    refused: bool = False  # the `.env` as a whole: what it would have set is not known

    def wrong(self, name: str, line: str) -> None:
        self.mistakes.append(line)
        self.failed.add(name)

    def refuse(self, line: str) -> None:
        self.mistakes.append(line)
        self.refused = True


def gather(
    names: Mapping[str, bool], environ: Mapping[str, str], env_file: Path | None, *, must_exist: bool = False
) -> Gathered:
    """`names`: every known full name, and whether it is a secret. `env_file` None: no such file is looked for."""
    found = Gathered()
    _take({name: value for name, value in environ.items() if _ours(name)}, names, "", found)
    if env_file is not None:
        _take(dict(_env_file(env_file, must_exist, found)), names, f" ({env_file})", found)
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        _credentials(Path(directory), names, found)
    return found


def _ours(name: str) -> bool:
    return name.upper().startswith(PREFIX)


def _take(given: Mapping[str, str], names: Mapping[str, bool], where: str, found: Gathered) -> None:
    """Adds what `given` holds and no source before it held."""
    before = frozenset(found.values) | found.failed
    for name, value in given.items():
        base = name.removesuffix(SUFFIX)
        by_file = name not in names and name.endswith(SUFFIX) and names.get(base, False)
        if name.startswith(RESERVED):
            line = f"{name}{where}: several clusters are not supported yet; set TELEMOX_PVE_HOSTS and its tokens"
            found.wrong(name, line)
        elif name not in names and not by_file:
            found.wrong(name, f"{name}{where}: there is no such setting{_nearest(name, names)}")
        elif (by_file and base in before) or name in before or not value.strip():
            continue
        elif not by_file:
            found.values[name] = value.strip()
        elif given.get(base, "").strip():
            found.wrong(base, f"{name}{where}: {base} is set too; keep one of them")
        elif (text := _secret_file(name, Path(value.strip()), base, found)) is not None:
            found.values[base] = text


def _nearest(name: str, names: Mapping[str, bool]) -> str:
    known = [*names, *(known + SUFFIX for known, secret in names.items() if secret)]
    close = _near(name.upper(), known)
    return f"; did you mean {close}?" if close else ""


def _near(name: str, known: Iterable[str]) -> str:
    """The known name that is a typing error away; '' where there is none. The prefix they share says nothing; of a
    name in pieces (ALERTS__STORAGE_FULL__WARNING) each piece must be near."""
    pieces = name.removeprefix(PREFIX).split("__")
    best, found = 0.0, ""
    for text in known:
        own = text.removeprefix(PREFIX).split("__")
        if len(own) == len(pieces):
            ratios = [difflib.SequenceMatcher(None, *pair).ratio() for pair in zip(own, pieces, strict=True)]
            if min(ratios) >= NEAR and sum(ratios) > best:
                best, found = sum(ratios), text
        elif "_".join(pieces) == "_".join(own):
            return text  # one underscore where two belong
    return found


def _env_file(path: Path, must_exist: bool, found: Gathered) -> Iterator[tuple[str, str]]:
    """The TELEMOX_ lines of a `.env`; other names are somebody else's. Values are not expanded."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            found.refuse(f"{path}: is not a file")
            return
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            found.refuse(f"{path}: others can read it; run: chmod 600 {path}")
            return
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if must_exist:
            found.refuse(f"{path}: there is no such file")
        return
    except OSError as error:
        found.refuse(f"{path}: cannot be read ({error.strerror})")
        return
    except UnicodeDecodeError:
        found.refuse(f"{path}: is not UTF-8 text")
        return
    yield from _lines(path, text, found)


def _lines(path: Path, text: str, found: Gathered) -> Iterator[tuple[str, str]]:
    seen: dict[str, int] = {}
    for binding in parse_stream(StringIO(text)):
        # what the parser gives begins with the line breaks before it
        ahead = binding.original.string
        line = binding.original.line + ahead[: len(ahead) - len(ahead.lstrip())].count("\n")
        if binding.error:
            found.mistakes.append(f"{path}: line {line} is not NAME=value")
        elif binding.key is not None and _ours(binding.key):
            if binding.key in seen:
                found.wrong(binding.key, f"{binding.key} ({path}): is set in line {seen[binding.key]} and line {line}")
                continue
            seen[binding.key] = line
            if binding.value is None:
                found.wrong(binding.key, f"{binding.key} ({path}): line {line} has no =")
            else:
                yield binding.key, binding.value


def _credentials(directory: Path, names: Mapping[str, bool], found: Gathered) -> None:
    """systemd lays them where only the unit's user can look; their mode (0440 with an ACL) says nothing more."""
    try:
        present = {entry.name: entry for entry in directory.iterdir() if _ours(entry.name)}
    except OSError:
        return  # not ours to judge: another program's directory, inherited
    for file_name, path in sorted(present.items()):
        name = file_name.upper()
        if not names.get(name, False):
            close = _near(name, (known for known, secret in names.items() if secret))
            hint = f"; did you mean {close.lower()}?" if close else ""
            found.wrong(name, f"credential {file_name}: no secret setting has that name{hint}")
        elif name not in found.values and name not in found.failed:
            text = _secret_file(f"credential {file_name}", path, name, found, private=True)
            if text is not None:
                found.values[name] = text


def _secret_file(label: str, path: Path, name: str, found: Gathered, *, private: bool = False) -> str | None:
    """The one line that the file holds. `private`: its directory keeps others out, so its mode is not looked at."""
    text, trouble = "", ""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            trouble = f"{path} is not a file"
        elif status.st_mode & stat.S_IRWXO and not private:
            trouble = f"others can read {path}; run: chmod o= {path}"
        elif status.st_size > _LARGEST:
            trouble = f"{path} is too large to hold a secret"
        else:
            text = path.read_text(encoding="utf-8").strip()
            count = len(text.splitlines())
            trouble = "" if count == 1 else f"{path} " + ("holds more than one line" if count else "is empty")
    except OSError as error:
        trouble = f"{path} cannot be read ({error.strerror})"
    except ValueError:  # not UTF-8, or a path that cannot be one
        trouble = f"{path} is not text"
    if not trouble:
        return text
    found.wrong(name, f"{label}: {trouble}")
    return None
