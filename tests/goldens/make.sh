#!/bin/bash
# Wrote the workdirs of this folder, and their figures and images, at commit 30152d1. It runs only
# on that commit and is kept as a record. Later code must read the files of that commit, so they
# are never rewritten. In a checkout of the commit, with these three scripts:
#
#     PYTHON=python OUT=/tmp/goldens bash PATH/make.sh
#
# ONLY="spn gan" writes only these two.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export CUDA_VISIBLE_DEVICES=-1
only=${ONLY:-}

SMALL="--dataset=folder --data_dir=$OUT/pictures --learning_rate=1e-2 --polyak_decay=0.5
  --evaluate_every=0 --jit_compile=false --keep_checkpoints=1 --steps=20 --batch_size=8"
SPN="--scale=2 --pixelcnn_layers=1 --pixelcnn_conv_channels=8 --pixelcnn_residual_channels=6
  --decoder_attention_layers=1 --decoder_attention_heads=2 --decoder_attention_channels=4
  --embedder_conv_layers=1 --embedder_conv_channels=4 --embedder_residual_channels=8
  --embedder_attention_layers=1 --embedder_attention_heads=1 --embedder_attention_channels=4
  --ffn_size=8 --learning_rate=3e-3 --steps=300"
GAN="--num_classes=2 --gan_generator_width=8 --gan_discriminator_width=8 --gan_z_size=6
  --gan_class_embedding=3 --gan_attention_size=8 --learning_rate=1e-3"
PACKETS="--system=nsb --patch_size=8 --packet_width=4 --head_width=4"

[ -d "$OUT/pictures" ] || $PYTHON "$here/pictures.py" "$OUT"

# golden NAME "flags of training" "flags of evaluation" "flags of samples"
golden() {
  local at=$OUT/$1 work=$OUT/$1/workdir
  [ -z "$only" ] || [[ " $only " == *" $1 "* ]] || return 0
  rm -rf "$at"
  mkdir -p "$at"
  $PYTHON bin/train $SMALL $2 --workdir="$work"
  # The test passes the folder, so the record must not name a path of the machine that wrote it.
  sed -i 's,^--data_dir=.*,--data_dir=pictures,' "$work"/*/flags.txt
  find "$work" -name 'events.out.tfevents.*' -delete
  find "$work" -name '*lock*' -delete
  find "$work" -type d -empty -delete
  find "$work" -name '*.index' | sed 's/.index$//' | xargs -n1 $PYTHON "$here/shorten.py"
  $PYTHON bin/evaluate --workdir="$work" --data_dir="$OUT/pictures" $3 | tail -1 >"$at/expected.json"
  sampled "$1" samples "$4"
}

# sampled NAME PART "flags": writes the samples to the golden's expected_PART.npz
sampled() {
  [ -z "$only" ] || [[ " $only " == *" $1 "* ]] || return 0
  $PYTHON bin/sample --workdir="$OUT/$1/workdir" --output_dir="$OUT/tmp_$1_$2" $3
  local file=stages.npz
  [ -f "$OUT/tmp_$1_$2/$file" ] || file=samples.npz
  $PYTHON - "$OUT/tmp_$1_$2/$file" "$OUT/$1/expected_$2.npz" <<'PY'
import sys
import numpy as np
np.savez_compressed(sys.argv[2], **np.load(sys.argv[1]))
PY
  rm -r "$OUT/tmp_$1_$2"
}

golden spn "$SPN --image_size=8 --bits=5" --nocodecs "--num_samples=3"
sampled spn upscaled "--from_images=$OUT/given_4x4"
golden cascade "$SPN --image_size=8 --upscaling=multidimensional --attention_ffn=dense" \
  --nocodecs "--num_samples=3"
sampled cascade upscaled "--from_images=$OUT/given_4x4"
golden wavelets "$PACKETS --image_size=32 --levels=2" "" "--from_images=$OUT/given_32x32"
golden pixels "--system=nsb_pixel --image_size=32 --levels=2 --pixel_width=1 --antialias" "" \
  "--from_images=$OUT/given_32x32"
golden spn_prior "$PACKETS $SPN --image_size=16 --levels=1 --prior=spn" "" "--num_samples=3"
golden gan_prior "$PACKETS --image_size=32 --levels=1 --prior=biggan_deep $GAN" "" \
  "--num_samples=3 --classes=1,0,1"
sampled gan_prior upscaled "--from_images=$OUT/given_32x32"
golden gan "--system=biggan --image_size=16 $GAN" "" "--num_samples=3 --classes=1,0,1"

for work in "$OUT"/*/workdir; do
  tar -C "$(dirname "$work")" --sort=name --owner=0 --group=0 --numeric-owner -cz -f "$work.tar.gz" workdir
  rm -r "$work"
done
