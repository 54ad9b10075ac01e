#!/bin/sh
# On a machine with an NVIDIA GPU and CIFAR-10: the paper's headline at full scale, and a published rival's curve.
#
#   DATA_DIR=data benchmarks/gpu_headline.sh --plan      what will be trained, and its seconds
#   DATA_DIR=data OUT=runs benchmarks/gpu_headline.sh    trains it; stopped, the same command goes on in OUT
#
# Further options go to both commands, such as --train-rows 500 for a trial on a CPU.
set -eu
OUT=${OUT:-runs}
DATA=${DATA_DIR:-data}
RESUME=--resume
for option in "$@"; do
    [ "$option" != --plan ] || RESUME=
done

# A ResNet20, stopped after 50 of 181 epochs, chooses half of the rows for a ResNet56 by forgetting events. Beside it: all
# rows, and a random half.
sksvp coreset --dataset cifar10 --data-dir "$DATA" --proxy resnet20:epochs=50,schedule=cifar:181 \
    --target resnet56 --strategy forgetting_events --subset-size 0.5 --baseline all --baseline random \
    --seeds 1 --test-every-epoch --checkpoint-every 10 --out "$OUT/headline" $RESUME "$@"

# EL2N after 2 of 13 epochs, the mean of 5 proxies, with the fast recipe: published with a gain over random rows where 50 to
# 70 % are kept, and a loss at 40 %.
sksvp coreset --dataset cifar10 --data-dir "$DATA" --proxy fast:epochs=2,schedule=one-cycle:13 --n-proxies 5 \
    --target fast:epochs=13 --strategy el2n --strategy forgetting_events --subset-size 0.4 --subset-size 0.5 \
    --subset-size 0.7 --baseline all --baseline random --seeds 3 --out "$OUT/el2n" $RESUME "$@"
