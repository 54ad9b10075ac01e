"""
A map of the data
=================

A training tells of each row how sure the model was of its label, and how much that changed. The data map shows both.
Here a twentieth of the labels is wrong, and the map shows where these rows are.
"""

# %%
# Digits with wrong labels
# ------------------------
import warnings

import numpy as np
from sklearn.datasets import load_digits

X, y = load_digits(return_X_y=True)
rng = np.random.RandomState(0)
is_wrong = rng.rand(len(y)) < 0.05
y = np.where(is_wrong, (y + rng.randint(1, 10, len(y))) % 10, y)
print(f"{is_wrong.sum()} of {len(y)} labels are wrong")

# %%
# The map
# -------
# The proxy's training notes the loss of each row at each visit, before the update. Rows at the top are easy, rows at
# the right ambiguous, rows at the bottom left hard to learn.
import matplotlib.pyplot as plt
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksvp import ProxyCoresetSelector
from sksvp.plotting import DataMapDisplay

proxy = make_pipeline(StandardScaler(), MLPClassifier((64,)))
selector = ProxyCoresetSelector(proxy, strategy="stratified", subset_size=0.2, random_state=0).fit(X, y)
display = DataMapDisplay.from_record(selector.record_)
rings = display.table[is_wrong]
display.ax_.scatter(
    rings["variability"],
    rings["confidence"],
    s=60,
    facecolor="none",
    edgecolor="#D55E00",
    label="wrong label",
)
_ = display.ax_.legend(frameon=False)

# %%
# The training over its visits
# ----------------------------
# A line is the median of a group, its band holds half of the group's rows. The thin lines are single rows.
from sksvp.plotting import TrainingRecordDisplay

groups = np.where(is_wrong, "wrong label", "right label")
rows = np.flatnonzero(is_wrong)[:5]
figure, axes = plt.subplots(2, 1, figsize=(6, 6), layout="constrained")
TrainingRecordDisplay.from_selector(selector, groups=groups, rows=rows, ax=axes[0])
_ = TrainingRecordDisplay.from_selector(selector, groups=y, measure="loss", ax=axes[1])

# %%
# What strategies choose
# ----------------------
# These are maps of the same training. The rows that a strategy leaves out are grey; the titles have the share of wrong
# labels among the rows that it keeps.
from sksvp.coreset import ByChanceWarning, RiskyChoiceWarning

for category in (RiskyChoiceWarning, ByChanceWarning):
    warnings.simplefilter("ignore", category)
figure, axes = plt.subplots(2, 3, figsize=(6.5, 4.5), sharex=True, sharey=True, layout="constrained")
for ax, strategy in zip(
    axes.flat, ("el2n", "variability", "stratified", "facility_location", "cld", "random"), strict=True
):
    again = selector.rerank(strategy=strategy)
    DataMapDisplay.from_selector(again, ax=ax, colorbar=False)
    ax.set_title(f"{strategy}: {is_wrong[again.support_].mean():.0%} wrong", fontsize=10)
    ax.set(xlabel="variability" if ax in axes[-1] else "", ylabel="confidence" if ax in axes[:, 0] else "")
