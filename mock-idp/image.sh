#!/usr/bin/env bash
# Builds the static binary and, where an engine is present, the image. Give `binary` to stop before the image.
set -euo pipefail
cd "$(dirname "$0")/.."

# The binary is the same for every distribution. With musl's target it needs nothing at all; glibc's, linked statically, is
# as good here, because the command looks up no host names.
machine=$(uname -m)
target=$machine-unknown-linux-musl
if ! { rustup target list --installed | grep -qx "$target" && command -v musl-gcc; } >/dev/null 2>&1; then
    target=$machine-unknown-linux-gnu
fi
RUSTFLAGS='-C target-feature=+crt-static' CARGO_PROFILE_RELEASE_STRIP=symbols \
    cargo build --locked --release --package mock-idp --bin mock-idp --target "$target"

context=${CARGO_TARGET_DIR:-target}/image
mkdir -p "$context"
cp "${CARGO_TARGET_DIR:-target}/$target/release/mock-idp" "$context/mock-idp"
size=$(stat -c %s "$context/mock-idp")
echo "$context/mock-idp: $((size / 1000000)) MB, $target"
[ "$size" -le 25000000 ] || { echo 'more than 25 MB' >&2; exit 1; }
# Whatever asks for an interpreter is not static, and does not start in an empty image.
if readelf --program-headers "$context/mock-idp" | grep -q INTERP; then
    echo 'the binary is not static' >&2
    exit 1
fi
[ "${1:-}" = binary ] || docker build --quiet --tag mock-idp --file mock-idp/Dockerfile "$context"
