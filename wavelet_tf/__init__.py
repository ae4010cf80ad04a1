"""not-so-BigGAN (Han et al., 2020): wavelet encoder, UNet decoders, and the transform itself."""
