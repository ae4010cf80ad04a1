"""BigGAN and BigGAN-deep (Brock et al., 2019), which not-so-BigGAN uses as priors."""
