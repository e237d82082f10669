"""The source that counts as a module's own."""

import os
import sys

import pytest

from stylepipe.engine.cache import code_digests as module
from stylepipe.engine.cache.code_digests import code_digests
from stylepipe.stage import StageContractError

FILES = {
    "blur.py": (
        "import json\nfrom trialpack import _kernel\nfrom stylepipe.errors import Place\nimport stylepipe.image.files.io\n"
    ),
    "_kernel.py": "def kernel():\n    from .deep.table import TABLE\n    return TABLE\n",
    "deep/__init__.py": "raise RuntimeError('imported')\n",
    "deep/table.py": "import numpy\nif False:\n    from .. import other\nTABLE = 1\n",
    "other.py": "",
    "unrelated.py": "",
    "__init__.py": "",
}


@pytest.fixture
def pack(tmp_path, monkeypatch):
    folder = tmp_path / "trialpack"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def digests(**options) -> dict[str, str]:
    """As a new process would find them."""
    for cached in (code_digests, module._find, module._locate, module._read, module._stored_in):
        cached.cache_clear()
    return dict(code_digests("trialpack.blur", **options))


def test_imports_are_followed_through_the_pack_and_stylepipe_without_importing(pack):
    found = digests()
    own = {name for name in found if name.startswith("trialpack")}
    assert own == {
        "trialpack",
        "trialpack.blur",
        "trialpack._kernel",
        "trialpack.deep.table",
        "trialpack.other",
    }
    assert {"stylepipe.errors", "stylepipe.image.files.io", "stylepipe.artifacts"} <= found.keys()
    assert not {name for name in found if not name.startswith(("trialpack", "stylepipe"))}
    assert "trialpack" not in sys.modules


@pytest.mark.parametrize("changed", ["blur.py", "_kernel.py", "deep/table.py", "other.py"])
def test_a_change_of_a_dependency_is_a_change(pack, changed):
    before = digests()
    (pack / changed).write_text(FILES[changed] + "CHANGED = 1\n")
    assert digests() != before


def test_comments_docstrings_and_formatting_are_no_change(pack):
    before = digests()
    other = '"""A docstring."""\n\n# A comment.\ndef kernel( ):\n    """Another."""\n'
    (pack / "_kernel.py").write_text(other + "    from .deep.table import (TABLE,)\n    return TABLE")
    (pack / "deep/table.py").write_text(FILES["deep/table.py"] + '"""The docstring of a constant."""\n')
    assert digests() == before


@pytest.mark.parametrize("changed", ["if False:\n    TABLE = 1\n", "TABLE = '1'\n", "TABLE = -1\n", "TABLE: int = 1\n"])
def test_any_other_code_is_a_change(pack, changed):
    (pack / "deep/table.py").write_text("TABLE = 1\n")
    before = digests()
    (pack / "deep/table.py").write_text(changed)
    assert digests() != before


def test_an_unused_module_counts_only_where_one_that_is_used_imports_it(pack):
    unused = frozenset({"trialpack.deep.table", "trialpack.other"})
    assert not unused & digests(unused=unused).keys()
    followed = digests(unused=unused, followed=frozenset({"trialpack._kernel"}))
    assert unused & followed.keys() == {"trialpack.deep.table"}


@pytest.mark.parametrize("text", ["def kernel(:\n", "\0", "(" * 5000])
def test_code_that_cannot_be_parsed_counts_by_its_bytes(pack, text):
    (pack / "other.py").write_text(text)
    before = digests()["trialpack.other"]
    (pack / "other.py").write_text(text + "# changed")
    assert digests()["trialpack.other"] != before


def test_a_source_is_parsed_by_one_process_only(pack, monkeypatch):
    before, parsed = digests(), []
    parse = module._parse
    monkeypatch.setattr(module, "_parse", lambda source, package: parsed.append(package) or parse(source, package))
    assert digests() == before
    assert not parsed
    (pack / "other.py").write_text("NEVER_PARSED = True\n")
    assert digests() != before
    assert parsed == ["trialpack"]


def test_a_change_that_size_and_time_do_not_show_is_a_change(pack):
    (pack / "other.py").write_text("VALUE = 1\n")
    before, status = digests(), (pack / "other.py").stat()
    (pack / "other.py").write_text("VALUE = 2\n")
    os.utime(pack / "other.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digests() != before


def test_a_change_elsewhere_is_none(pack):
    before = digests()
    (pack / "unrelated.py").write_text("changed = True\n")
    assert digests() == before


def test_a_module_without_source_is_refused():
    with pytest.raises(StageContractError, match=r"The source of the module 'no\.such' cannot be found"):
        code_digests("no.such")
