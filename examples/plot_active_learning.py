"""
Which digits to label next
==========================

A pool of digits has no labels. A small model, the proxy, says which digits to label next, and a larger model is trained
at the end. The second half runs this as an experiment, with repeats and with random rows as the baseline.
"""

# %%
# A person labels
# ---------------
# No label is known at first, so the first query is drawn at random. The true labels stand in for a person.
import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sksvp import ProxyActiveLearner

warnings.simplefilter("ignore", ConvergenceWarning)
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=600, stratify=y, random_state=0)
proxy = LogisticRegression()
target = MLPClassifier((64,), max_iter=200)
learner = ProxyActiveLearner(proxy, target, strategy="margin", random_state=0).fit(X)
for size in (40, 40, 40):
    rows = learner.query(size)
    learner.teach(rows, y[rows])
accuracy = learner.fit_target().score(X_test, y_test)
print(f"{len(learner.labeled_rows_)} of {len(X)} rows labelled, {accuracy:.1%} right")

# %%
# What it asks for
# ----------------
# These are rows of the last query. The proxy was least sure of them.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 10, figsize=(8, 1.4), layout="constrained")
for ax, row in zip(axes, rows, strict=False):
    ax.imshow(X[row].reshape(8, 8), cmap="gray_r")
    ax.set_xlabel(f"a {y[row]}", fontsize=8)
    ax.set(xticks=[], yticks=[])

# %%
# As an experiment
# ----------------
# With ``rounds`` the learner takes labels from a complete y. Each curve is repeated with other seeds.
import pandas as pd

from sksvp.active import active_learning_curve
from sksvp.plotting import ActiveLearningDisplay

curves = []
for strategy in ("margin", "random"):
    learner = ProxyActiveLearner(
        proxy,
        target,
        strategy=strategy,
        rounds=[40, 40, 80],
        initial_size=40,
        target_at="all",
        random_state=0,
    )
    curve = active_learning_curve(learner, X, y, X_test, y_test, n_repeats=3)
    curves.append(curve.assign(name=strategy))
curves = pd.concat(curves)
print(curves.groupby(["name", "n_labeled"])["target_error"].agg(["mean", "std"]).dropna().round(3))
display = ActiveLearningDisplay(curves)
display.plot(models="target")
_ = display.ax_.set_title("target, mean and standard deviation of 3 repeats")

# %%
# What the choice cost
# --------------------
# A choice costs the training of the proxy before it, inference and ranking. These are mean seconds by round; the first
# round is drawn at random.
by_margin = curves[curves["name"] == "margin"]
print(by_margin.groupby("round")[["proxy_fit", "inference", "ranking", "target_fit"]].mean().round(4))
