"""VQ-VAE-2 (Razavi et al., 2019), a baseline of not-so-BigGAN's Table 1.

An autoencoder turns an image into two maps of codes, top and bottom. Two likelihood models learn
the distribution of the codes, and the decoder turns sampled codes into images.

- `config.py`: sizes of the autoencoder, and the kind of the code models;
- `codebook.py`: codes, and how they follow the encodings;
- `autoencoder.py`: the networks;
- `autoencoder_stage.py`: their training;
- `code_maps.py`: the maps that stages pass on;
- `priors.py`: the models of codes, as stages;
- `family.py`, `model.py`, `endpoints.py`: all stages, by settings, in Python, and exported.
"""
