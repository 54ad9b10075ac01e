"""One pass of stochastic gradient descent over bags of n-grams, text by text, compiled by numba.

The gradient has a closed form. Let h be the mean of the n embeddings of a text, p
the softmax of V h and e the one-hot label. A step adds lr (e - p) h' to V and
lr V' (e - p) / n to each embedding.
"""

import numpy as np

from .._compiled import compiled_fused


@compiled_fused
def train_texts(texts, ids, bounds, y, weights, rates, inputs, outputs, logits, features):
    """Update the embeddings and the output matrix with some texts in turn, in place.

    Parameters
    ----------
    texts : (m,) int64
        Numbers of the texts, in the order of the updates.
    ids, bounds : int32 and (n + 1,) int64
        Rows of the texts in `inputs`.
    y, weights : (n,) int64 and (n_classes,) float32
        Encoded labels, and the weight of each class in the loss.
    rates : (m,) float32
        Learning rate of each update.
    inputs, outputs : (n_rows, dim) and (n_classes, dim) float32
        The model.
    logits : (m, n_classes) float32
        Filled with those of each text before its update; zeros for a text without
        a row.
    features : (m, dim) or (0, dim) float32
        Filled with the mean embeddings before the updates as well, if it has rows.

    Returns
    -------
    loss : float
        Sum of the losses before the updates.
    """
    n_classes, dim = outputs.shape
    hidden = np.empty(dim, np.float32)
    gradient = np.empty(dim, np.float32)
    p = np.empty(n_classes, np.float32)
    loss = 0.0
    for k in range(len(texts)):
        text = texts[k]
        start, stop = bounds[text], bounds[text + 1]
        if start == stop:
            logits[k] = 0
            if len(features):
                features[k] = 0
            continue
        scale = np.float32(1.0) / np.float32(stop - start)
        hidden[:] = 0
        for i in range(start, stop):
            row = ids[i]
            for j in range(dim):
                hidden[j] += inputs[row, j]
        for j in range(dim):
            hidden[j] *= scale
        if len(features):
            features[k] = hidden
        best = np.float32(-np.inf)
        for c in range(n_classes):
            logit = np.float32(0)
            for j in range(dim):
                logit += outputs[c, j] * hidden[j]
            p[c] = logit
            logits[k, c] = logit
            best = max(best, logit)
        label = y[text]
        own = p[label] - best
        total = np.float32(0)
        for c in range(n_classes):
            p[c] = np.exp(p[c] - best)
            total += p[c]
        loss += np.log(total) - own
        rate = rates[k] * weights[label]
        gradient[:] = 0
        for c in range(n_classes):
            step = rate * (np.float32(c == label) - p[c] / total)
            for j in range(dim):
                gradient[j] += step * outputs[c, j]
                outputs[c, j] += step * hidden[j]
        for j in range(dim):
            gradient[j] *= scale
        for i in range(start, stop):
            row = ids[i]
            for j in range(dim):
                inputs[row, j] += gradient[j]
    return loss


@compiled_fused
def mean_rows(ids, bounds, lengths, inputs, out):
    """Write the mean embedding of each text; n-grams without a row count as zero."""
    dim = inputs.shape[1]
    for text in range(len(lengths)):
        for j in range(dim):
            out[text, j] = 0
        for i in range(bounds[text], bounds[text + 1]):
            row = ids[i]
            for j in range(dim):
                out[text, j] += inputs[row, j]
        scale = np.float32(1.0) / np.float32(max(1, lengths[text]))
        for j in range(dim):
            out[text, j] *= scale
