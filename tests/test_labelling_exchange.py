"""Queries as CSV, and labels back from it."""

import csv

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from toy_proxies import blobs

from sksvp import ProxyActiveLearner
from sksvp.labelling import write_query

X, y = blobs(60)
NAMES = np.array(["ant", "bee", "cow"])


def learner_of(labels, X=X):
    return ProxyActiveLearner(LogisticRegression(max_iter=500), random_state=0).fit(X, labels)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def fill(path, labels, **options):
    """Write labels into the third column, as a labelling tool would."""
    lines = read(path)
    for line in lines[1:]:
        line[2] = labels.get(int(line[0]), "")
    with open(path, "w", newline="", encoding=options.pop("encoding", "utf-8")) as file:
        csv.writer(file, **options).writerows(lines)


@pytest.mark.parametrize("form", ["plain", "excel", "tabs", "bom"])
def test_out_and_back_in_part(tmp_path, form):
    learner = learner_of([NAMES[label] if row < 9 else None for row, label in enumerate(y)])
    rows = learner.query(6)
    path = tmp_path / "query.csv"
    names = [f"image, {row}.png" for row in range(60)]
    assert learner.export_query(path, names=names) is learner
    lines = read(path)
    assert lines[0] == ["row", "name", "label"]
    assert lines[1:] == [[str(row), names[row], ""] for row in rows]
    options = {"excel": {"delimiter": ";"}, "tabs": {"delimiter": "\t"}, "bom": {"encoding": "utf-8-sig"}}
    fill(path, {row: f" {NAMES[y[row]]}" for row in rows[::2].tolist()}, **options.get(form, {}))
    learner.import_labels(path)
    np.testing.assert_array_equal(learner.query(6), rows[1::2])
    learner.import_labels(path)  # again: nothing new
    assert len(learner.labeled_rows_) == 12
    np.testing.assert_array_equal(learner.labels_, NAMES[y[learner.labeled_rows_]])


def test_texts_name_themselves(tmp_path):
    texts = [f'a "quoted", line\nnumber {row}' for row in range(20)]
    proxy = make_pipeline(TfidfVectorizer(), LogisticRegression())
    learner = ProxyActiveLearner(proxy, random_state=0).fit(texts)
    rows = learner.query(3)
    learner.export_query(tmp_path / "query.csv")
    assert [line[1] for line in read(tmp_path / "query.csv")[1:]] == [texts[row] for row in rows]
    learner = learner_of(None)
    learner.query(2)
    learner.export_query(tmp_path / "query.csv")
    assert [line[1] for line in read(tmp_path / "query.csv")[1:]] == ["", ""]


@pytest.mark.parametrize("text", ["long " * 50_000, "half \ud800 a pair"], ids=["long", "surrogate"])
def test_strange_texts_go_out_and_their_labels_come_back(tmp_path, text):
    learner = ProxyActiveLearner(make_pipeline(TfidfVectorizer(), LogisticRegression()), random_state=0)
    learner.fit([text, "short"])
    learner.query(2)
    learner.export_query(tmp_path / "query.csv")
    filled = (tmp_path / "query.csv").read_text(encoding="utf-8").replace(",\n", ",a\n")
    (tmp_path / "query.csv").write_text(filled, encoding="utf-8")
    learner.import_labels(tmp_path / "query.csv")
    assert learner.labels_.tolist() == ["a", "a"]


def test_files_of_an_image_folder_name_themselves(tmp_path):
    from PIL import Image

    from sksvp.datasets import load_image_folder

    for number in range(6):
        folder = tmp_path / "train" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (40 * number, 0, 0)).save(folder / f"{number}.png")
    rows = load_image_folder(tmp_path, image_size=8).X_train
    learner = learner_of(None, X=rows)
    wanted = learner.query(3)
    learner.export_query(tmp_path / "query.csv")
    assert [line[1] for line in read(tmp_path / "query.csv")[1:]] == rows[wanted].paths


@pytest.mark.parametrize(
    ("known", "texts", "expected"),
    [
        (None, ["3", "10"], [3, 10]),
        (None, ["3", "x"], ["3", "x"]),
        (None, ["007", "3"], ["007", "3"]),
        (None, ["1.0", "0.0"], [1, 0]),
        (None, ["1.5", "0"], ["1.5", "0"]),
        (0, ["1", "2.0"], [1, 2]),
        ("1", ["1", "2"], ["1", "2"]),
    ],
    ids=str,
)
def test_labels_are_numbers_where_the_others_are(tmp_path, known, texts, expected):
    learner = learner_of(None if known is None else [known] + [None] * 59)
    (tmp_path / "labels.csv").write_text(
        "row,label\n" + "".join(f"{50 + k},{t}\n" for k, t in enumerate(texts))
    )
    learner.import_labels(tmp_path / "labels.csv", allow_extra=True)
    assert learner.labels_.tolist()[-2:] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"header with the columns row and label, got \[\]"),
        ("row,name\n1,a\n", "header with the columns row and label"),
        ("row,label\none,0\n", "line 2 of .*: row must be a whole number, got 'one'"),
        ("row,label\n1,0\n2,x\n", "line 3 of .*: label must be a whole number, got 'x'"),
        ("row,label\n59,0\n", "not asked for"),
        ("row,label\n0,7\n", "Conflicting labels for row 0"),
        ("row,label\n99,0\n", r"must lie in 0 \.\. 59"),
    ],
    ids=str,
)
def test_files_that_are_refused(tmp_path, content, message):
    learner = learner_of([label if row < 9 else None for row, label in enumerate(y.tolist())])
    learner.query(2)
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(ValueError, match=message):
        learner.import_labels(tmp_path / "labels.csv")
    assert len(learner.labeled_rows_) == 9


def test_a_file_in_another_encoding(tmp_path):
    (tmp_path / "labels.csv").write_bytes("row,label\n1,käse\n".encode("latin-1"))
    with pytest.raises(ValueError, match="must be a CSV file in UTF-8"):
        learner_of(None).import_labels(tmp_path / "labels.csv")


def test_what_cannot_be_exported(tmp_path):
    learner = learner_of(None)
    with pytest.raises(ValueError, match="call query first"):
        learner.export_query(tmp_path / "query.csv")
    learner.query(2)
    with pytest.raises(ValueError, match="inconsistent numbers of samples: X has 60, names has 59"):
        learner.export_query(tmp_path / "query.csv", names=["a"] * 59)
    assert not (tmp_path / "query.csv").exists()


def test_names_that_a_spreadsheet_would_run_get_an_apostrophe(tmp_path):
    names = np.array(["=1+1", "+a", "-a", "@a", "\ta", "plain", "a=b"])
    write_query(tmp_path / "query.csv", names, np.arange(7), names)
    written = [line[1] for line in read(tmp_path / "query.csv")[1:]]
    assert written == ["'=1+1", "'+a", "'-a", "'@a", "'\ta", "plain", "a=b"]
