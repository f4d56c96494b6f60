#!/usr/bin/env bash
# Make or refresh .venv; does nothing when it is up to date. Needs Python 3.11, bash and coreutils.
# usage: scripts/setup.sh run    what the platform needs (requirements.txt)
#        scripts/setup.sh dev    and what tests and checks need (requirements-dev.txt)
# PYTHON=PATH names the interpreter. TORCH=cuda keeps PyPI's build of PyTorch.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
unset PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX

readonly NEEDED=3.11
readonly VENV=.venv
readonly UNFINISHED=$VENV/.unfinished   # there while packages are being written
readonly CPU_INDEX=${TORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}
readonly CPU_SIZE="about 0.2 GB to download, 0.7 GB installed"
readonly CUDA_SIZE="with CUDA libraries, about 3 GB to download, 5.5 GB installed"

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# --- what is there, what is wanted

fingerprint() { # file ...: one word that changes with their content
    local sum
    sum=$(cat -- "$@" | sha256sum)
    printf '%s' "${sum%% *}"
}

stamp_of() { printf '%s/.setup-%s' "$VENV" "$1"; }

wanted_for() {
    case $1 in
        run) fingerprint requirements.txt ;;
        dev) fingerprint requirements.txt requirements-dev.txt ;;
    esac
}

has_cpu_torch() { compgen -G "$VENV/lib/python3*/site-packages/torch-*+cpu.dist-info" >/dev/null; }

wrong_torch() { [[ ${TORCH:-} == cuda ]] && has_cpu_torch; }

is_ready() { # run|dev
    local stamp
    stamp=$(stamp_of "$1")
    [[ -x $VENV/bin/python && ! -e $UNFINISHED && -r $stamp ]] || return 1
    [[ $(<"$stamp") == "$(wanted_for "$1")" ]] && ! wrong_torch
}

# --- the interpreter

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

find_python() {
    local candidate version seen=""
    for candidate in ${PYTHON:-python3.11 python3}; do
        if ! version=$(version_of "$candidate"); then
            seen+="; $candidate does not run"
        elif [[ $version != "$NEEDED" ]]; then
            seen+="; $candidate is $version"
        elif ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            seen+="; $candidate has no venv module (Debian, Ubuntu: apt install python3-venv)"
        else
            printf '%s' "$candidate"
            return
        fi
    done
    fail "Python $NEEDED is needed and was not found${seen}." \
        "Name one with: make setup PYTHON=/path/to/python$NEEDED"
}

# --- PyTorch: the CPU build where a GPU build would be 5 GB for nothing

has_nvidia() { [[ -e /dev/nvidia0 ]] || nvidia-smi -L >/dev/null 2>&1; }

answers() { # URL, within three seconds, names included
    timeout 3 "$VENV/bin/python" - "$1" 2>/dev/null <<'PY'
import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1], timeout=3) as answer:
    sys.exit(answer.status != 200)
PY
}

has_pinned_torch() {
    local pin
    pin=$(while IFS= read -r line; do
        [[ $line =~ ^torch==([^[:space:]]+) ]] && printf '%s' "${BASH_REMATCH[1]}"
    done <requirements.txt)
    compgen -G "$VENV/lib/python3*/site-packages/torch-$pin[.+]*dist-info" >/dev/null
}

choose_torch() { # prints the index to add, or nothing
    if has_pinned_torch; then
        return
    elif [[ $(uname -s -m) != "Linux x86_64" ]]; then
        say "PyTorch: PyPI's build for $(uname -s -m)."
    elif [[ ${TORCH:-} == cuda ]]; then
        say "PyTorch: PyPI's build, as TORCH=cuda asks ($CUDA_SIZE)."
    elif has_nvidia; then
        say "PyTorch: PyPI's build for the NVIDIA GPU found here ($CUDA_SIZE)."
    elif answers "$CPU_INDEX/torch/"; then
        say "PyTorch: the CPU build from $CPU_INDEX, as there is no NVIDIA GPU here ($CPU_SIZE)."
        printf '%s' "$CPU_INDEX"
    else
        say "PyTorch: PyPI's build ($CUDA_SIZE); it runs without a GPU as well." \
            "$CPU_INDEX, which has a small CPU build, did not answer within 3 s."
    fi
}

# --- building

discard_unusable() {
    [[ -e $VENV ]] || return 0
    local version
    if [[ -e $UNFINISHED ]]; then
        say "an earlier set-up was interrupted; starting $VENV over."
    elif wrong_torch; then
        say "TORCH=cuda replaces the CPU build; starting $VENV over."
    elif ! version=$(version_of "$VENV/bin/python"); then
        say "the interpreter of $VENV is gone; starting over."
    elif [[ $version != "$NEEDED" ]]; then
        fail "$VENV has Python $version and $NEEDED is needed. Remove it with: rm -rf $VENV"
    else
        return 0
    fi
    rm -rf -- "$VENV"
}

create() {
    local python
    python=$(find_python)
    say "making $VENV with $("$python" --version)."
    mkdir -- "$VENV"
    : >"$UNFINISHED"
    "$python" -m venv "$VENV"
}

wanted_run="" wanted_dev=""  # what install has asked for, in words of fingerprint

install() { # run|dev
    local index options=(--disable-pip-version-check --no-input) file=requirements.txt
    [[ $1 == dev ]] && file=requirements-dev.txt
    [[ -t 2 ]] || options+=(--quiet)
    index=$(choose_torch)
    [[ -z $index ]] || options+=(--extra-index-url "$index")
    say "installing $file; the first time takes some minutes."
    # What is asked for now: the files may change while pip works.
    wanted_run=$(wanted_for run) wanted_dev=$(wanted_for dev)
    : >"$UNFINISHED"
    "$VENV/bin/python" -m pip install "${options[@]}" --requirement "$file" >&2
}

finish() { # run|dev
    local size
    printf '%s' "$wanted_run" >"$(stamp_of run)"
    if [[ $1 == dev ]]; then printf '%s' "$wanted_dev" >"$(stamp_of dev)"; fi
    rm -f -- "$UNFINISHED"
    size=$(du -sh -- "$VENV")
    say "ready in $SECONDS s; $VENV takes ${size%%[[:space:]]*}."
}

# A first set-up that fails leaves nothing behind. In a later one pip has rolled back what it could
# not install, unless it was interrupted: then the mark stays and the next run starts over.
give_up() {
    if [[ -n $made ]]; then
        rm -rf -- "$VENV"
    elif [[ -z $interrupted ]]; then
        rm -f -- "$UNFINISHED"
    fi
    say "not finished${interrupted:+ (interrupted)}. Run it again to try again."
}

lock() { # on this script's own file, so that it ends with the process and leaves nothing
    local python=$VENV/bin/python
    version_of "$python" >/dev/null || python=$(find_python)
    exec 9<scripts/setup.sh
    "$python" - <<'PY'
import fcntl
import sys

try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("setup: another set-up is running here; waiting for it.", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)
PY
}

made=""
interrupted=""

main() {
    local what=${1:-run}
    [[ $what == run || $what == dev ]] || fail "usage: scripts/setup.sh [run|dev]"
    [[ -z ${TORCH:-} || $TORCH == cuda ]] || fail "TORCH=$TORCH is unknown; there is only TORCH=cuda."
    if is_ready "$what"; then return; fi
    lock
    if is_ready "$what"; then return; fi
    discard_unusable
    trap 'interrupted=yes' INT TERM HUP
    trap give_up EXIT
    if [[ ! -e $VENV ]]; then
        made=yes
        create
    fi
    install "$what"
    [[ -z $interrupted ]] || exit 130
    trap - EXIT
    finish "$what"
}

main "$@"
