#!/usr/bin/env bash
# Puts the sample files into a new library, each into the folder where a person would drop it:
#   sample-files.sh SAMPLES LIBRARY
set -euo pipefail

samples=$1
library=$2

mkdir -p "$library"/{Inbox,Recordings,Videos}
for file in "$samples"/*; do
  case "${file,,}" in
    *.mp3 | *.m4a | *.wav | *.flac | *.ogg | *.opus) folder=Recordings ;;
    *.mp4 | *.webm | *.mov | *.mkv | *.avi) folder=Videos ;;
    *) folder=Inbox ;;
  esac
  if [[ -f $file ]]; then cp --no-clobber "$file" "$library/$folder/"; fi
done
