"""Whatever is in a file, it is a recipe or it is refused in plain words: soon, and within memory."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylepipe.errors import RecipeError
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.syntax.scalars import dump
from stylepipe.recipe.syntax.yaml_text import MAX_BYTES

HERE = Path(__file__).parent
SAMPLES = [
    path.read_text(encoding="utf-8")
    for path in [*sorted((HERE / "recipes").glob("*.yaml")), *sorted((HERE.parents[1] / "recipes").glob("*.yaml"))]
]

SECONDS = 5.0
MEGABYTES = 200

WEIRD = r"""
$ $$ ${ ${} $item $previous $params $params.x ${params.sizes} $painted@192 $content.x - : ? , [ ] { } [[ ]] # & * ! !!int &a *a
<< | > ' " % @ ` ~ null true no 1e5 1e999 .inf -1 0 0x 0o9 99999999999999999999 1.5 é 𝄞 \ "\0" --- ... use foreach kind layers
weight extends: stages: output: paint soften ../x /x C:x
"""
TOKENS = [*WEIRD.split(), "\u2028", "\x85", "\x07", "\ufeff", "\t", "\n"]


def mutate(text: str, random: Random) -> str:
    """The text with one to six random changes to its lines and words."""
    for _ in range(random.randint(1, 6)):
        lines = text.splitlines(keepends=True) or ["\n"]
        at, other = random.randrange(len(lines)), random.randrange(len(lines))
        words = list(re.finditer(r"[\w$.@-]+|\S", text))
        word = random.choice(words) if words else None
        match random.randrange(8):
            case 0:
                lines[at : at + random.randint(1, 3)] = []
            case 1:
                lines.insert(other, lines[at])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = " " * random.randint(0, 6) + lines[at].lstrip(" ")
            case 4 if word:
                lines = [text[: word.start()], random.choice(TOKENS), text[word.end() :]]
            case 5 if word:
                lines = [text[: word.start()], random.choice(words)[0], text[word.end() :]]
            case 6 if word:
                lines = [text[: word.start()], random.choice(TOKENS), text[word.start() :]]
            case 7 if word:
                depth = random.choice([1, 3, 40, 70])
                opening, closing = random.choice([("[", "]"), ("{a: ", "}"), ("- ", ""), ("'", "'"), ("{", "}")])
                lines = [text[: word.start()], opening * depth, word[0], closing * depth, text[word.end() :]]
        text = "".join(lines)
    return text


def check(text: str, folder: Path) -> None:
    """Loads a recipe from any text, and holds what comes of it against what is promised."""
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    start = time.process_time()
    try:
        recipe = load_recipe(path)
    except RecipeError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.place or "These are the first" in problem.message
            assert re.fullmatch(r"[\S ]+\.", problem.message)
            assert not re.search(
                r"[Ii]nput should|validation error|pydantic|<class|Traceback|None\b", problem.message.replace(text, "")
            )
            assert len(str(problem)) < 2000
    else:
        assert recipe.outputs
        path.write_text(dump(dict(recipe.document)), encoding="utf-8", newline="")
        again = load_recipe(path)
        assert [(node.name, node.inputs, node.params) for node in again.stages.values()] == [
            (node.name, node.inputs, node.params) for node in recipe.stages.values()
        ]
    assert time.process_time() - start < SECONDS


def fuzz(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz(200)
@given(st.sampled_from(SAMPLES), st.integers(0, 2**32))
def test_changed_recipes(tmp_path: Path, text: str, seed: int) -> None:
    check(mutate(text, Random(seed)), tmp_path)


@fuzz(80)
@given(st.lists(st.sampled_from([*TOKENS, " ", "\n", "\n  ", "a", "b: ", "- "]), max_size=40).map("".join))
def test_strings_of_tokens(tmp_path: Path, text: str) -> None:
    check(text.replace("\ud800", ""), tmp_path)


@fuzz(80)
@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError):
        load_recipe(path)


@fuzz(80)
@given(st.text("[]{}'\"$&*!-:, #a1.e\n\\", max_size=20), st.sampled_from(["sizes", "weight", "who", "photo", "looks", "seed"]))
def test_any_override(tmp_path: Path, text: str, name: str) -> None:
    try:
        recipe = load_recipe(HERE / "recipes" / "everything.yaml", overrides={name: text})
    except RecipeError as error:
        assert all(problem.place for problem in error.problems)
    else:
        assert type(recipe.params[name]) in {int, float, str, list, dict}


# --- texts made to take long or to fill the memory -----------------------------------------------------------------------

HEAD = "stylepipe: 1\nname: a\ninputs: {p: {image: p.png}}\n"


def paint(block: str, params: str = "") -> str:
    return f"{HEAD}params: {{{params}}}\nstages:\n  s: {{use: paint, content: $p, styles: [], {block}}}\noutput: $s\n"


def chain(count: int, image: str, use: str = "use: soften, image: ") -> str:
    blocks = "".join(
        f"  s{number}: {{{use}{image.format(next=(number + 1) % count, number=number)}}}\n" for number in range(count)
    )
    return f"{HEAD}stages:\n{blocks}output: $s1\n"


HOSTILE = {
    "wrong losses": paint(f"losses: [{'{kind: gram, weight: 0}, ' * 1900}]"),
    "wrong losses in a loop": paint(
        f"foreach: {list(range(100))}, losses: $params.l", f"l: [{'{kind: gram, weight: 0}, ' * 1900}]"
    ),
    "many values": paint("extra: {a: $params.l, b: $params.l, c: $params.l, d: $params.l}", f"l: [{'1, ' * 9000}]"),
    "many models": paint(f"foreach: {list(range(100))}, losses: $params.l", f"l: [{'{kind: gram}, ' * 200}]"),
    "large numbers": paint("seeds: $params.l", f"l: [{('9' * 100 + ', ') * 9000}]"),
    "unknown names": chain(900, "$nothing{number}"),
    "unknown long names": chain(900, "$" + "s" * 59 + "{number}"),
    "unknown keys": chain(900, "$p, strength: 3"),
    "unknown params": paint(
        f"extra: [{', '.join(f'$params.m{n}' for n in range(900))}]", ", ".join(f"n{n}: 1" for n in range(4000))
    ),
    "similar params": paint(
        f"extra: [{', '.join('$params.' + 'n' * 50 + f'x{n}' for n in range(900))}]",
        ", ".join("n" * 50 + f"{n}: 1" for n in range(4000)),
    ),
    "long chain": chain(990, "$p", "use: paint, styles: [$s{next}], content: ").replace("$s0]", "]"),
    "long circle": chain(990, "$s{next}"),
    "short circles": chain(990, "$s{number}"),
    "dense circles": chain(90, f"[{', '.join(f'$s{number}' for number in range(90))}]", "use: paint, content: $p, styles: "),
    "equal keys": "a: 1\n" * 90_000,
    "aliases": f"a: &a [x]\nb: [{'*a, ' * 9000}]\n",
    "a bomb of aliases": "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 40)),
    "long description": paint("extra: {}").replace("name: a", f"name: a\ndescription: {'x' * 900_000}"),
    "long text again and again": paint(f"foreach: {list(range(900))}, extra: {{a: $params.t}}", f"t: {'x' * 900_000}"),
    "dollars": paint(f"extra: {{a: '{'$' * 900_000}'}}"),
    "doubled dollars": paint(f"extra: {{a: '{'$$' * 4999}'}}"),
    "text in text": paint(f"extra: {{a: '{'${params.t}' * 900}'}}", f"t: {'x' * 9000}"),
    "many items": paint(f"foreach: {list(range(9000))}"),
    "many mappings as items": paint(f"foreach: [{'{a: 1}, ' * 3000}]"),
    "long items": paint(f"foreach: {list(range(999))}, extra: {{a: '${{item}}{'x' * 3000}'}}"),
    "deep in deep": paint(f"extra: {{a: {'{a: ' * 55}$params.d{'}' * 55}}}", f"d: {'[' * 60}{']' * 60}"),
    "brackets": "[" * 30_000,
    "braces": "{a: " * 30_000,
    "dashes": "- " * 30_000,
    "many keys": "{" + ", ".join(f"k{number}: {{}}" for number in range(4900)) + "}",
    "long key": f"? {'k' * 900_000}\n: 1",
    "long name": f"name: {'k' * 900_000}",
    "long stage": f"{HEAD}stages: {{a: {{use: {'k' * 900_000}}}}}\noutput: $a\n",
    "long tag": f"a: !{'t' * 900_000} b\n",
    "long reference": paint(f"extra: {{a: $params{'.a' * 4000}}}"),
    "wrong sweep": paint("extra: {}", "a: 1") + f"sweep: {{grid: {{a: [{'x, ' * 9000}]}}}}\n",
}


MEASURE = """
import re, sys, time
from pathlib import Path
from stylepipe.errors import RecipeError
from stylepipe.recipe.load import load_recipe

def measure(folder, pattern):
    slowest = (0, "none")
    for path in Path(folder).glob(pattern):
        start = time.process_time()
        try:
            load_recipe(path)
        except RecipeError:
            pass
        slowest = max(slowest, (time.process_time() - start, path.name))
    most = re.search(r"VmHWM:\\s*([0-9]+) kB", Path("/proc/self/status").read_text())
    print(slowest[0], int(most[1]) / 1000, slowest[1], sep=",")

ours, shipped = sys.argv[1:]
measure(ours, "ours-*.yaml")
measure(shipped, "*.yaml")
measure(ours, "shipped-*.yaml")
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the largest size of a process is read as Linux tells it")
def test_time_and_memory(tmp_path: Path, pack: Path) -> None:
    """Each recipe ends soon and the process stays small; once the shipped recipes' stages are imported, it hardly grows."""
    random = Random(1)
    texts = {f"ours-{name}": text for name, text in HOSTILE.items()}
    texts |= {f"ours-{number}": mutate(SAMPLES[0], random) for number in range(50)}
    texts |= {f"shipped-{number}": mutate(random.choice(SAMPLES[1:]), random) for number in range(50)}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8", newline="")
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path), str(HERE.parents[1] / "recipes")],
        env={**os.environ, "PYTHONPATH": str(pack)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    (ours_seconds, ours, slowest), (_, imported, _), (shipped_seconds, shipped, _) = (
        (float(seconds), float(megabytes), name)
        for seconds, megabytes, name in (line.split(",") for line in run.stdout.splitlines())
    )
    assert ours_seconds < SECONDS, slowest
    assert shipped_seconds < SECONDS
    assert 20 < ours < MEGABYTES
    assert shipped - imported < 30


def test_hostile_recipes_are_of_a_size_that_is_read() -> None:
    assert max(len(text.encode()) for text in HOSTILE.values()) <= MAX_BYTES
