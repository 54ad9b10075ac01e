"""Run the demo in bfloat16, and in float32 with the kernels of an ordinary CPU; print its tables into README.md.

``python benchmarks/demo_tables.py`` goes on with the runs in ``runs/``, or only prints them where they are finished.
``python benchmarks/demo_tables.py pilot`` prints only what the demo's pilot says, which is asked anew each time.
"""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = {
    "bf16": "sksvp coreset --dataset digits --jobs 2 --precision bf16 --out runs/demo-bf16",
    "fp32": "ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 "
    "sksvp coreset --dataset digits --jobs 2 --precision fp32 --out runs/demo-fp32",
}
PILOT = "python examples/plot_pilot.py"


def run(command: str) -> str:
    """Run a command of the README and return its table."""
    variables, arguments = command.split("sksvp ")
    environment = {**os.environ, **dict(pair.split("=") for pair in variables.split())}
    shown = subprocess.run(
        [sys.executable, "-m", "sksvp", *arguments.split(), "--resume"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return shown[shown.index("chosen by") : shown.index("written to")].strip()


def insert(name: str, command: str, output: str) -> None:
    """Print a command and its output into README.md, between the marks with a name."""
    readme = ROOT / "README.md"
    block = "\n".join(f"    {line}".rstrip() for line in [*command.splitlines(), "", *output.splitlines()])
    marks = f"<!-- demo table: {name} -->", "<!-- end of demo table -->"
    pattern = rf"(?<={re.escape(marks[0])}\n\n).*?(?=\n\n{re.escape(marks[1])})"
    text, n_found = re.subn(
        pattern, lambda _: block, readme.read_text(encoding="utf-8"), count=1, flags=re.DOTALL
    )
    if n_found != 1:
        raise SystemExit(f"README.md has no {marks[0]}")
    readme.write_text(text, encoding="utf-8")
    print(block, end="\n\n")


def ask_pilot() -> str:
    """Return what the example of the pilot prints, in lines that fit a page."""
    command = [sys.executable, *PILOT.split()[1:]]
    shown = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [textwrap.wrap(line, 110, subsequent_indent="    ") for line in shown.splitlines()]
    return "\n".join(part for parts in lines for part in parts)


def main() -> None:
    for name, command in ({} if sys.argv[1:] == ["pilot"] else COMMANDS).items():
        insert(name, command.replace(" sksvp", " \\\n    sksvp"), run(command))
        recorded = ROOT / "docs" / "results" / f"demo-{name}"
        recorded.mkdir(exist_ok=True)
        for file in ("config.json", "results.csv", "results.json"):
            shutil.copy(ROOT / "runs" / f"demo-{name}" / file, recorded)
    insert("pilot", PILOT, ask_pilot())


if __name__ == "__main__":
    main()
