"""The source that counts as a module's own."""

import hashlib
import sys

import pytest

from stylepipe.engine.cache import code_digests
from stylepipe.engine.cache.code_digests import source_digests
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


def digests() -> dict[str, str]:
    """As a new process would find them."""
    for cached in (source_digests, code_digests._locate, code_digests._read):
        cached.cache_clear()
    return dict(source_digests("trialpack.blur"))


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
    assert found["trialpack._kernel"] == hashlib.sha256(FILES["_kernel.py"].encode()).hexdigest()
    assert "trialpack" not in sys.modules


@pytest.mark.parametrize("changed", ["blur.py", "_kernel.py", "deep/table.py", "other.py"])
def test_a_change_of_a_dependency_is_a_change(pack, changed):
    before = digests()
    (pack / changed).write_text(FILES[changed] + "# changed\n")
    assert digests() != before


def test_a_change_elsewhere_is_none(pack):
    before = digests()
    (pack / "unrelated.py").write_text("changed = True\n")
    assert digests() == before


def test_a_module_without_source_is_refused():
    with pytest.raises(StageContractError, match=r"The source of the module 'no\.such' cannot be found"):
        source_digests("no.such")
