"""
Your own proxy, your own strategy
=================================

The proxy can be any scikit-learn classifier, and a strategy is a small object. Here the labels of some rows are wrong.
Strategies that keep the hardest rows then keep the wrong labels; a strategy of our own does not.
"""

# %%
# Digits with wrong labels
# ------------------------
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.4, stratify=y, random_state=0)
rng = np.random.RandomState(0)
is_wrong = rng.rand(len(y_train)) < 0.1
y_noisy = np.where(is_wrong, (y_train + rng.randint(1, 10, len(y_train))) % 10, y_train)
print(f"{is_wrong.sum()} of {len(y_train)} labels are wrong")

# %%
# A strategy
# ----------
# A strategy names the evidence that it reads, and scores rows. The row with the highest score is chosen first.
from sksvp.strategies import ScoredStrategy


class LearnableFirst(ScoredStrategy):
    """Choose the rows forgotten most often, but those never learned only at the end."""

    requires = ("forgetting_events",)

    def score(self, evidence, rows):
        events = evidence.require("forgetting_events")[rows]
        return np.where(np.isinf(events), -1.0, events)


# %%
# A proxy
# -------
# The proxy is a linear model in a Pipeline. It has ``partial_fit`` and so forgetting events, and ``predict_proba`` and
# so entropy.
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksvp.proxies import as_proxy

proxy = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", alpha=0.01))
print(as_proxy(proxy).gives)

# %%
# Compare
# -------
# The table has the share of wrong labels among the rows that each strategy keeps, and the test error of a support
# vector machine trained on these rows.
import warnings

import pandas as pd
from sklearn.svm import SVC

from sksvp import ProxyCoresetSelector

strategies = {
    "entropy": "entropy",
    "forgetting events": "forgetting_events",
    "k-centers": "k_centers",
    "our own": LearnableFirst(),
    "random": "random",
}
# A fifth of these digits is ever forgotten. The selector warns that chance decides among the others.
warnings.simplefilter("ignore", UserWarning)
records = []
for name, strategy in strategies.items():
    for seed in range(3):
        selector = ProxyCoresetSelector(proxy, strategy=strategy, subset_size=0.4, random_state=seed)
        X_kept, y_kept, wrong_kept = selector.fit(X_train, y_noisy).select(X_train, y_noisy, is_wrong)
        error = 100 * (1 - SVC().fit(X_kept, y_kept).score(X_test, y_test))
        records.append({"strategy": name, "wrong labels": 100 * wrong_kept.mean(), "error": error})
table = pd.DataFrame(records).groupby("strategy").agg(["mean", "std"])
table.round(1)

# %%
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
place = np.arange(len(table))
for shift, column, colour in ((-0.2, "wrong labels", "#D55E00"), (0.2, "error", "#0072B2")):
    mean, std = table[column, "mean"], table[column, "std"]
    ax.barh(place + shift, mean, 0.38, xerr=std, color=colour, label=column)
ax.set_yticks(place, table.index)
ax.invert_yaxis()
ax.set_xlabel("% (wrong labels among the kept rows; test error)")
_ = ax.legend(frameon=False)
