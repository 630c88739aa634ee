#!/usr/bin/env bash
# The image starts without a network, answers, and ends when it is told to. Needs a container engine.
set -euo pipefail
cd "$(dirname "$0")/.."
./image.sh

# Without a network nobody outside reaches it: it is asked from a container that shares its loopback… it has none to lend,
# so that run proves the start alone, and a second one the answer.
alone=$(docker run --detach --network none mock-idp)
served=$(docker run --detach --publish 127.0.0.1::8080 mock-idp)
trap 'docker rm --force "$alone" "$served" >/dev/null' EXIT
for container in "$alone" "$served"; do
    timeout 20 sh -c "docker logs --follow $container 2>&1 | grep -q -m 1 '^try'"
done
address=$(docker port "$served" 8080)
token=$(curl --fail --silent --show-error -u worker:not-a-secret -d grant_type=client_credentials \
    "http://$address/oauth2/token")
case $token in
*'"access_token"'*) ;;
*) echo "no token: $token" >&2; exit 1 ;;
esac
for container in "$alone" "$served"; do
    docker kill --signal TERM "$container" >/dev/null
    code=$(timeout 20 docker wait "$container")
    [ "$code" = 130 ] || { echo "it ended with code $code" >&2; exit 1; }
done
echo 'the image starts, answers and ends'
