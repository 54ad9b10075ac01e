"""Run the demo in bfloat16, and in float32 with the kernels of an ordinary CPU; print both tables into README.md.

``python benchmarks/demo_tables.py`` goes on with the runs in ``runs/``, or only prints them where they are finished.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = {
    "bf16": "sksvp coreset --dataset digits --jobs 2 --precision bf16 --out runs/demo-bf16",
    "fp32": "ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 "
    "sksvp coreset --dataset digits --jobs 2 --precision fp32 --out runs/demo-fp32",
}


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


def main() -> None:
    readme = ROOT / "README.md"
    for name, command in COMMANDS.items():
        lines = [*command.replace(" sksvp", " \\\n    sksvp").splitlines(), "", *run(command).splitlines()]
        block = "\n".join(f"    {line}".rstrip() for line in lines)
        marks = f"<!-- demo table: {name} -->", "<!-- end of demo table -->"
        pattern = rf"(?<={re.escape(marks[0])}\n\n).*?(?=\n\n{re.escape(marks[1])})"
        text, n_found = re.subn(
            pattern,
            lambda _, block=block: block,
            readme.read_text(encoding="utf-8"),
            count=1,
            flags=re.DOTALL,
        )
        if n_found != 1:
            raise SystemExit(f"README.md has no {marks[0]}")
        readme.write_text(text, encoding="utf-8")
        recorded = ROOT / "docs" / "results" / f"demo-{name}"
        recorded.mkdir(exist_ok=True)
        for file in ("config.json", "results.csv", "results.json"):
            shutil.copy(ROOT / "runs" / f"demo-{name}" / file, recorded)
        print(block, end="\n\n")


if __name__ == "__main__":
    main()
