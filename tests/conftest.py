"""Fixtures that several test files share."""

import os
import signal

# One thread for each process, set before numpy and torch read it: tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import tarfile
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run; --hypothesis-profile default draws others.
settings.register_profile("sksvp", deadline=None, derandomize=True)
settings.load_profile("sksvp")

# AVX2 and no bfloat16, for torch's own kernels and those of oneDNN: torch reads both when it is loaded.
ORDINARY_CPU = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser):
    parser.addoption(
        "--ordinary-cpu",
        action="store_true",
        help="compute as on a CPU with AVX2 and without bfloat16, whatever this one has",
    )


def has_ordinary_cpu() -> bool:
    """Tell whether this CPU has neither AVX-512 nor bfloat16, so that the option would change nothing."""
    import torch

    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return capabilities.get("architecture") == "x86_64" and not capabilities.get("avx512_f", True)


def pytest_configure(config):
    if config.getoption("--ordinary-cpu"):
        # Processes that tests start inherit it. The question below loads torch, which reads it.
        os.environ.update(ORDINARY_CPU)
        if has_ordinary_cpu():
            pytest.exit("This CPU is an ordinary one: tests run as on one without the option.", returncode=0)


@pytest.fixture(params=[True, False], ids=["bf16", "no-bf16"])
def has_bf16(request, monkeypatch) -> bool:
    """Tell sksvp that the CPU has bfloat16 arithmetic, and then that it has none."""
    import sksvp._device

    ask = sksvp._device.multiplies_bf16
    monkeypatch.setattr(
        sksvp._device,
        "multiplies_bf16",
        lambda device: request.param if device.type == "cpu" else ask(device),
    )
    return request.param


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the repository; the test is skipped where it is not there."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data sets are not there: ../shared/data beside the repository")
    return SHARED_DATA


@pytest.fixture(scope="session")
def cifar10_head(shared_data, tmp_path_factory) -> Path:
    """A folder that holds the first 1,000 images of each CIFAR-10 batch, as published."""
    folder = tmp_path_factory.mktemp("cifar10")
    with tarfile.open(shared_data / "cifar10" / "cifar-10-batches-py-head1000.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def imagenette(shared_data, tmp_path_factory) -> Path:
    """The image folders of Imagenette at 96 x 96 pixels."""
    folder = tmp_path_factory.mktemp("imagenette")
    with tarfile.open(shared_data / "imagenette96" / "imagenette96.tar") as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture(autouse=True)
def hear_ctrl_c():
    """Hear the signal of Ctrl-C, which a process that was started in the background ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
