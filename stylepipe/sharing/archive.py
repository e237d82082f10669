"""Reproducible archives, and safe unpacking.

An archive is a zip file with uncompressed members, sorted by name, all with the same time. The last one, `SHA256SUMS`, lists
the checksums of the others in the format of sha256sum. Since nothing is compressed, unpacking cannot make anything larger.
"""

import hashlib
import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedReader, BytesIO
from pathlib import Path, PurePosixPath

from stylepipe.engine.cache.atomic_files import output_errors, publish, system_reason, temporary_beside
from stylepipe.errors import InputError, StoreError, StylepipeError, UsageError
from stylepipe.paths import name_reason, open_regular
from stylepipe.recipe.syntax.recipe_files import escape_reason
from stylepipe.recipe.validation.problems import show
from stylepipe.zip_directory import directory_bytes

SUMS = "SHA256SUMS"
MAX_MEMBERS = 10_000
MAX_NAME = 255
MAX_DIRECTORY_BYTES = MAX_MEMBERS * 512
MAX_SUMS_BYTES = MAX_MEMBERS * 512

_TIME = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_UNPACKED = "It is unpacked beside its target by 'import', and in the folder for temporary files, $TMPDIR, by other commands."
_HINT = "Do not use it, or get it again from where it came."


def write_archive(path: Path, members: Mapping[str, Path | bytes]) -> None:
    """Writes files and bytes under their names, with their checksums.

    Raises UsageError when unpacking would refuse the archive, StoreError when it cannot be written.
    """
    infos = {name: _info(name) for name in [*sorted(members), SUMS]}
    _require_plain(path, _reason_against(infos.values()))
    temporary = temporary_beside(path)
    with output_errors(path.parent):
        try:
            with zipfile.ZipFile(temporary, "w", allowZip64=False) as archive:
                sums = {name: _write(archive, infos[name], members[name]) for name in sorted(members)}
                _write(archive, infos[SUMS], "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode())
            publish(temporary, path)
        except zipfile.LargeZipFile as error:
            raise UsageError(f"'{path}' would be larger than 4 GB.", hint="Leave out some of its inputs.") from error
        finally:
            temporary.unlink(missing_ok=True)


def write_folder(path: Path, members: Mapping[str, Path | bytes]) -> None:
    """Writes files and bytes under their names into a new folder.

    Raises UsageError, before anything is written, for names that an archive must not have, and StoreError when writing fails.
    """
    _require_plain(path, _reason_against_names(members))
    with output_errors(path.parent):
        path.mkdir()
        for name, source in members.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            with (path / name).open("xb") as file:
                file.writelines(_chunks(source))


def unpack_archive(path: Path, folder: Path) -> None:
    """Checks the listing of an archive, unpacks it into an empty folder, and verifies all checksums.

    Raises InputError that names the first defect; the folder must not be used then.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(_checked(file, path)) as archive:
            if reason := _reason_against(archive.infolist()):
                raise refusal(path, reason)
            if any(info.header_offset < 0 for info in archive.infolist()):
                raise refusal(path, "its members lie outside of it")
            if sum(info.file_size for info in archive.infolist()) > path.stat().st_size:
                raise refusal(path, "its members overlap")
            sums = {
                info.filename: _write_file(folder / info.filename, _read(archive, info, path)) for info in archive.infolist()
            }
    except StylepipeError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"There is no file '{path}'.", hint="Check its name and its folder.") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    except Exception as error:  # the reader raises whatever it stumbles over
        raise refusal(path, "it is damaged, or no zip file") from error
    expected = _read_sums(path, folder)
    for name in sums.keys() - expected.keys() - {SUMS}:
        raise refusal(path, f"{show(name)} is not in its {SUMS}")
    for name, digest in expected.items():
        if name not in sums:
            raise refusal(path, f"{show(name)} is in its {SUMS}, and missing in the archive")
        if sums[name] != digest:
            raise refusal(path, f"{show(name)} differs from its {SUMS}")


def refusal(path: Path, reason: str) -> InputError:
    """Returns the error for an unusable archive; `reason` is a clause."""
    return InputError(f"'{path}' is refused: {reason}.", hint=_HINT)


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"'{path}' cannot be read: {system_reason(error)}.", hint="Name a bundle, a regular file.")


def _require_plain(path: Path, reason: str | None) -> None:
    if reason:
        raise UsageError(f"'{path}' cannot be written: {reason}.", hint="Give the file another name.")


# --- writing ------------------------------------------------------------------------------------------------------------


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _TIME)
    info.create_system = 3  # Unix, on every system
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: Path | bytes) -> str:
    """Adds a member; returns its SHA-256."""
    sha256 = hashlib.sha256()
    with archive.open(info, "w") as member:
        for chunk in _chunks(source):
            member.write(chunk)
            sha256.update(chunk)
    return sha256.hexdigest()


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    with BytesIO(source) if isinstance(source, bytes) else open_regular(source) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


# --- reading ------------------------------------------------------------------------------------------------------------


def _checked(file: BufferedReader, path: Path) -> BufferedReader:
    """Opens the file, unless its table of members could exhaust the memory, which its last bytes show."""
    directory = directory_bytes(file)
    if directory is None:
        raise refusal(path, "it does not end as a zip file without a comment does")
    if directory > MAX_DIRECTORY_BYTES:
        raise refusal(path, f"it has more than {MAX_MEMBERS} members, or is larger than 4 GB")
    return file


def _reason_against(members: Iterable[zipfile.ZipInfo]) -> str | None:
    """Returns what is wrong with a listing, as a clause."""
    members = list(members)
    if len(members) > MAX_MEMBERS:
        return f"it has {len(members)} members; at most {MAX_MEMBERS} are read"
    for info in members:
        if reason := _reason(info):
            return f"{show(info.filename)}: {reason}"
    names = [info.filename for info in members]
    return _reason_against_names(names) or (None if SUMS in names else f"it has no {SUMS}")


def _reason_against_names(members: Iterable[str]) -> str | None:
    """Returns what is wrong with the names of files for one folder, as a clause."""
    names: dict[str, str] = {}
    for name in members:
        if reason := _name_reason(name):
            return f"{show(name)}: {reason}"
        plain = unicodedata.normalize("NFC", name).casefold()
        if plain in names:
            same = names[plain] == name
            return f"{show(name)} is in it twice" if same else f"{show(name)} and {show(names[plain])} differ only in case"
        names[plain] = name
    for name in names:
        if above := next((str(folder) for folder in PurePosixPath(name).parents if str(folder) in names), None):
            return f"{show(names[above])} is both a file and a folder"
    return None


def _name_reason(name: str) -> str | None:
    """Returns why a file must not be written under a name (which may contain folders), as a clause."""
    if reason := escape_reason(name):
        return reason
    if len(name.encode(errors="replace")) > MAX_NAME:
        return f"its name is longer than {MAX_NAME} bytes"
    parts = name.split("/")
    if any(part in ("", ".") for part in parts):
        return "it is a folder, or its name is not a plain path"
    return next((reason for part in parts if (reason := name_reason(part))), None)


def _reason(info: zipfile.ZipInfo) -> str | None:
    """Returns why a member is refused, as a clause."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.orig_filename != info.filename:
        return "its name holds a zero byte"
    if reason := _name_reason(info.filename):
        return reason
    if kind == stat.S_IFLNK:
        return "it is a symbolic link"
    if kind not in (0, stat.S_IFREG):
        return "it is no ordinary file"
    if info.flag_bits & 0x2041:
        return "it is encrypted"
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        return "it is compressed, and members are stored as they are"
    return None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Iterator[bytes]:
    """Returns the bytes of a member. Raises InputError when the archive at that path cannot be read."""
    try:
        with archive.open(info) as member:
            while chunk := member.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise _unreadable(path, error) from error


def _write_file(path: Path, chunks: Iterable[bytes]) -> str:
    """Writes a member; returns its SHA-256. Raises StoreError, without the name of the temporary folder."""
    sha256 = hashlib.sha256()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
                sha256.update(chunk)
    except OSError as error:
        raise StoreError(f"The archive cannot be unpacked: {system_reason(error)}.", hint=_UNPACKED) from error
    return sha256.hexdigest()


def _read_sums(path: Path, folder: Path) -> dict[str, str]:
    data = (folder / SUMS).read_bytes() if (folder / SUMS).stat().st_size <= MAX_SUMS_BYTES else b""
    try:
        matches = [re.fullmatch(r"([0-9a-f]{64})  (.+)", line) for line in data.decode().removesuffix("\n").split("\n")]
    except UnicodeDecodeError:
        matches = [None]
    sums = {match[2]: match[1] for match in matches if match}
    if not sums or len(sums) != len(matches):
        raise refusal(path, f"its {SUMS} cannot be read")
    return sums
