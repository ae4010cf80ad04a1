"""The type of a tensor's shape as Keras passes it to `build`; None where it is not known."""

Shape = tuple[int | None, ...]
