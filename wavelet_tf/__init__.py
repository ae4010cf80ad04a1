"""not-so-BigGAN (Han et al., 2020): wavelet encoder, UNet decoders, and the transform itself.

Also the models that it is compared with: BigGAN and VQ-VAE-2.

Public names are imported when they are first used, so that importing the package is quick.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
