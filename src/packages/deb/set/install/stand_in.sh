#!/bin/sh
# Stands where scripts look for a program that starts something, or that makes data of one machine.
echo "kiln: ${0##*/} is not called while an image is built"
