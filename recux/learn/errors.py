"""What can go wrong while a model is trained, evaluated, loaded or served."""

from recux.errors import InvalidInput, RecuxError, Unavailable


class TooFewExamples(InvalidInput):
    """Not enough labelled examples to train anything."""


class WeightsMissing(Unavailable):
    """The encoder's weights cannot be found, or cannot be fetched."""


class WeightsCorrupt(Unavailable):
    """A weight file is there, but its content is not what it must be."""


class ModelUnreadable(Unavailable):
    """A saved model folder is incomplete, damaged, or written by an unknown version."""


class HeadMissing(InvalidInput):
    """The model was never trained for what is asked of it."""


class MethodUnfit(InvalidInput):
    """A way of fine-tuning that the chosen encoder's architecture does not allow."""


class JobUnreadable(InvalidInput):
    """A job folder lacks a file or holds one that cannot be read."""


class FoldersApart(Unavailable):
    """Processes that train together do not see the same job folder."""


class TrainingDiverged(RecuxError):
    """Loss or gradients stayed infinite or undefined after every allowed restart with a lower learning rate."""


class OutOfMemory(Unavailable):
    """A single text does not fit into memory, so that no smaller minibatch can help."""
