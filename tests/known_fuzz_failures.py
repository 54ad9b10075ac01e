"""What `test_fuzz.py` finds wrong today: callable and its parameters, sorted by package.

Each entry is a strict xfail. Delete a parameter when it is mended.
"""

KNOWN: dict[str, str] = {
    "sksvp.active.ProxyActiveLearner": "checkpoint missing_label rounds target_at",
    "sksvp.active.ProxyActiveLearner.decision_function": "X",
    "sksvp.active.ProxyActiveLearner.export_query": "names path",
    "sksvp.active.ProxyActiveLearner.extend": "X_new",
    "sksvp.active.ProxyActiveLearner.fit": "X y",
    "sksvp.active.ProxyActiveLearner.import_labels": "allow_extra path",
    "sksvp.active.ProxyActiveLearner.predict": "X",
    "sksvp.active.ProxyActiveLearner.predict_proba": "X",
    "sksvp.active.ProxyActiveLearner.query": "discard n_samples",
    "sksvp.active.ProxyActiveLearner.resume": "X folder",
    "sksvp.active.ProxyActiveLearner.teach": "allow_extra rows y",
    "sksvp.active.active_learning_curve": "X X_test learner n_repeats y y_test",
    "sksvp.active.replay_selection": "X X_val history random_state target target_at y y_val",
    "sksvp.active.selection_speedup": "baseline_history clock history",
    "sksvp.agreement.rank_correlation": "a b method",
    "sksvp.labelling.read_answers": "classes path",
    "sksvp.labelling.write_query": "X names path rows",
    "sksvp.plotting.ActiveLearningDisplay": "curve",
    "sksvp.plotting.ActiveLearningDisplay.from_estimator": "X X_test ax learner models n_repeats y y_test",
    "sksvp.plotting.ActiveLearningDisplay.plot": "ax models",
    "sksvp.plotting.CoresetDisplay": "table",
    "sksvp.plotting.CoresetDisplay.from_run": "ax folder x",
    "sksvp.plotting.CoresetDisplay.plot": "ax x",
    "sksvp.plotting.save_active_figure": "path rounds",
    "sksvp.plotting.save_run_figure": "clock path table",
    # A class is callable; what it says of the arguments is its own affair.
    "sksvp.strategies.Evidence.score_rows": "function",
}
