#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that Seogo needs: `system-packages.sh run` or `system-packages.sh test`.
# Does nothing when all are there. Without the right to install, prints the line to type and fails.
set -euo pipefail

run=(
  ffmpeg poppler-utils tesseract-ocr tesseract-ocr-kor tesseract-ocr-eng pocketsphinx pocketsphinx-en-us
  build-essential cmake clang libclang-dev pkg-config
)
test=(postgresql fonts-noto-cjk)

installed() {
  dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

wanted=("${run[@]}")
if [[ ${1:-run} == test ]]; then
  wanted+=("${test[@]}")
  # Ubuntu's chromium comes as a snap under another name, and any Chrome will do.
  if ! command -v chromium chromium-browser google-chrome >/dev/null; then wanted+=(chromium); fi
fi

if ! command -v dpkg-query >/dev/null; then
  echo "This is not a Debian or Ubuntu system: please see that you have the equivalents of" >&2
  echo "  ${wanted[*]}" >&2
  echo "'seogo doctor' tells what is missing at run time. Going on." >&2
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  installed "$package" || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then exit 0; fi

if [[ $(id -u) -eq 0 ]]; then
  as_root=()
elif command -v sudo >/dev/null && sudo --non-interactive true 2>/dev/null; then
  as_root=(sudo)
else
  echo "Some system packages are missing. Please type this, then start again:" >&2
  echo "  sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update --quiet
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install --quiet --yes --no-install-recommends "${missing[@]}"
