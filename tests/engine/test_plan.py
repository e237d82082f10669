"""Plans: what would run, and why."""

from dataclasses import replace

import pytest

from stylepipe.errors import UsageError


def states(plan) -> dict[str, str]:
    return {stage.name: stage.state for stage in plan.stages}


def test_at_first_everything_runs(lab):
    plan = lab.plan(lab.chain())
    assert states(plan) == {"brighter": "run", "rounded": "depends", "darker": "depends"}
    assert plan["brighter"].reasons == ("it has not run before",)
    assert plan["rounded"].reasons == ("'brighter' is computed first",)
    assert plan["rounded"].key is None
    assert plan["brighter"].seconds is None
    assert (plan.waiting, plan.seconds) == (plan.stages, 0)
    assert lab.calls == []
    assert not lab.store.root.exists()


def test_after_a_run_everything_is_cached_and_the_plan_knows_the_keys(lab):
    record = lab.run(lab.chain()).record
    plan = lab.plan(lab.chain())
    assert states(plan) == dict.fromkeys(["brighter", "rounded", "darker"], "cached")
    assert {stage.name: stage.key for stage in plan.stages} == {name: stage.key for name, stage in record.stages.items()}
    assert all(stage.seconds is not None and stage.reasons == () for stage in plan.stages)


def test_a_changed_parameter_is_named_and_only_what_is_below_waits(lab):
    lab.run(lab.chain())
    plan = lab.plan(lab.chain(second=0.5))
    assert states(plan) == {"brighter": "cached", "rounded": "cached", "darker": "run"}
    assert plan["darker"].reasons == ("amount: -0.2 → -0.5",)
    assert (plan.waiting, plan.seconds) == ((plan["darker"],), plan["darker"].seconds)
    plan = lab.plan(lab.chain(first=0.3, second=0.5))
    assert states(plan) == {"brighter": "run", "rounded": "depends", "darker": "depends"}
    assert plan["darker"].reasons == ("'rounded' is computed first", "amount: -0.2 → -0.5")


def test_the_comparison_is_with_what_the_stage_had_last(lab):
    lab.run(lab.chain())
    lab.run(lab.chain(second=0.5))
    lab.run(lab.chain())  # from the cache
    assert lab.plan(lab.chain(second=0.7))["darker"].reasons == ("amount: -0.2 → -0.7",)


def test_the_comparison_is_with_the_nearest_earlier_run(lab):
    recipes = {
        first: lab.chain(first=first, second=second) for first, second in [(0.2, 0.2), (0.4, 0.5), (0.3, 0.2), (0.5, 0.2)]
    }
    lab.image("content", 1)
    lab.run(recipes[0.2])
    lab.image("content", 2)
    lab.run(recipes[0.4])
    assert lab.plan(recipes[0.5])["brighter"].reasons == ("amount: 0.4 → 0.5",)
    lab.image("content", 1)
    plan = lab.plan(recipes[0.3])
    assert plan["brighter"].reasons == ("amount: 0.2 → 0.3",)
    assert plan["darker"].reasons == ("'rounded' is computed first",)


def test_only_so_many_earlier_runs_are_remembered(lab, monkeypatch):
    monkeypatch.setattr("stylepipe.engine.cache.store.MAX_REMEMBERED", 2)
    for amount in (0.11, 0.12, 0.13):
        lab.run(lab.chain(first=amount))
    assert len(lab.store.recent("trial", "brighter")) == 2
    lab.run(lab.chain(first=0.12))
    assert [each.document["params"]["amount"] for each in lab.store.recent("trial", "brighter")] == [0.12, 0.13]


def test_a_changed_input_is_named(lab):
    recipe = lab.chain()
    lab.run(recipe)
    lab.image("content", 2)
    assert lab.plan(recipe)["brighter"].reasons == ("its input 'image' changed",)


def test_a_result_that_is_gone_is_named(lab):
    record = lab.run(lab.chain()).record
    lab.store.object_path(f"{record.stages['darker'].output}.safetensors").unlink()
    plan = lab.plan(lab.chain())
    assert plan["darker"].state == "run"
    assert plan["darker"].reasons == ("its result is no longer in the cache",)


def test_a_damaged_record_is_named(lab):
    record = lab.run(lab.chain()).record
    path = lab.store.action_path(record.stages["darker"].key)
    path.chmod(0o644)
    path.write_text("{")
    assert "was damaged" in lab.plan(lab.chain())["darker"].reasons[0]


def test_forced_stages_run_and_what_is_below_depends(lab):
    lab.run(lab.chain())
    plan = lab.plan(lab.chain(), force=["rounded"])
    assert states(plan) == {"brighter": "cached", "rounded": "run", "darker": "depends"}
    assert plan["rounded"].reasons == ("it was forced",)
    assert states(lab.plan(lab.chain(), force=True)) == dict.fromkeys(["brighter", "rounded", "darker"], "run")


def test_stages_that_nothing_needs_are_left_out(lab):
    recipe = replace(lab.chain(), outputs={"result": "rounded"})
    plan = lab.plan(recipe)
    assert plan.left_out == ("darker",)
    assert list(states(plan)) == ["brighter", "rounded"]


def test_from_takes_what_is_before_from_the_cache_only(lab):
    with pytest.raises(UsageError) as caught:
        lab.plan(lab.chain(), start="darker")
    assert str(caught.value) == (
        "The stage 'brighter' comes before the first one to run, and its result is not in the cache. Run without --from."
    )
    lab.run(lab.chain(), until="rounded")
    assert states(lab.plan(lab.chain(), start="darker")) == {"brighter": "cached", "rounded": "cached", "darker": "run"}
