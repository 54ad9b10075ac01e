"""Texts on the command line."""

import bz2
import csv
import json
import tomllib
from importlib.util import find_spec

import pandas as pd
import pytest
from test_cli import run
from toy_texts import toy_texts

from sksvp.cli._models import build_classifier, full_name
from sksvp.estimators import BagOfNgramsClassifier, FastTextClassifier, VDCNNClassifier


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reviews")
    for name, n, seed in (("train", 60, 0), ("test", 30, 1)):
        texts, y = toy_texts(n, n_classes=2, seed=seed)
        with open(folder / f"{name}.csv", "w", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
                (int(label == "sky") + 1, "title", text) for text, label in zip(texts, y, strict=True)
            )
    return folder


@pytest.fixture(autouse=True)
def few_buckets(monkeypatch):
    """The published ten million take 400 MB of memory and of disk."""
    monkeypatch.setitem(FastTextClassifier.__init__.__kwdefaults__, "bucket", 1000)


LINEAR = ["--proxy-epochs", "20", "--proxy-lr", "0.5", "--device", "cpu"]


def test_a_linear_model_chooses_for_a_deep_network(reviews, tmp_path):
    result = run(
        *["coreset", "--data", reviews, "--target", "vdcnn9", "--epochs", 1, "--batch-size", 16, *LINEAR],
        *["--train-rows", 24, "--baseline", "random", "--out", tmp_path / "run"],
    )
    assert result.exit_code == 0, result.output
    # Five epochs of a bag of n-grams have hardly any forgetting events.
    assert "\nentropy " in result.output and "forgetting_events" not in result.output
    assert len(pd.read_csv(tmp_path / "run" / "selected.csv")) == 12
    settings = json.loads((tmp_path / "run" / "config.json").read_text())["settings"]
    assert (settings["proxy"], settings["target"]) == ("bag-of-ngrams", "vdcnn9-maxpool")


def test_only_choosing_by_fasttext(reviews, tmp_path):
    if find_spec("fasttext") is None:
        pytest.skip("fasttext is not installed")
    result = run(
        *["coreset", "--data", reviews / "train.csv", "--proxy", "fasttext", "--target", "vdcnn29", *LINEAR],
        *["--subset-size", 20, "--only-select", "--out", tmp_path / "run"],
    )
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(tmp_path / "run" / "selected.csv")) == 20


def test_rounds_of_labels(reviews, tmp_path):
    linear = ["--proxy", "bag-of-ngrams", "--target", "bag-of-ngrams", "--epochs", "40", "--lr", "0.5"]
    result = run(
        *["active", "--data", reviews, *linear, "--device", "cpu", "--initial-size", 10],
        *["--round", 10, "--baseline", "random", "--out", tmp_path / "run"],
    )
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("network", ["bag-of-ngrams", "fasttext"])
def test_train(reviews, tmp_path, network):
    if network == "fasttext" and find_spec("fasttext") is None:
        pytest.skip("fasttext is not installed")
    result = run(
        *["train", "--data", reviews, "--network", network, "--epochs", 40, "--lr", 0.5, "--device", "cpu"],
        *["--out", tmp_path / "run"],
    )
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "run" / "results.json").read_text())["error"] < 0.1
    assert (tmp_path / "run" / "network.safetensors").exists()
    assert (tmp_path / "run" / "history.csv").exists() == (network != "fasttext")


def test_texts_get_networks_for_texts(reviews, tmp_path):
    result = run("train", "--data", reviews, "--epochs", 1, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "bag-of-ngrams: error" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--network", "resnet20"], "reads images: take a network such as vdcnn9 or bag-of-ngrams"),
        (["train", "--network", "vdcnn10"], "depth must be one of 9, 17, 29, 49"),
        (["train", "--network", "vdcnn9-mean"], "unknown"),
        (
            ["train", "--network", "bag-of-ngrams", "--schedule", "cifar"],
            "--network bag-of-ngrams takes no --schedule",
        ),
        (["train", "--network", "bag-of-ngrams", "--optimizer", "adam"], "takes no --optimizer"),
        (["train", "--network", "fasttext", "--text-length", "100"], "takes no --text-length"),
        (
            ["train", "--network", "vdcnn9", "--optimizer", "lion"],
            "--optimizer must be one of sgd, adam, got 'lion'",
        ),
        (["train", "--network", "vdcnn9", "--text-length", "40"], "--text-length 40 must be at least"),
        (["train", "--network", "vdcnn9", "--image-shape", "1,8,8"], "takes no --image-shape"),
        (["coreset", "--proxy", "bag-of-ngrams", "--target", "resnet20"], "'resnet20' reads images"),
    ],
)
def test_mistakes(reviews, tmp_path, arguments, message):
    result = run(*arguments, "--data", reviews, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "run").exists()


def test_images_are_not_for_networks_of_texts(tmp_path):
    result = run("train", "--dataset", "digits", "--network", "vdcnn9", "--out", tmp_path / "run")
    assert (result.exit_code, "reads texts" in result.output) == (2, True)


def test_a_bad_row_is_named_or_skipped(reviews, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text((reviews / "train.csv").read_text() + "good,a,b\n")
    options = ["coreset", "--data", path, *LINEAR, "--only-select", "--out", tmp_path / "run"]
    result = run(*options)
    assert result.exit_code == 2
    assert "bad.csv, line 61: the class must be a whole number from 1, got 'good'" in " ".join(
        result.output.split()
    )
    with pytest.warns(UserWarning, match="1 bad rows"):
        result = run(*options, "--skip-unreadable")
    assert result.exit_code == 0, result.output


@pytest.fixture
def own_table(tmp_path):
    """Rows as other programs write them: a header, the text first, classes by name, in cp1252."""
    texts, y = toy_texts(40, n_classes=2, seed=0)
    rows = [
        f"{text} déjà\t{number}\t{label}" for number, (text, label) in enumerate(zip(texts, y, strict=True))
    ]
    path = tmp_path / "mine.csv"
    path.write_bytes("\r\n".join(["review\tid\tmood", *rows]).encode("cp1252"))
    return path


OWN_COLUMNS = ["--text-column", "review", "--label-column", "mood", "--sep", r"\t", "--encoding", "cp1252"]


def test_a_table_of_one_s_own(own_table, tmp_path):
    options = ["coreset", "--data", own_table, *LINEAR, "--only-select", "--subset-size", 10]
    result = run(*options, *OWN_COLUMNS, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(tmp_path / "run" / "selected.csv")) == 10
    positions = ["--text-column", 0, "--label-column", 2, "--sep", "\t", "--encoding", "cp1252"]
    result = run(*options, *positions, "--header", "--out", tmp_path / "other")
    assert result.exit_code == 0, result.output
    chosen = [(tmp_path / folder / "selected.csv").read_text() for folder in ("run", "other")]
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            [],
            "line 1: a row needs a class and a text, this one has 1 column; for other tables give --label-column, "
            "--text-column, --sep or --encoding.",
        ),
        (
            OWN_COLUMNS[:6],
            "line 2: byte 0xe9 is not UTF-8; give the file's own, such as --encoding cp1252.",
        ),
        (OWN_COLUMNS[2:], ""),
        (
            [*OWN_COLUMNS[4:], "--label-column", 2],
            "looks like a header, 'review', 'id', 'mood': name the columns by "
            "--label-column and --text-column, or give --header; --no-header where it is a row.",
        ),
        (
            OWN_COLUMNS[:4],
            "no column 'mood', the --label-column; its first line is 'review\\tid\\tmood': is --sep \\t right?",
        ),
        ([*OWN_COLUMNS, "--no-header"], "--no-header: a file without a header has columns by position only"),
        (["--text-column", "review"], "--text-column needs --label-column"),
    ],
)
def test_mistakes_in_a_table_name_the_options(own_table, tmp_path, options, message):
    folder = tmp_path / "run"
    result = run("coreset", "--data", own_table, *LINEAR, "--only-select", *options, "--out", folder)
    assert result.exit_code == (2 if message else 0), result.output
    assert message in " ".join(result.output.split())


def test_options_of_a_table_are_for_a_table():
    result = run("coreset", "--dataset", "digits", "--label-column", "mood", "--encoding", "cp1252")
    assert result.exit_code == 2
    assert "--label-column and --encoding would change nothing: the data is not a table of texts" in " ".join(
        result.output.split()
    )


def test_a_row_of_another_encoding_is_skipped(reviews, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes((reviews / "train.csv").read_bytes() + b'"1","caf\xe9","a"\n')
    options = ["coreset", "--data", path, *LINEAR, "--only-select", "--out", tmp_path / "run"]
    result = run(*options)
    assert (result.exit_code, "bad.csv, line 61: byte 0xe9" in " ".join(result.output.split())) == (2, True)
    with pytest.warns(UserWarning, match="1 bad rows were left out, the first of them line 61"):
        result = run(*options, "--skip-unreadable")
    assert result.exit_code == 0, result.output


def test_names_of_networks():
    assert isinstance(build_classifier("bag-of-ngrams", lr=0.1, verbose=1), BagOfNgramsClassifier)
    vdcnn = build_classifier("vdcnn29-maxpool", max_epochs=3, device="cpu", layout=None)
    assert isinstance(vdcnn, VDCNNClassifier)
    assert (vdcnn.depth, vdcnn.pooling, vdcnn.max_epochs) == (29, "maxpool", 3)
    if find_spec("fasttext"):
        assert isinstance(build_classifier("fasttext", device="cpu", precision="auto"), FastTextClassifier)


def test_the_pooling_that_a_name_leaves_open_is_the_published_one():
    assert full_name("vdcnn9") == full_name("vdcnn9", "imdb") == "vdcnn9-maxpool"
    assert full_name("vdcnn29") == full_name("vdcnn29", "amazon_review_polarity") == "vdcnn29-conv"
    assert full_name("vdcnn29", "amazon_review_full") == "vdcnn29-maxpool"
    for name in ("vdcnn9-conv", "vdcnn29-kmaxpool", "bag-of-ngrams", "resnet20", "torchvision:vgg11"):
        assert full_name(name, "amazon_review_full") == name


def test_a_choice_by_chance_is_told_of_where_rows_are_only_chosen(tmp_path):
    lines = [
        f"{label},{word} {word} number {row}"
        for row in range(100)
        for label, word in ((1, "bad"), (2, "good"))
    ]
    (tmp_path / "own.csv").write_text(
        "\n".join(f'"{a}","{b}"' for a, b in (line.split(",") for line in lines))
    )
    options = ["coreset", "--data", tmp_path / "own.csv", *LINEAR, "--proxy-lr", 1, "--proxy-epochs", 5]
    options += ["--strategy", "forgetting_events", "--only-select", "--seeds", 2, "--device", "cpu"]
    result = run(*options, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    (hint,) = [line for line in result.output.splitlines() if line.startswith(("hint", "warning"))]
    assert hint.startswith("hint: forgetting_events: ") and "were drawn at random" in hint
    result = run(*options, "--strategy", "entropy", "--subset-size", 0.1, "--out", tmp_path / "small")
    hints = [line for line in result.output.splitlines() if line.startswith("hint: entropy: The 20")]
    assert len(hints) == 1 and "--strategy random, --class-balanced" in hints[0]


def test_probabilities_of_the_command_line(tmp_path, reviews):
    options = ["coreset", "--data", reviews / "train.csv", "--only-select", *LINEAR, "--strategy", "entropy"]
    result = run(*options, "--probabilities", "held_out", "--out", tmp_path / "a")
    assert result.exit_code == 2
    assert "--probabilities must be one of in_sample, out_of_fold, got 'held_out'" in result.output
    result = run(*options, "--probabilities", "out_of_fold", "--device", "cpu", "--out", tmp_path / "b")
    assert result.exit_code == 0, result.output


def test_files_in_the_form_of_fasttext(tmp_path):
    for name, seed in (("train", 0), ("test", 1)):
        texts, y = toy_texts(40, n_classes=2, seed=seed)
        with bz2.open(tmp_path / f"{name}.ft.txt.bz2", "wt") as file:
            file.writelines(f"__label__{label} {text}\n" for text, label in zip(texts, y, strict=True))
    data = ["--data", tmp_path / "train.ft.txt.bz2"]
    options = ["train", "--network", "bag-of-ngrams", "--epochs", 1, "--device", "cpu"]
    trained = run(*options, *data, "--test-data", tmp_path / "test.ft.txt.bz2", "--out", tmp_path / "a")
    assert trained.exit_code == 0, trained.output
    assert "on 40 test rows" in trained.stdout
    without = run(*options, *data, "--out", tmp_path / "b")
    assert without.exit_code == 2 and "--test-data" in without.stderr
    kept = tomllib.loads((tmp_path / "a" / "config.toml").read_text())
    assert kept["test-data"] == str(tmp_path / "test.ft.txt.bz2")


def test_a_table_with_a_file_of_test_rows_and_quotes_that_mean_nothing(tmp_path):
    for name in ("train", "test"):
        rows = "".join(
            f'{"good" if row % 2 else "bad"}\t"{"fine" if row % 2 else "dull"} {row}\n' for row in range(20)
        )
        (tmp_path / f"{name}.tsv").write_text("mood\ttext\n" + rows)
    options = [
        *["train", "--network", "bag-of-ngrams", "--epochs", 1, "--device", "cpu", "--label-column", "mood"],
        *["--data", tmp_path / "train.tsv", "--test-data", tmp_path / "test.tsv"],
    ]
    with pytest.warns(UserWarning, match="is read with quoting=False"):
        told = run(*options, "--out", tmp_path / "a")
    assert told.exit_code == 0, told.output
    quoted = run(*options, "--quoting", "--out", tmp_path / "c")
    assert quoted.exit_code == 2, quoted.output
    plain = run(*options, "--no-quoting", "--out", tmp_path / "b")
    assert plain.exit_code == 0, plain.output
