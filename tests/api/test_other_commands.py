"""Plans, sweeps, verification and sharing from Python."""

from pathlib import Path

import jax
import pytest

import stylepipe
from stylepipe.errors import UsageError


def test_a_plan_names_states_and_reasons(home):
    assert [stage.state for stage in stylepipe.plan("look.yaml").stages] == ["run", "depends"]
    stylepipe.run("look.yaml")
    planned = stylepipe.plan("look.yaml", amount=2.0)
    assert [stage.state for stage in planned.stages] == ["cached", "run"]
    assert planned["sharp"].reasons == ("amount: 0.5 → 2.0",)
    assert stylepipe.explain("look.yaml", "sharp", amount=2.0) == (planned["sharp"],)


def test_a_sweep_has_its_variants_and_sheets(home):
    swept = stylepipe.sweep("look.yaml", amount=[0.1, 1.0], side=5)
    assert [variant.status for variant in swept.results.variants] == ["done", "done"]
    assert swept["amount=0.1"].params == {"amount": 0.1}
    assert swept.image("amount=1.0").size == (5, 3)
    assert all(sheet.is_file() for sheet in swept.sheets)
    assert "data:image/png" in swept._repr_html_()
    with pytest.raises(KeyError, match=r"no variant 'amount=9'"):
        swept["amount=9"]


def test_a_run_is_verified(home):
    result = stylepipe.run("look.yaml")
    verification = stylepipe.verify(result.path)
    assert (verification.verdict, verification.promised, verification.changed) == ("exact", "exact", {})
    assert verification.digests == {"sharp": result.record.outputs["sharp"].digest}


def test_a_verification_leaves_the_folder_of_compiled_programs_as_it_was(home):
    result = stylepipe.run("look.yaml")
    folder = jax.config.values["jax_compilation_cache_dir"]
    assert Path(folder).is_dir()
    stylepipe.verify(result.path)
    assert jax.config.values["jax_compilation_cache_dir"] == folder
    jax.config.update("jax_compilation_cache_dir", None)
    stylepipe.verify(result.path)
    assert jax.config.values["jax_compilation_cache_dir"] is None


def test_a_run_is_exported_and_imported(home):
    result = stylepipe.run("look.yaml")
    bundle = stylepipe.export(result.path, "look.stylepipe")
    assert stylepipe.run(bundle).cached
    folder = stylepipe.import_bundle(bundle, "elsewhere")
    assert stylepipe.run(folder / "resolved.yaml").record.outputs == result.record.outputs
    with pytest.raises(UsageError, match="exists already"):
        stylepipe.export(result.path, "look.stylepipe")
