#!/bin/sh
# Run once by PostgreSQL's image, in an empty data folder: makes the platform's database and its role,
# which is no superuser. Only a superuser may install pgvector; new databases inherit it.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv password FACEPLATFORM_PASSWORD
\connect template1
CREATE EXTENSION vector;
\connect postgres
CREATE ROLE faceplatform LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE faceplatform OWNER faceplatform;
SQL
