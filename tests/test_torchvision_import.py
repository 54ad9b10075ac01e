"""torchvision comes in where it can, and says plainly why where it cannot.

Each case has a process of its own: an import, once done, cannot be taken back.
"""

import os
import subprocess
import sys
import textwrap
from importlib.util import find_spec

import pytest

MISSING_OPERATOR = 'raise RuntimeError("operator torchvision::nms does not exist")'


def run_python(code, *, path=None):
    """Run code in a fresh process, with `path` ahead of the installed packages."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path), environment.get("PYTHONPATH")]))
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def fake_torchvision(folder, code):
    """Write a package torchvision whose submodule runs `code` when it is imported."""
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("from torchvision import inner\n")
    (package / "inner.py").write_text(textwrap.dedent(code))
    return folder


needs_torchvision = pytest.mark.skipif(
    find_spec("torchvision") is None, reason="torchvision is not installed"
)


@needs_torchvision
def test_networks_and_transforms_work_whether_or_not_the_compiled_part_loads():
    result = run_python(
        """
        from sksvp._torchvision import import_torchvision

        torchvision = import_torchvision()
        assert import_torchvision() is torchvision
        import torch
        from torchvision.transforms import v2

        images = v2.RandomHorizontalFlip(1.0)(torch.arange(2 * 3 * 64 * 64.0).reshape(2, 3, 64, 64))
        network = torchvision.models.resnet18(weights=None, num_classes=5).eval()
        print(tuple(network(images).shape), images[0, 0, 0, 0].item())
        """
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "(2, 5) 63.0"


def test_a_missing_operator_is_declared_and_the_import_tried_again(tmp_path):
    path = fake_torchvision(
        tmp_path,
        f"""
        import torch

        try:
            torch.ops.torchvision.nms, torch.ops.torchvision.qnms
        except AttributeError:
            {MISSING_OPERATOR} from None
        """,
    )
    code = """
        import torch
        from sksvp._torchvision import import_torchvision

        torchvision = import_torchvision()
        # What the package finds later: the operators must outlive the import.
        import gc; gc.collect()
        print(torchvision.inner.__name__, torch.ops.torchvision.nms.default._schema)
    """
    result = run_python(code, path=path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == (
        "torchvision.inner torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    )


def test_the_second_import_starts_afresh(tmp_path):
    """A submodule left over from the failed import would hide that its operators were not registered."""
    path = fake_torchvision(
        tmp_path,
        f"""
        import sys
        import torchvision.leaf

        sys.imports = getattr(sys, "imports", 0) + 1
        if sys.imports == 1:
            {MISSING_OPERATOR}
        """,
    )
    (path / "torchvision" / "leaf.py").write_text("import sys\nsys.leaves = getattr(sys, 'leaves', 0) + 1\n")
    result = run_python(
        "import sys, sksvp._torchvision as ours; ours.import_torchvision(); print(sys.leaves)", path=path
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "2"


@pytest.mark.parametrize(
    ("code", "attempts"),
    [('raise RuntimeError("CUDA versions differ")', 1), (MISSING_OPERATOR, 2)],
    ids=["another error", "the operator is missing again"],
)
def test_other_failures_reach_the_caller(tmp_path, code, attempts):
    path = fake_torchvision(tmp_path, f"import sys\nsys.attempts = getattr(sys, 'attempts', 0) + 1\n{code}\n")
    script = """
        import sys
        from sksvp._torchvision import import_torchvision

        kept = []  # errors keep their frames alive; a second try must give the same error all the same
        for _ in range(2):
            sys.attempts = 0
            try:
                import_torchvision()
            except RuntimeError as error:
                kept.append(error)
                print(sys.attempts, error)
    """
    result = run_python(script, path=path)
    assert result.returncode == 0, result.stderr
    message = code.split('"')[1]
    assert result.stdout.splitlines() == [f"{attempts} {message}"] * 2


@pytest.mark.parametrize("missing", ["torchvision", "PIL"])
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(tmp_path, missing):
    path = fake_torchvision(
        tmp_path, f'raise ModuleNotFoundError("No module named {missing!r}", name={missing!r})'
    )
    result = run_python(
        """
        from sksvp._torchvision import import_torchvision

        try:
            import_torchvision()
        except ImportError as error:
            print(error)
        """,
        path=path,
    )
    assert result.returncode == 0, result.stderr
    assert f"No module named '{missing}'" in result.stdout
    assert "pip install torchvision" in result.stdout
