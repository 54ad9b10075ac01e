"""
A core-set of the digits, and a random one
==========================================

A ResNet8 is trained on all handwritten digits and shows which of them are hard. A ResNet14 is then trained on the
hardest half, and for comparison on a random half and on all rows.

The trainings are short, so that the example runs in seconds. ``make demo`` has longer trainings, fewer rows and three
seeds.
"""

# %%
# Choose
# ------
# The proxy counts while it trains how often it forgets each row.
from sksvp import ProxyCoresetSelector
from sksvp.datasets import load_digits
from sksvp.estimators import ResNetClassifier

digits = load_digits()
X, y = digits.X_train, digits.y_train
proxy = ResNetClassifier(depth=8, max_epochs=8, batch_size=32)
selector = ProxyCoresetSelector(proxy, strategy="forgetting_events", subset_size=0.5, random_state=0)
selector.fit(X, y)
X_kept, y_kept = selector.select(X, y)
print(f"{len(y_kept)} of {len(y)} rows kept")
print({stage: round(seconds, 2) for stage, seconds in selector.timings_.items()})

# %%
# Look before you train
# ---------------------
# Rows that were never forgotten can be left out. A large share of them is a good sign.
import numpy as np

events = selector.scores_
print(f"never forgotten: {np.mean(events == 0):.0%}")
print(f"never learned: {np.mean(np.isinf(events)):.0%}")

# %%
# The rows ranked first are the odd ones; those ranked last look alike.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(2, 8, figsize=(8, 2.6), layout="constrained")
for line, rows, name in zip(
    axes, (selector.order_[:8], selector.order_[-8:]), ("hardest", "easiest"), strict=True
):
    line[0].set_title(name, loc="left")
    for ax, row in zip(line, rows, strict=True):
        ax.imshow(X[row], cmap="gray_r")
        ax.set_xlabel(f"a {y[row]}", fontsize=8)
        ax.set(xticks=[], yticks=[])

# %%
# Train the target
# ----------------
# The target is trained on the chosen rows, on a random choice of the same number, and on all rows. The random strategy
# trains no proxy.
chance = ProxyCoresetSelector(proxy, strategy="random", subset_size=0.5, random_state=0).fit(X, y)
choices = {"hardest half": (X_kept, y_kept), "random half": chance.select(X, y), "all rows": (X, y)}
errors = {}
for name, (rows, labels) in choices.items():
    target = ResNetClassifier(depth=14, max_epochs=10, batch_size=32, random_state=0).fit(rows, labels)
    errors[name] = 100 * (1 - target.score(digits.X_test, digits.y_test))
    print(f"{name:15}{errors[name]:5.1f} % error")

# %%
# This is one seed on small data. Other seeds give other differences.
figure, ax = plt.subplots(figsize=(5, 2.2), layout="constrained")
ax.barh(list(errors), list(errors.values()), color=["#0072B2", "#999999", "#555555"])
ax.invert_yaxis()
_ = ax.set_xlabel("test error of the target, %")
