"""R3GAN's networks without normalisation (Huang et al., 2024)."""
