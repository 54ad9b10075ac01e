"""
Look before you train
=====================

Does a choice of rows pay on your data, or would random rows do? A pilot answers with training rows alone. Here it is
asked about two data sets that come with scikit-learn, and its answers are compared with what targets make of the chosen
rows on test rows that it has not seen.
"""

# %%
# The proxy is a small network. The target is a larger one, trained five times on the rows of each way to choose.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksvp import pilot
from sksvp.plotting import PilotDisplay
from sksvp.proxies import Incremental

proxy = make_pipeline(StandardScaler(), Incremental(MLPClassifier(64, learning_rate_init=0.003), n_epochs=30))
target = make_pipeline(StandardScaler(), MLPClassifier((64, 64), learning_rate_init=0.003, max_iter=300))
BASELINE = "class-balanced random"


def ask_and_check(name, X, y, share):
    """Print what a pilot says of training rows, and the test errors of its pick and of random rows; return it."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
    found = pilot(proxy, X_train, y_train, subset_size=share, n_repeats=3, random_state=0)
    print(f"{name}, {share:.0%} kept. {found.verdict_}")
    # Where the pilot takes random rows, the candidate with the lowest error is tried beside them.
    others = [other for other in found.table_["candidate"] if other != BASELINE]
    pick = found.best_name_ if found.best_name_ != BASELINE else others[0]
    for candidate in (pick, BASELINE):
        errors = []
        for seed in range(5):
            selector = clone(found.selectors[candidate]).set_params(random_state=seed).fit(X_train, y_train)
            model = clone(target).set_params(mlpclassifier__random_state=seed)
            model.fit(*selector.select(X_train, y_train))
            errors.append(100 * (1 - model.score(X_test, y_test)))
        print(f"  test rows, {candidate}: {np.mean(errors):.1f} ± {np.std(errors, ddof=1):.1f} % error")
    return found


# %%
# With a twentieth of the digits, the pilot names a strategy.
of_digits = ask_and_check("digits", *load_digits(return_X_y=True), share=0.05)

# %%
# With 30 % of the breast cancer data, no strategy is surely better, and it says to take random rows.
of_cancer = ask_and_check("breast cancer", *load_breast_cancer(return_X_y=True), share=0.3)

# %%
# All candidates, with twice the standard error of their leads. Blue is surely better than random rows, red worse.
figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for panel, name, found in zip(
    panels, ("digits, 5 %", "breast cancer, 30 %"), (of_digits, of_cancer), strict=True
):
    PilotDisplay(found.table_).plot(panel)
    panel.set_title(name)

# %%
# The pilot is cautious: it names a strategy only if its lead is more than twice its standard error. So it may say
# random rows where a strategy is somewhat better.
