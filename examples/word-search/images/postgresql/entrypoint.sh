#!/bin/sh
# Starts PostgreSQL as its own user on the volume /data; the first time it makes the database there.
# POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB name what the application uses.
set -eu

as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

mkdir -p "$PGDATA" /run/postgresql
chown postgres:postgres "$PGDATA" /run/postgresql
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Made beside and moved: a database half made when the power went is begun again.
  draft=$PGDATA-draft
  rm -rf "$draft"
  mkdir "$draft"
  chown postgres:postgres "$draft"
  password=$(mktemp)
  printf '%s' "$POSTGRES_PASSWORD" > "$password"
  chown postgres "$password"
  as_postgres initdb -D "$draft" -U "$POSTGRES_USER" --pwfile="$password" --auth-local=trust --auth-host=scram-sha-256 \
    --encoding=UTF8 --no-locale > /dev/null
  rm "$password"
  echo "host all all all scram-sha-256" >> "$draft/pg_hba.conf"
  [ "$POSTGRES_DB" = postgres ] || echo "CREATE DATABASE \"$POSTGRES_DB\"" | as_postgres postgres --single -D "$draft" postgres > /dev/null
  rmdir "$PGDATA"
  mv "$draft" "$PGDATA"
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D "$PGDATA" -c listen_addresses='*' "$@"
