#!/usr/bin/env bash
# Every check that needs no test run. Runs them all, shows the output of those that fail.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
readonly PY=.venv/bin/python
failed=()

check() { # name command ...
    local name=$1 start=$SECONDS output
    shift
    if output=$("$@" 2>&1); then
        printf 'ok      %-22s %3s s\n' "$name" "$((SECONDS - start))"
    else
        printf 'FAILED  %-22s %3s s\n%s\n\n' "$name" "$((SECONDS - start))" "$output"
        failed+=("$name")
    fi
}

schema_is_current() {
    local schema
    schema=$("$PY" manage.py spectacular --validate --fail-on-warn) || {
        printf '%s\n' "$schema"
        return 1
    }
    [[ $schema == "$(<docs/openapi.yaml)" ]] && return
    printf 'docs/openapi.yaml is not what the code says; run "make schema" and look at the difference.\n'
    return 1
}

check "style" "$PY" -m ruff check --output-format concise .
check "format" "$PY" -m ruff format --check --output-format concise .
check "imports" "$PY" .venv/bin/lint-imports --no-logo
check "types" "$PY" -m mypy
check "environment" "$PY" -m scripts.check_env_example
check "reliability tables" "$PY" -m scripts.render_reliability --check
check "packages" "$PY" -m pip check
check "django" "$PY" manage.py check --fail-level WARNING
check "migrations" "$PY" manage.py makemigrations --check --dry-run
if [[ -e docs/openapi.yaml ]]; then check "API schema" schema_is_current; fi
for script in scripts/*.sh .ci/run; do check "$script" bash -n "$script"; done
for script in docker/*.sh; do check "$script" sh -n "$script"; done

if ((${#failed[@]})); then
    printf '\n%s of the checks failed: %s\n' "${#failed[@]}" "${failed[*]}"
    exit 1
fi
