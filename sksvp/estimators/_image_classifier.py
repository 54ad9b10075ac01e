"""Base of the image classifiers: the form of the pixels and their augmentation."""

from collections.abc import Callable

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import validate_data
from torch import Tensor

from .._inputs._rows import Box, WindowedRows
from ..networks import is_size
from ..training import AUGMENTATIONS, Read, TrainingView, augmentation, resized_crop_window
from ._base import TorchClassifier
from ._image_format import ImageFormat, check_images, learn_format
from ._image_stack import stack_images


class ImageClassifier(TorchClassifier):
    """Base of the image classifiers, which read any layout of pixels.

    Parameters
    ----------
    augment : "auto", None or sequence of str
        Random changes of the training images: "crop", "flip", "resized-crop",
        "shift" and "alternating-flip". "auto" uses those of the recipe, without flips
        for grey images. Rows of an image folder are cut from the whole photo by the
        resized crop. Scores are always computed on the unchanged image.
    layout : {"auto", "channels_last", "channels_first"}
        Place of the channel axis of 4-d images. "auto" finds an axis of 1, 3 or 4.
    image_shape : tuple of (channels, height, width)
        Shape of the image that a flat row holds. None means one row of pixels,
        without augmentation.
    random_state : int, RandomState instance or None
        Seed of the weights, the order of the rows and the augmentation.

    Attributes
    ----------
    format_ : ImageFormat
        Axes, dtype, range, mean and standard deviation of the training images.
    augment_ : tuple of str
        Steps of the augmentation.
    n_features_in_ : int
        Number of pixels of an image, over all channels.
    """

    _parameter_constraints: dict = {
        **TorchClassifier._parameter_constraints,
        "augment": [StrOptions({"auto"}), list, tuple, None],
        "layout": [StrOptions({"auto", "channels_last", "channels_first"})],
        "image_shape": [list, tuple, None],
    }

    _format_type = ImageFormat

    def check_params(self) -> None:
        super().check_params()
        if not isinstance(self.augment, str | None) and any(
            name not in AUGMENTATIONS for name in self.augment
        ):
            raise ValueError(
                f"augment must be 'auto', None or names out of {AUGMENTATIONS}, got {self.augment!r}."
            )
        if self.image_shape is not None and not (
            len(self.image_shape) == 3 and all(map(is_size, self.image_shape))
        ):
            raise ValueError(
                f"image_shape must be (channels, height, width), whole numbers above 0, got {self.image_shape!r}."
            )

    def _validate(self, X, *, reset: bool):
        X = stack_images(X)
        if isinstance(X, complex) or getattr(getattr(X, "dtype", None), "kind", "") == "c":
            raise ValueError("X must have pixels that are real numbers. Complex data not supported.")
        if len(getattr(X, "shape", ())) > 2:
            X = check_images(X)
        else:
            # scikit-learn's own check keeps feature names, and its messages, for flat rows.
            X = validate_data(self, X, reset=reset, dtype="numeric", allow_nd=True)
            X = check_images(X)
        if reset:
            self.format_ = learn_format(X, layout=self.layout, image_shape=self.image_shape)
            self.n_features_in_ = int(np.prod(self.format_.shape))
            self.augment_ = self._resolve_augment()
        else:
            self.format_.check_same(X)
        return X

    def _reader(self, X) -> Callable[[np.ndarray], Tensor]:
        return self.format_.reader(X)

    def _reader_anew(self, X) -> Callable[[int], Read] | None:
        if not self._cuts_whole_images(X):
            return None

        def read_anew(seed: int) -> Read:
            def choose(row: int, size: tuple[int, int]) -> Box:
                # The same window whichever thread or process reads the row.
                return resized_crop_window(size, np.random.default_rng((seed, row)))

            return lambda rows: torch.from_numpy(X.read_windows(rows, choose))

        return read_anew

    def _cuts_whole_images(self, X) -> bool:
        """Tell whether the resized crop is cut where rows are read, from whole images of any shape."""
        return isinstance(X, WindowedRows) and "resized-crop" in self.augment_

    def _training_view(self, X, random_state: np.random.RandomState) -> TrainingView:
        _, height, width = self.format_.shape
        # The window of a whole image is cut where its row is read.
        names = set(self.augment_) - ({"resized-crop"} if self._cuts_whole_images(X) else set())
        augment = augmentation(names, (height, width), len(X), random_state)
        return lambda images, visit: self.format_.normalize(augment(images, visit))

    def _clean_view(self, batch: Tensor) -> Tensor:
        return self.format_.normalize(batch)

    def _restore_network(self, form, weights, *, device: str) -> None:
        super()._restore_network(form, weights, device=device)
        self.augment_ = self._resolve_augment()

    def _resolve_augment(self) -> tuple[str, ...]:
        """Name the augmentations of this training."""
        if self.augment is None:
            return ()
        is_row = self.format_.flat and self.image_shape is None
        if self.augment == "auto":
            # A grey image is often a digit or a letter, which its mirror image is not.
            return () if is_row else self._default_augment(colour=self.format_.shape[0] >= 3)
        if is_row and self.augment:
            raise ValueError(
                f"augment={self.augment!r} needs images: for flat rows give image_shape=(channels, height, width)."
            )
        return tuple(self.augment)

    def _default_augment(self, *, colour: bool) -> tuple[str, ...]:
        return ("crop", "flip") if colour else ("crop",)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags
