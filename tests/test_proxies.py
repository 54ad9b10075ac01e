import subprocess
import sys
import types
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectFromModel, SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.svm import SVC, LinearSVC
from skorch import NeuralNet, NeuralNetBinaryClassifier
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn
from toy_nets import Mlp, MlpWithFeatures, Softmax, TimmLike, make_net
from toy_proxies import blobs

from sksvp.estimators import (
    BagOfNgramsClassifier,
    FastTextClassifier,
    ResNetClassifier,
    VDCNNClassifier,
    WhitenedConvNetClassifier,
)
from sksvp.proxies import Incremental, NoFeatures, _blocks, as_proxy
from sksvp.strategies import recorder_names

X, y = blobs()
TEXTS = ["good film", "bad film", "fine day", "awful day", "good day", "bad night"] * 5
SENTIMENT = np.array([1, 0, 1, 0, 1, 0] * 5)


class Ours(ClassifierMixin, BaseEstimator):
    """A stand-in with the methods of our networks."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.records_ = {"forgetting_events": np.arange(len(y), dtype=np.float64)}
        return self

    def predict_logits(self, X):
        return np.column_stack([np.asarray(X)[:, 0], -np.asarray(X)[:, 0]]).astype(np.float32)

    def predict_proba(self, X):
        raise AssertionError("logits go first")

    def transform(self, X):
        return np.asarray(X)[:, :2]

    def partial_fit(self, X, y, classes=None):
        raise AssertionError("it counts by itself")


class EarlyInItsOwnWay(GaussianNB):
    """Has a parameter that scikit-learn's partial_fit would refuse, and a partial_fit of its own."""

    def __init__(self, early_stopping=False):
        super().__init__()
        self.early_stopping = early_stopping

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        return super().partial_fit(X, y, classes, sample_weight)


# Which kinds a proxy can give ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxy", "kinds"),
    [
        (LogisticRegression(), {"probabilities"}),
        (LinearSVC(), set()),
        (SGDClassifier(), {"forgetting_events"}),
        (SGDClassifier(loss="log_loss"), {"probabilities", "forgetting_events"}),
        (MLPClassifier(), {"probabilities", "forgetting_events"}),
        (MLPClassifier(solver="lbfgs"), {"probabilities"}),
        # With these parameters partial_fit refuses to learn.
        (MLPClassifier(early_stopping=True), {"probabilities"}),
        (SGDClassifier(loss="log_loss", early_stopping=True), {"probabilities"}),
        (SGDClassifier(loss="log_loss", class_weight="balanced"), {"probabilities"}),
        (SGDClassifier(class_weight={0: 2.0}), {"forgetting_events"}),
        (Perceptron(early_stopping=True), set()),
        (OneVsRestClassifier(SGDClassifier(loss="log_loss")), {"probabilities", "forgetting_events"}),
        (OneVsRestClassifier(SGDClassifier(loss="log_loss", early_stopping=True)), {"probabilities"}),
        (make_pipeline(StandardScaler(), MLPClassifier(early_stopping=True)), {"probabilities"}),
        (EarlyInItsOwnWay(early_stopping=True), {"probabilities", "forgetting_events"}),
        (GradientBoostingClassifier(), {"probabilities", "forgetting_events"}),
        (LinearDiscriminantAnalysis(), {"probabilities"}),
        (make_pipeline(StandardScaler(), LogisticRegression()), {"probabilities"}),
        (make_pipeline(LogisticRegression()), {"probabilities"}),
        (make_pipeline(StandardScaler(), GaussianNB()), {"probabilities", "forgetting_events"}),
        (FrozenEstimator(GaussianNB()), {"probabilities"}),
        (make_pipeline(StandardScaler(), FrozenEstimator(GaussianNB())), {"probabilities"}),
        (make_net(), {"probabilities", "forgetting_events"}),
        (FrozenEstimator(make_net()), {"probabilities"}),
        (make_pipeline(StandardScaler(), make_net()), {"probabilities", "forgetting_events"}),
        (ResNetClassifier(), {"probabilities", "forgetting_events"}),
        (Ours(), {"probabilities", "forgetting_events"}),
        (GridSearchCV(LogisticRegression(), {"C": [1, 2]}), {"probabilities"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_proxy_gives(proxy, kinds):
    # A training shows its visits to every recorder, or to none, and features where there is a last layer.
    classifier = as_proxy(proxy).classifier
    has_layer = isinstance(classifier, SGDClassifier | NeuralNet | ResNetClassifier | Ours)
    seen = set(recorder_names(features=has_layer)) if "forgetting_events" in kinds else set()
    assert set(as_proxy(proxy).gives) == kinds | seen | {"features", "inputs"}


def test_error_lists_what_the_proxy_can_serve():
    with pytest.raises(
        ValueError, match="Pipeline around LogisticRegression cannot give forgetting_events"
    ) as error:
        as_proxy(make_pipeline(StandardScaler(), LogisticRegression())).check_gives(("forgetting_events",))
    assert "probabilities, features" in str(error.value)
    assert "entropy" in str(error.value) and "k_centers" in str(error.value)
    with pytest.raises(ValueError, match="features, inputs and so serve the strategies k_centers, random"):
        as_proxy(LinearSVC()).check_gives(("probabilities",))
    as_proxy(LinearSVC()).check_gives(())


@pytest.mark.parametrize("proxy", [LinearSVC(), SVC(), RidgeClassifier(), make_pipeline(PCA(), SVC())])
def test_error_names_the_way_to_probabilities(proxy):
    name = type(as_proxy(proxy).classifier).__name__
    with pytest.raises(
        ValueError, match=rf"CalibratedClassifierCV\({name}\(\.\.\.\)\) gives probabilities\."
    ):
        as_proxy(proxy).check_gives(("probabilities",))
    as_proxy(CalibratedClassifierCV(as_proxy(proxy).classifier)).check_gives(("probabilities",))


@pytest.mark.parametrize(
    "rows", [TEXTS, np.zeros((4, 3, 3)), np.array([["a"], ["b"]])], ids=["texts", "3-d", "words"]
)
def test_rows_that_cannot_serve_as_features_are_refused_before_any_training(rows):
    with pytest.raises(
        NoFeatures, match=r"table of numbers .* SVC: .*make_pipeline\(TRANSFORMER, SVC"
    ) as error:
        as_proxy(SVC()).check_rows(rows, ("features",))
    assert "partial_fit" not in str(error.value)
    as_proxy(SVC()).check_rows(rows, ("probabilities",))
    as_proxy(make_pipeline(StandardScaler(), SVC())).check_rows(rows, ("features",))


@pytest.mark.parametrize(
    ("proxy", "parameter"),
    [
        (MLPClassifier(early_stopping=True), "early_stopping=True"),
        (SGDClassifier(class_weight="balanced"), "class_weight='balanced'"),
    ],
)
def test_error_names_the_parameter_that_forbids_forgetting_events(proxy, parameter):
    with pytest.raises(ValueError, match=f"by partial_fit, which {parameter} does not allow"):
        as_proxy(proxy).check_gives(("forgetting_events",))


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="cannot give gradients"):
        as_proxy(GaussianNB().fit(X, y)).gather(X, ("gradients",))


# Probabilities -------------------------------------------------------------------------------


def test_probabilities_of_sklearn_classifiers_pipelines_and_frozen_ones():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    for proxy in (
        pipeline,
        FrozenEstimator(pipeline),
        make_pipeline("passthrough", FrozenEstimator(pipeline)).fit(X, y),
    ):
        evidence = as_proxy(proxy).gather(X, ("probabilities",))
        np.testing.assert_allclose(evidence.probabilities, pipeline.predict_proba(X))
        assert evidence.logits is None


def test_logits_of_our_networks_come_before_probabilities():
    proxy = Ours().fit(X, y)
    scaler = StandardScaler().fit(X)
    np.testing.assert_array_equal(
        as_proxy(proxy).gather(X, ("probabilities",)).logits, proxy.predict_logits(X)
    )
    inside = as_proxy(Pipeline([("scale", scaler), ("net", proxy)])).gather(X, ("probabilities", "features"))
    np.testing.assert_array_equal(inside.logits, proxy.predict_logits(scaler.transform(X)))
    np.testing.assert_array_equal(inside.features, scaler.transform(X)[:, :2])


def test_logits_of_skorch_nets_are_raw_and_in_evaluation_mode():
    net = make_net(module__dropout=0.5).fit(X, y)
    module = net.module_.eval()
    with torch.no_grad():
        expected = module(torch.from_numpy(X)).numpy()
    evidence = as_proxy(net).gather(X, ("probabilities",))
    np.testing.assert_allclose(evidence.logits, expected, rtol=1e-5, atol=1e-6)
    assert evidence.logits.dtype == np.float32
    np.testing.assert_allclose(softmax(evidence.logits, axis=1), net.predict_proba(X), rtol=1e-4)


def test_probabilities_of_skorch_nets_without_logits():
    net = make_net(Softmax, criterion=nn.NLLLoss).fit(X, y)
    evidence = as_proxy(net).gather(X, ("probabilities",))
    assert evidence.logits is None
    np.testing.assert_allclose(evidence.probabilities, net.predict_proba(X))
    own = make_net(predict_nonlinearity=lambda z: torch.softmax(2 * z, dim=-1)).fit(X, y)
    np.testing.assert_allclose(
        as_proxy(own).gather(X, ("probabilities",)).probabilities, own.predict_proba(X)
    )


class LogSoftmax(Mlp):
    def forward(self, x):
        return torch.log_softmax(super().forward(x), dim=-1)


@pytest.mark.parametrize("lr", [0.01, 1e3])
@pytest.mark.parametrize("module", [Mlp, LogSoftmax])
def test_the_loss_is_named_where_a_module_gives_no_probabilities(module, lr):
    """skorch's default loss; at the high rate the net says NaN in the end."""
    net = make_net(module, criterion=nn.NLLLoss, lr=lr).fit(X, y)
    with pytest.raises(ValueError, match=r"criterion NLLLoss.*CrossEntropyLoss.*softmax"):
        as_proxy(net).gather(X, ("probabilities",))
    softmax_net = make_net(Softmax, criterion=nn.NLLLoss).fit(X, y)
    assert as_proxy(softmax_net).gather(X, ("probabilities",)).probabilities.shape == (60, 3)


def test_one_logit_of_a_binary_net_becomes_two():
    net = NeuralNetBinaryClassifier(Mlp, module__n_classes=1, train_split=None, verbose=0, max_epochs=2)
    trained = as_proxy(net).train(X, (y == 0), random_state=0).estimator
    logits = as_proxy(trained).gather(X, ("probabilities",)).logits
    np.testing.assert_allclose(softmax(logits, axis=1), trained.predict_proba(X), rtol=1e-4)


def test_scoring_iterators_that_lose_the_rows_are_refused():
    net = make_net().fit(X, y)
    net.iterator_valid__shuffle = True
    for kind in ("probabilities", "features"):
        with pytest.raises(ValueError, match="shuffles"):
            as_proxy(net).gather(X, (kind,))
    net.iterator_valid__shuffle, net.iterator_valid__drop_last = False, True
    with pytest.raises(ValueError, match="logits of 48 rows for the 60 rows"):
        as_proxy(net).gather(X, ("probabilities",))


def test_rows_are_scored_in_blocks(monkeypatch):
    monkeypatch.setattr(_blocks, "_VALUES_PER_BLOCK", 4 * 7)
    proxy = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis()).fit(X, y)
    assert [len(block) for block in _blocks.row_blocks(X)] == [7] * 8 + [4]
    evidence = as_proxy(proxy).gather(X, ("probabilities", "features"))
    np.testing.assert_allclose(evidence.probabilities, proxy.predict_proba(X))
    np.testing.assert_allclose(evidence.features, proxy.transform(X))
    assert len(list(_blocks.row_blocks(X, streams=True))) == 1


# Features ------------------------------------------------------------------------------------


def hidden(net):
    with torch.no_grad():
        return net.module_.eval().hidden(torch.from_numpy(X)).numpy()


@pytest.mark.parametrize(("module", "factor"), [(Mlp, 1), (MlpWithFeatures, 2), (TimmLike, 3)])
def test_features_of_skorch_modules(module, factor):
    net = make_net(module, module__dropout=0.5).fit(X, y)
    features = as_proxy(net).gather(X, ("features",)).features
    np.testing.assert_allclose(features, factor * hidden(net), rtol=1e-5, atol=1e-6)
    assert not any(layer._forward_pre_hooks for layer in net.module_.modules())


def test_features_that_are_a_module_are_not_the_final_vector():
    class Torchvision(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
            self.classifier = nn.Linear(6, 3)

        def forward(self, x):
            return self.classifier(self.features(x) - 1)

    net = make_net(Torchvision).fit(X, y)
    with torch.no_grad():
        expected = net.module_.eval().features(torch.from_numpy(X)).numpy() - 1
    np.testing.assert_allclose(
        as_proxy(net).gather(X, ("features",)).features, expected, rtol=1e-5, atol=1e-6
    )


def test_module_without_features_is_refused():
    class NoLinear(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, 3))

        def forward(self, x):
            return x @ self.weight

    with pytest.raises(ValueError, match=r"NoLinear has no final hidden features.*features\(x\)"):
        as_proxy(make_net(NoLinear).fit(X, y)).gather(X, ("features",))


def test_features_of_classifiers_and_pipelines():
    lda = LinearDiscriminantAnalysis().fit(X, y)
    np.testing.assert_allclose(as_proxy(lda).gather(X, ("features",)).features, lda.transform(X))
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    np.testing.assert_allclose(
        as_proxy(pipeline).gather(X, ("features",)).features, pipeline[:-1].transform(X)
    )
    net = make_pipeline(StandardScaler(), make_net()).fit(X, y)
    assert as_proxy(net).gather(X, ("features",)).features.shape == (60, 8)


def test_sparse_features_stay_sparse():
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, SENTIMENT)
    features = as_proxy(pipeline).gather(TEXTS, ("features",)).features
    assert sparse.issparse(features)
    assert (features != pipeline[0].transform(TEXTS)).nnz == 0
    dense = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0), LogisticRegression()).fit(
        TEXTS, SENTIMENT
    )
    assert as_proxy(dense).gather(TEXTS, ("features",)).features.shape == (30, 2)


@pytest.mark.parametrize("proxy", [LogisticRegression(), SVC(), GradientBoostingClassifier(n_estimators=3)])
def test_x_itself_serves_where_the_classifier_has_no_features(proxy):
    found = as_proxy(proxy.fit(X, y)).gather(X, ("features", "inputs"))
    assert found.features is X and found.inputs is X
    rows = np.array([4, 1])
    np.testing.assert_array_equal(as_proxy(proxy).gather(X, ("features",), rows=rows).features, X[rows])
    table = sparse.csr_matrix(X)
    assert as_proxy(proxy).gather(table, ("features",)).features is table


def test_no_proxy_gives_x_itself():
    proxy = as_proxy(None)
    assert proxy.gives == ("features", "inputs") and not proxy.recorders
    assert proxy.gather(X, ("features",)).features is X
    with pytest.raises(ValueError, match="needs probabilities, which a proxy gives, and proxy is None"):
        proxy.gather(X, ("probabilities",))


# Inputs that have not seen the labels ---------------------------------------------------------


class Leaks(TransformerMixin, BaseEstimator):
    """Uses labels if it gets them, and tells nobody."""

    def fit(self, X, y=None):
        self.shift_ = 0.0 if y is None else 5.0
        return self

    def transform(self, X):
        return X + self.shift_


@pytest.mark.parametrize(
    ("steps", "n_free"),
    [
        ([StandardScaler(), PCA(2)], 2),
        ([StandardScaler(), SelectKBest(k=2), PCA(1)], 1),
        ([LinearDiscriminantAnalysis()], 0),
        ([TargetEncoder(random_state=0)], 0),
        ([SelectFromModel(LogisticRegression()), StandardScaler()], 0),
        ([make_pipeline(StandardScaler(), SelectKBest(k=2))], 0),
        ([FrozenEstimator(LinearDiscriminantAnalysis().fit(X, y)), StandardScaler()], 2),
    ],
    ids=str,
)
def test_inputs_are_what_the_steps_without_labels_make(steps, n_free):
    pipeline = make_pipeline(*steps, LogisticRegression()).fit(X, y)
    inputs = as_proxy(pipeline).gather(X, ("inputs",)).inputs
    expected = pipeline[:n_free].transform(X) if n_free else X
    np.testing.assert_allclose(inputs, expected)
    rows = np.array([7, 2])
    np.testing.assert_allclose(as_proxy(pipeline).gather(X, ("inputs",), rows=rows).inputs, expected[rows])


def test_a_step_that_may_use_labels_is_fitted_without_them():
    pipeline = make_pipeline(Leaks(), LogisticRegression()).fit(X, y)
    found = as_proxy(pipeline).gather(X, ("features", "inputs"))
    np.testing.assert_allclose(found.features, X + 5.0)
    np.testing.assert_allclose(found.inputs, X)
    assert pipeline[0].shift_ == 5.0


def test_inputs_of_networks_are_the_pixels_and_of_texts_there_are_none():
    images = np.arange(60 * 48, dtype=np.float32).reshape(60, 4, 4, 3)
    net = make_pipeline(make_net())
    assert as_proxy(net.fit(X, y)).gather(X, ("inputs",)).inputs is X
    network = as_proxy(ResNetClassifier())
    network.check_rows(images, ("inputs",))
    for proxy in (BagOfNgramsClassifier(), VDCNNClassifier(), FastTextClassifier()):
        with pytest.raises(ValueError, match=r"cannot give inputs.*TruncatedSVD"):
            as_proxy(proxy).check_gives(("inputs",))
        assert "inputs" in as_proxy(make_pipeline(TfidfVectorizer(), LogisticRegression())).gives


def test_features_that_are_no_numbers_are_refused():
    class Words(LogisticRegression):
        def transform(self, X):
            return np.array([["a"]] * len(X))

    with pytest.raises(ValueError, match="must be numbers"):
        as_proxy(Words().fit(X, y)).gather(X, ("features",))


def test_features_in_a_frame_and_in_integers():
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), LogisticRegression()).fit(X, y)
    features = as_proxy(pipeline).gather(X, ("features",)).features
    assert isinstance(features, np.ndarray) and features.dtype in (np.float32, np.float64)

    class Bytes(LogisticRegression):
        def transform(self, X):
            return np.zeros((len(X), 2, 2), dtype=np.uint8)

    features = as_proxy(Bytes().fit(X, y)).gather(X, ("features",)).features
    assert features.dtype == np.float32 and features.shape == (60, 4)


# Training ------------------------------------------------------------------------------------


def test_training_leaves_the_proxy_alone_and_seeds_its_clone():
    proxy = SGDClassifier()
    first = as_proxy(proxy).train(X, y, random_state=0).estimator
    second = as_proxy(proxy).train(X, y, random_state=0).estimator
    other = as_proxy(proxy).train(X, y, random_state=1).estimator
    assert not hasattr(proxy, "coef_") and proxy.random_state is None
    np.testing.assert_array_equal(first.coef_, second.coef_)
    assert not np.array_equal(first.coef_, other.coef_)
    own = as_proxy(SGDClassifier(random_state=5)).train(X, y, random_state=0).estimator
    np.testing.assert_array_equal(own.coef_, SGDClassifier(random_state=5).fit(X, y).coef_)


def test_skorch_net_is_seeded_inside_a_forked_generator():
    before = torch.random.get_rng_state()
    trained = as_proxy(make_net()).train(X, y, random_state=3).estimator
    as_proxy(trained).gather(X, ("probabilities", "features"))
    assert torch.equal(torch.random.get_rng_state(), before)
    first = trained.predict_proba(X)
    torch.manual_seed(99)
    second = as_proxy(make_net()).train(X, y, random_state=3).estimator.predict_proba(X)
    other = as_proxy(make_net()).train(X, y, random_state=4).estimator.predict_proba(X)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    inside = make_pipeline(StandardScaler(), make_net())
    np.testing.assert_array_equal(
        as_proxy(inside).train(X, y, random_state=3).estimator.predict_proba(X),
        as_proxy(inside).train(X, y, random_state=3).estimator.predict_proba(X),
    )


def test_train_split_that_eats_rows_is_switched_off_with_one_warning():
    net = make_net()
    eating = make_net()
    eating.set_params(train_split=clone(type(net)(Mlp)).train_split)
    with pytest.warns(UserWarning, match="train_split") as caught:
        trained = as_proxy(make_pipeline(StandardScaler(), eating)).train(X, y, random_state=0).estimator
    assert len([w for w in caught if "train_split" in str(w.message)]) == 1
    assert trained[-1].train_split is None
    assert sum(batch["train_batch_size"] for batch in trained[-1].history[-1]["batches"]) == 60
    assert eating.train_split is not None


def test_validation_on_other_rows_is_kept():
    net = make_net(train_split=predefined_split(Dataset(X[:9], y[:9])))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        trained = as_proxy(net).train(X, y, random_state=0).estimator
    assert "valid_loss" in trained.history[-1]


@pytest.mark.parametrize(
    "labels",
    [np.array(["a", "b", "c"])[y], y - 1, y.astype(np.int32), y.astype(np.float64), y.astype(np.uint8)],
    ids=["str", "negative", "int32", "float", "uint8"],
)
def test_labels_that_no_torch_loss_takes_are_numbered(labels):
    trained = as_proxy(make_net()).train(X, labels, random_state=0)
    expected = as_proxy(make_net()).train(X, y.astype(np.int64), random_state=0)
    np.testing.assert_array_equal(trained.estimator.predict_proba(X), expected.estimator.predict_proba(X))


def test_numbering_of_the_user_is_kept():
    trained = as_proxy(make_net(module__n_classes=6)).train(X, y + 3, random_state=0).estimator
    assert set(trained.predict(X)) <= {3, 4, 5}


def test_rows_of_a_net_are_untouched():
    with pytest.raises(RuntimeError, match=r"(?i)dtype|double"):
        as_proxy(make_net()).train(X.astype(np.float64), y, random_state=0)


def test_frozen_proxy_is_used_as_it_is():
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    trained = as_proxy(frozen).train(X[:10], y[:10], random_state=0).estimator
    assert trained is frozen


def test_fit_params_go_to_the_proxy():
    weights = np.where(y == 0, 10.0, 0.1)
    trained = as_proxy(GaussianNB()).train(X, y, fit_params={"sample_weight": weights}).estimator
    np.testing.assert_allclose(trained.class_prior_, GaussianNB().fit(X, y, weights).class_prior_)


def test_importing_evidence_and_coreset_loads_no_torch():
    code = "import sys, sksvp.proxies, sksvp.coreset; print({'torch', 'skorch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Kinds, labels of columns, one pass -----------------------------------------------------------


@pytest.mark.parametrize(
    ("proxy", "kind"),
    [
        (LogisticRegression(), "Proxy"),
        (GradientBoostingClassifier(), "StagedEnsemble"),
        (SGDClassifier(), "PartialFit"),
        (Incremental(GaussianNB()), "PartialFit"),
        (make_net(), "SkorchNet"),
        (ResNetClassifier(), "Network"),
        (BagOfNgramsClassifier(), "LinearText"),
        (FastTextClassifier(), "Proxy"),
        (Ours(), "LinearText"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_kind_is_that_of_the_classifier_at_the_end(proxy, kind):
    for around in (proxy, make_pipeline("passthrough", proxy), FrozenEstimator(make_pipeline(proxy))):
        assert type(as_proxy(around)).__name__ == kind


@pytest.mark.parametrize(
    "proxy",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        SGDClassifier(loss="log_loss"),
    ],
    ids=["plain", "pipeline", "partial_fit"],
)
def test_columns_have_the_labels_of_the_model(proxy):
    labels = np.array(["c", "a", "b"])[y]
    evidence = as_proxy(proxy).train(X, labels, random_state=0).gather(X, ("probabilities",))
    assert evidence.classes.tolist() == ["a", "b", "c"]


def test_columns_of_a_net_have_the_labels_that_were_numbered():
    numbered = as_proxy(make_net()).train(X, np.array(["c", "a", "b"])[y], random_state=0)
    assert numbered.gather(X, ("probabilities",)).classes.tolist() == ["a", "b", "c"]
    assert set(numbered.predict(X)) <= {"a", "b", "c"}
    # One column more than there are classes: as integers its label is known, as texts it is not.
    wide = make_net(module__n_classes=4)
    whole = as_proxy(wide).train(X, y, random_state=0).gather(X, ("probabilities",))
    assert whole.classes.tolist() == [0, 1, 2, 3]
    texts = as_proxy(wide).train(X, np.array(["c", "a", "b"])[y], random_state=0)
    assert texts.gather(X, ("probabilities",)).classes is None


def test_several_kinds_come_from_one_pass():
    class Once(Ours):
        passes = 0

        def predict_outputs(self, X):
            Once.passes += 1
            return self.predict_logits(X), self.transform(X)

    class Scaling(StandardScaler):
        passes = 0

        def transform(self, X):
            Scaling.passes += 1
            return super().transform(X)

    proxy = Pipeline([("scale", Scaling().fit(X)), ("net", Once().fit(X, y))])
    evidence = as_proxy(proxy).gather(X, ("probabilities", "features"))
    assert (Once.passes, Scaling.passes) == (1, 1)
    np.testing.assert_array_equal(evidence.features, evidence.logits * [1, 0] + evidence.features * [0, 1])


@pytest.mark.parametrize(
    "network",
    [
        ResNetClassifier(depth=8, max_epochs=1, batch_size=16, random_state=0, device="cpu"),
        WhitenedConvNetClassifier((8, 16, 32), max_epochs=1, batch_size=16, random_state=0, device="cpu"),
    ],
    ids=["resnet", "whitened"],
)
def test_one_forward_pass_of_our_networks_gives_both(network):
    images = (np.random.RandomState(0).rand(40, 8, 8) * 255).astype(np.uint8)
    network.fit(images, np.arange(40) % 2)
    calls = []
    handle = network.net_.module_.fc.register_forward_hook(lambda *_: calls.append(1))
    logits, features = network.predict_outputs(images)
    assert len(calls) == 1
    handle.remove()
    np.testing.assert_array_equal(logits, network.predict_logits(images))
    np.testing.assert_array_equal(features, network.transform(images))


# What people bring ----------------------------------------------------------------------------


class Picks(TransformerMixin, BaseEstimator):
    """Learns nothing, and has no fitted attribute."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X)[:, :2]


class Doubles(BaseEstimator):
    """A sampler as imbalanced-learn has them."""

    def fit_resample(self, X, y):
        return np.concatenate([X, X]), np.concatenate([y, y])


class Column(LogisticRegression):
    """Predicts a column, as CatBoost does for several classes."""

    def predict(self, X):
        return super().predict(X)[:, None]


class ZeroToK(ClassifierMixin, BaseEstimator):
    """Takes the labels 0 .. k-1 only, as XGBoost does."""

    def fit(self, X, y):
        if not np.array_equal(np.unique(y), np.arange(len(np.unique(y)))):
            raise ValueError("Invalid classes inferred from unique values of `y`")
        self.model_ = LogisticRegression().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


@pytest.mark.parametrize(
    "steps",
    [
        [Picks()],
        [StandardScaler(), Picks()],
        [Picks(), "passthrough"],
        [make_pipeline(Picks(), StandardScaler())],
    ],
    ids=len,
)
@pytest.mark.parametrize(
    "classifier", [LogisticRegression(), GaussianNB(), make_net(module__n_in=2)], ids=str
)
def test_steps_that_learn_nothing(steps, classifier):
    proxy = as_proxy(make_pipeline(*steps, classifier))
    trained = proxy.train(X, y, recorders=proxy.recorders, random_state=0)
    evidence = trained.gather(X, ("probabilities", "features"))
    assert evidence.features.shape in {(60, 2), (60, 8)}
    np.testing.assert_allclose(trained.predict(X), trained.estimator.predict(X))


def test_steps_that_resample():
    imblearn = pytest.importorskip("imblearn.pipeline")
    proxy = as_proxy(imblearn.make_pipeline(StandardScaler(), Doubles(), LogisticRegression()))
    trained = proxy.train(X, y, random_state=0)
    scaled = StandardScaler().fit_transform(X)
    found = trained.gather(X, ("probabilities", "features"))
    np.testing.assert_allclose(found.features, scaled, atol=1e-6)
    np.testing.assert_allclose(found.probabilities, trained.estimator.predict_proba(X))
    # Rows that are drawn anew in fit cannot be followed, in passes neither.
    passes = as_proxy(imblearn.make_pipeline(Doubles(), Incremental(GaussianNB(), n_epochs=2)))
    assert passes.gives == ("probabilities", "features", "inputs")
    assert passes.train(X, y, random_state=0).classifier.estimator_.class_count_.sum() == 2 * 2 * len(X)
    for resampling in (passes, as_proxy(imblearn.make_pipeline(Doubles(), make_net()))):
        with pytest.raises(ValueError, match="a step of Pipeline resamples them"):
            resampling.check_watchable(("probabilities",))


def test_predictions_in_a_column():
    trained = as_proxy(Column(max_iter=500)).train(X, y)
    assert trained.predict(X).shape == (60,)


@pytest.mark.parametrize("wrap", [clone, CalibratedClassifierCV, make_pipeline], ids=["bare", "cv", "pipe"])
@pytest.mark.parametrize("labels", [2 * y, np.array(["b", "a", "c"])[y]], ids=["gaps", "texts"])
def test_labels_are_numbered_for_xgboost(wrap, labels, monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", types.SimpleNamespace(XGBClassifier=ZeroToK))
    trained = as_proxy(wrap(ZeroToK())).train(X, labels)
    assert np.mean(trained.predict(X) == labels) > 0.7
    evidence = trained.gather(X, ("probabilities",))
    assert evidence.classes.tolist() == np.unique(labels).tolist()
    # As it was fitted, it has the user's labels.
    frozen = as_proxy(FrozenEstimator(ZeroToK().fit(X, y))).train(X, y)
    assert frozen.gather(X, ("probabilities",)).classes.tolist() == [0, 1, 2]


class Tokens(TransformerMixin, BaseEstimator):
    """Turns texts into a dict of tensors, as the tokenizers of Hugging Face do, and cannot be copied once fitted."""

    def __init__(self, helper=None):
        self.helper = helper

    def fit(self, X, y=None):
        if self.helper is None:
            raise TypeError("no helper: was it pickled?")
        self.fitted_ = True
        return self

    def transform(self, X):
        ids = torch.tensor([[len(text) % 7, len(text) % 5] for text in X], dtype=torch.float32)
        return {"ids": ids, "mask": torch.ones(len(X), 2)}

    def __getstate__(self):
        return {**self.__dict__, "helper": None}


class OfTokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(2, 4), nn.Linear(4, 2)

    def forward(self, ids, mask):
        return self.out(self.hidden(ids * mask))


def test_a_head_that_gives_tokens_can_be_watched_and_started_warm():
    texts, labels = np.array(["x" * (i % 13 + 1) for i in range(80)], dtype=object), np.arange(80) % 2
    proxy = as_proxy(make_pipeline(Tokens("helper"), make_net(OfTokens)))
    seen = []

    def watch(gather):
        rows = np.array([7, 3, 40])
        seen.append(gather(("probabilities", "features", "forgetting_events"), rows))
        return len(seen) == 2

    trained = proxy.train(texts, labels, recorders=["forgetting_events"], random_state=0, watch=watch)
    assert len(trained.classifier.history) == 2
    now = trained.gather(texts, ("probabilities", "features"), rows=np.array([7, 3, 40]))
    np.testing.assert_allclose(seen[-1]["logits"], now.logits, rtol=1e-5)
    np.testing.assert_allclose(seen[-1]["features"], now.features, rtol=1e-5)
    warm = proxy.train(texts, labels, random_state=0, start=trained)
    assert len(trained.classifier.history) == 2 < len(warm.classifier.history)


def test_a_warm_start_fits_the_steps_before_the_classifier_anew():
    proxy = as_proxy(make_pipeline(StandardScaler(), SGDClassifier(max_iter=2, tol=None)))
    first = proxy.train(X, y, random_state=0)
    second = proxy.train(5 * X, y, random_state=0, start=first)
    np.testing.assert_allclose(second.estimator[0].scale_, StandardScaler().fit(5 * X).scale_)
    np.testing.assert_allclose(first.estimator[0].scale_, StandardScaler().fit(X).scale_)
    alone = clone(first.classifier).set_params(warm_start=True)
    alone.coef_, alone.intercept_ = first.classifier.coef_, first.classifier.intercept_
    alone.fit(second.estimator[0].transform(5 * X), y, coef_init=alone.coef_, intercept_init=alone.intercept_)
    np.testing.assert_allclose(second.classifier.coef_, alone.coef_, rtol=1e-3)


def test_features_of_a_compiled_net_and_of_a_head_that_is_no_layer():
    net = make_net(compile=True, compile__backend="eager")
    plain = as_proxy(make_net()).train(X, y, random_state=0)
    compiled = as_proxy(net).train(X, y, random_state=0)
    compiled.gather(X, ("probabilities",))
    for kind in ("features", "logits"):
        asked = ("features", "probabilities")
        np.testing.assert_allclose(
            getattr(compiled.gather(X, asked), kind),
            getattr(plain.gather(X, asked), kind),
            rtol=1e-4,
            atol=1e-6,
        )

    class ByItsWeights(Mlp):
        def forward(self, x):
            hidden = nn.functional.linear(x, self.hidden[0].weight)
            return nn.functional.linear(hidden, self.head.weight)

    class HeadByItsWeights(Mlp):
        def forward(self, x):
            return nn.functional.linear(self.hidden(x), self.head.weight)

    for module in (ByItsWeights, HeadByItsWeights):
        with pytest.raises(ValueError, match="calls as a layer"):
            as_proxy(make_net(module)).train(X, y, random_state=0).gather(X, ("features",))

    class CompiledHead(Mlp):
        def __init__(self):
            super().__init__()
            self.head = torch.compile(self.head, backend="eager")

    part = as_proxy(make_net(CompiledHead)).train(X, y, random_state=0)
    features = part.gather(X, ("probabilities", "features")).features
    np.testing.assert_allclose(features, hidden(part.estimator), rtol=1e-5, atol=1e-6)


def test_nets_in_threads_are_as_one_after_the_other():
    def logits():
        return (
            as_proxy(make_net(max_epochs=4)).train(X, y, random_state=0).gather(X, ("probabilities",)).logits
        )

    alone = logits()
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: logits(), range(8)))
    assert all(np.array_equal(alone, one) for one in found)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_labels_beyond_the_outputs_of_a_net_are_named():
    """A net with three outputs and labels 1, 2, 3."""
    X, y = blobs(30)
    with pytest.raises(ValueError, match=r"y has labels up to 3.*must be 0 \.\. n - 1"):
        as_proxy(make_net(Mlp)).train(X.astype(np.float32), y + 1)
