#!/usr/bin/env bash
# Sends what the control's OpenAPI document allows, and what it does not: no answer may be a 5xx or differ from the
# document. Needs Python with venv; give it the command to run, or it builds one.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
served=''
clean_up() {
    [ -z "$served" ] || { kill "$served" && wait "$served"; } 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT

command=${1:-}
if [ -z "$command" ]; then
    cargo build --locked --quiet --package mock-idp --bin mock-idp
    command=${CARGO_TARGET_DIR:-target}/debug/mock-idp
fi
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --requirement mock-idp/tests/schemathesis.txt

mkfifo "$scratch/said"
MOCK_IDP_ADMIN_TOKEN=control-token "$command" serve >"$scratch/said" &
served=$!
control=$(sed -n 's/^control *//p;/^try/q' "$scratch/said")
# A stream has no end, and a wait lasts as long as it is told to: both are left out.
"$scratch/venv/bin/schemathesis" run "$control/openapi.json" \
    --header 'Authorization: Bearer control-token' \
    --exclude-path /admin/events/stream --exclude-path /admin/requests/wait \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
    --max-examples "${EXAMPLES:-25}" --request-timeout 30 --seed "${SEED:-1}" --no-color
kill -0 "$served"
