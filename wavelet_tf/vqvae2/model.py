"""A trained VQ-VAE-2, to call from Python."""

import numpy as np

from cascade_tf.model_arguments import checked_array
from wavelet_tf.model import WaveletModel
from wavelet_tf.vqvae2.autoencoder_stage import AutoencoderStage
from wavelet_tf.vqvae2.priors import require_codes_of_the_autoencoder


class VQVAE2Model(WaveletModel):
    """Models of the top and the bottom codes, and the autoencoder.

    Codes of an image are int32 [h, w, 2]: the bottom codes, and the top code above each.

    Args:
        stages: built, in order: top, bottom, autoencoder.
        batch_size: largest number of images in one pass; None: 32.

    Raises:
        ValueError: other stages, or `batch_size` below 1.
        UserError: the models of codes are of another autoencoder.
    """

    def _require_whole_chain(self) -> None:
        names = [stage.name for stage in self.stages]
        if names != ["top", "bottom", "autoencoder"]:
            raise ValueError(f"stages: {', '.join(names)}; use top, bottom, autoencoder")
        require_codes_of_the_autoencoder(self.stages)

    @property
    def _autoencoder(self) -> AutoencoderStage:
        autoencoder = self.stages[-1]
        assert isinstance(autoencoder, AutoencoderStage)
        return autoencoder

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Encodes uint8 images [N, H, W, C] as codes, int32 [N, h, w, 2].

        Raises:
            ValueError: images of another size or dtype.
        """
        images = checked_array("images", images, np.uint8, self.image_shape)
        return self._in_batches(
            lambda rows: self._autoencoder.encode(images[rows]),
            len(images),
            np.int32,
            self._code_shape,
        )

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Decodes codes, integers [N, h, w, 2], to uint8 images [N, H, W, C].

        Raises:
            ValueError: codes of another size, or that the codebooks do not have.
        """
        codes, known = checked_array("codes", codes, np.integer, self._code_shape), self._codes
        if codes.size and (codes.min() < 0 or codes.max() >= known):
            raise ValueError(f"codes: use 0 to {known - 1}; some are not")
        codes = codes.astype(np.int32)
        autoencoder = self._autoencoder
        return self._in_batches(
            lambda rows: autoencoder.to_images(autoencoder.decode(codes[rows])),
            len(codes),
            np.uint8,
            self.image_shape,
        )

    def upsample(self, images: np.ndarray) -> np.ndarray:
        """VQ-VAE-2 does not upsample; raises ValueError."""
        raise ValueError("images: VQ-VAE-2 decodes codes; use encode and decode")

    @property
    def _codes(self) -> int:
        return self._autoencoder.config.codes

    @property
    def _code_shape(self) -> tuple[int, int, int]:
        side = self._autoencoder.config.bottom_size
        return side, side, 2
