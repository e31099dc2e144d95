#!/bin/sh
# Trains the detector behind `--detector yolov8-blur`: on from yolov8n-streets, with pairs of streets, sharp and blurred.
set -eu
detbench train yolov8 --data "$1" --blurred --out "$2" --epochs 14 --image-px 640 --learning-rate 0.0003 \
    --start models/yolov8n-streets/weights.safetensors
