"""Digests and imports of sources, kept between processes."""

import pytest

from stylepipe.engine.cache import parsed_sources
from stylepipe.engine.cache.parsed_sources import ParsedSources

PARSED = ("digest", ("a.b", "c"))


def stored(folder, *, parser: bytes = b"parser") -> ParsedSources:
    """As a new process would find them."""
    return ParsedSources(folder, parser=parser)


@pytest.fixture
def folder(tmp_path):
    sources = stored(tmp_path / "code")
    sources.put(b"source", "package", PARSED)
    sources.save()
    return tmp_path / "code"


def test_entries_are_found_by_source_and_package(folder):
    assert stored(folder).get(b"source", "package") == PARSED
    assert stored(folder).get(b"source", "other") is None
    assert stored(folder).get(b"changed", "package") is None


def test_another_parser_reads_none_of_them(folder):
    assert stored(folder, parser=b"changed").get(b"source", "package") is None


def test_nobody_else_can_read_or_write_them(folder):
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"\n", b"no checksum", b"\xff\n{}", None])
def test_a_damaged_file_holds_nothing_and_is_written_anew(folder, damage):
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes().replace(b"digest", b"digesT") if damage is None else damage)
    sources = stored(folder)
    assert sources.get(b"source", "package") is None
    sources.put(b"source", "package", PARSED)
    sources.save()
    assert stored(folder).get(b"source", "package") == PARSED


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    sources = stored(tmp_path / "file" / "code")
    sources.put(b"source", "package", PARSED)
    sources.save()
    assert sources.get(b"source", "package") == PARSED


def test_the_file_is_bounded(folder, monkeypatch):
    monkeypatch.setattr(parsed_sources, "MAX_SOURCES", 2)
    sources = stored(folder)
    for added in (b"second", b"third"):
        sources.put(added, "package", PARSED)
    sources.save()
    assert [stored(folder).get(source, "package") for source in (b"source", b"second", b"third")] == [None, PARSED, PARSED]
