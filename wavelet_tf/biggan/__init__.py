"""BigGAN and BigGAN-deep (Brock et al., 2019): the samplers that not-so-BigGAN learns as priors."""
