"""The type of a tensor's shape as Keras passes it to `build`; None for an unknown size."""

Shape = tuple[int | None, ...]
