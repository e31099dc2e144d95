#!/bin/sh
# Trains the detector behind `--detector yolov8` from nothing: render other streets, learn coarsely, then at full size.
set -eu
detbench train yolov8 --data "$1" --out "$2/coarse" --epochs 110 --image-px 320 --precision bf16
detbench train yolov8 --data "$1" --out "$2/full" --epochs 16 --image-px 640 --learning-rate 0.0005 --precision bf16 \
    --start "$2/coarse/weights.safetensors"
