"""Command lines that cannot be carried out: exit code 2, and exactly what is wrong."""

import pytest

CASES = [
    (["run", "no.yaml"], "error: no.yaml: There is no file no.yaml.\n"),
    (["run", "recipe.yaml", "-p", "amount"], "error: -p amount: expected NAME=VALUE.\nhint: For example -p size=512.\n"),
    (["run", "recipe.yaml", "-p", "=3"], "error: -p =3: expected NAME=VALUE.\nhint: For example -p size=512.\n"),
    (["run", "recipe.yaml", "-p", "steps=1", "-p", "steps=2"], "error: -p steps is given twice.\nhint: Give it once.\n"),
    (
        ["run", "recipe.yaml", "-p", "amout=1"],
        "error: -p amout: The recipe has no param 'amout'. Did you mean 'amount'?\n",
    ),
    (
        ["run", "recipe.yaml", "-p", "steps=many"],
        "error: -p steps: steps is 'many'; expected a whole number, as its default is.\n",
    ),
    (
        ["run", "recipe.yaml", "-p", "amount=7"],
        "error: recipe.yaml:6:50: stages.bright.amount is 7 (from $params.amount); expected a number from -1 to 1.\n",
    ),
    (
        ["run", "recipe.yaml", "--until", "drak"],
        "error: The recipe has no stage 'drak'.\nhint: Did you mean 'dark'?\n",
    ),
    (
        ["run", "recipe.yaml", "--from", "unneeded"],
        "error: 'unneeded' does not contribute to the outputs.\nhint: Stages that do: bright, dark, bright_again.\n",
    ),
    (
        ["run", "recipe.yaml", "--force", "drak"],
        "error: The recipe has no stage 'drak'.\nhint: Did you mean 'dark'?\n",
    ),
    (["explain", "recipe.yaml", "drak"], "error: The recipe has no stage 'drak'.\nhint: Did you mean 'dark'?\n"),
    (["show", "toy"], "error: There is no run 'toy' in 'outputs'.\nhint: `stylepipe runs` lists them.\n"),
    (["stages", "walks"], "error: There is no stage 'walks'.\nhint: Did you mean 'walk'?\n"),
    (["init", "recipe.yaml"], "error: 'recipe.yaml' exists already.\nhint: Name another file, or move it away.\n"),
    (
        ["init", "no/look.yaml"],
        "error: 'no/look.yaml' cannot be written: No such file or directory.\nhint: Name a file in another folder.\n",
    ),
    (["weights", "path", "vgg20"], "error: There are no weights 'vgg20'.\nhint: Did you mean 'vgg19'?\n"),
    (
        ["weights", "pull", "vgg19", "--offline"],
        "error: The weights 'vgg19' are not on this machine, and downloads are turned off.\n"
        "hint: Allow downloads, or put vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 into the folder that "
        "$STYLEPIPE_WEIGHTS names.\n",
    ),
    (
        ["weights", "verify", "net.safetensors"],
        "error: There is no file 'net.safetensors'.\nhint: Check its name and its folder.\n",
    ),
    *(
        (
            ["cache", "gc", "--size", size],
            f"error: --size {size}: expected a number and one of KB, MB, GB, TB.\nhint: For example --size 2GB.\n",
        )
        for size in ("2", "GB", "-2GB", "2 bytes", "nanGB", "9999999999GB")
    ),
]

# What typer itself finds wrong, and what its message must name.
TYPER = [
    ([], "Usage: stylepipe"),
    (["cache"], "Usage: stylepipe cache"),
    (["paint"], "'paint'"),
    (["run"], "RECIPE"),
    (["run", "recipe.yaml", "--color"], "--color"),
    (["run", "recipe.yaml", "other.yaml"], "other.yaml"),
    (["run", "recipe.yaml", "--until"], "--until"),
    (["cache", "gc", "--days", "-1"], "--days"),
    (["cache", "gc", "--days", "1.5"], "--days"),
    (["cache", "gc", "--days", "99999"], "--days"),
    (["cache", "clear"], "'clear'"),
]


@pytest.mark.parametrize(("arguments", "message"), CASES, ids=[" ".join(arguments) for arguments, _ in CASES])
def test_message(cli, home, arguments, message):
    said = cli(*arguments)
    assert (said.code, said.out, said.err) == (2, "", message)
    assert not (home / "outputs").exists()


@pytest.mark.parametrize(("arguments", "named"), TYPER, ids=[" ".join(arguments) or "nothing" for arguments, _ in TYPER])
def test_message_of_typer(cli, arguments, named):
    said = cli(*arguments)
    assert (said.code, said.out) == (2, "")
    assert named in said.err


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("--cache", "The cache 'photo.png' cannot be used: it is not a folder."),
        ("--outputs", "The output folder 'photo.png' cannot be used: it is not a folder."),
    ],
)
def test_a_folder_that_is_a_file(cli, place, said):
    """Not a usage error: the folder may be full, or gone, just as well."""
    answer = cli("run", "recipe.yaml", "--quiet", place, "photo.png")
    assert answer.code == 1
    assert f"error: {said}\n" in answer.err
