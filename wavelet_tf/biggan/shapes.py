"""The type of a tensor's shape as Keras passes it to `build`; unknown sizes are None."""

Shape = tuple[int | None, ...]
