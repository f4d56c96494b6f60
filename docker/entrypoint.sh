#!/bin/sh
# One process of the platform, the same command that `manage.py up` runs.
# usage: entrypoint.sh web|worker-inference|worker-training|beat|dispatcher
#        entrypoint.sh migrate              bring the database up to date, collect static files
#        entrypoint.sh health ROLE          exit code 0 if web or a worker answers
#        entrypoint.sh manage COMMAND ...   any command of manage.py
set -eu
cd -- "$(dirname -- "$0")/.."

# Servers inside a container would be one pair for each of them.
: "${DATABASE_URL:?must name the PostgreSQL server}"
: "${REDIS_URL:?must name the Valkey server}"

worker() { # name queues
    exec python -m celery --quiet -A faceplatform worker --concurrency 1 --loglevel INFO \
        -Q "$2" -n "$1@%h" --without-gossip --without-mingle
}

role=${1:-}
[ $# -eq 0 ] || shift
case $role in
    web) exec python -m gunicorn --config python:faceplatform.stack.gunicorn_conf faceplatform.wsgi ;;
    worker-inference) worker inference default,inference ;;
    worker-training) worker training training,evaluation,video ;;
    beat) exec python -m celery --quiet -A faceplatform beat --loglevel INFO ;;
    dispatcher) exec python manage.py dispatch ;;
    migrate)
        python manage.py migrate --noinput
        exec python manage.py collect_changed
        ;;
    health) exec python -m faceplatform.stack.container_health "$@" ;;
    manage) exec python manage.py "$@" ;;
    *)
        echo "unknown role: ${role:-none}; see the head of docker/entrypoint.sh" >&2
        exit 64
        ;;
esac
