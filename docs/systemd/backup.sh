#!/bin/sh
# Copies the ledger while its server runs: backup.sh SERVER_FOLDER BACKUP_FOLDER
#
# SERVER_FOLDER has `appendonlydir` in it. The copy is what the append-only file was at one
# moment, as long as the server did not begin or end a rewrite meanwhile: then its manifest
# has changed, and the copy is made again. The last 48 copies are kept.
set -eu
umask 077
from=$1/appendonlydir
to=$2
name=ledger-$(date -u +%Y%m%dT%H%M%SZ).tar.gz
part=$to/.part
mkdir -p "$to"
# In the midst of a rewrite a second one lies there for a moment, as temp-….
manifest=$(find "$from" -name '*.manifest' ! -name 'temp-*')
if [ -z "$manifest" ]; then
  echo "there is no append-only file in $from" >&2
  exit 1
fi

for _ in 1 2 3 4 5; do
  rm -rf "$part"
  mkdir "$part"
  if cp "$manifest" "$part/manifest" && cp -R "$from" "$part/appendonlydir" 2>/dev/null \
    && cmp -s "$part/manifest" "$manifest"
  then
    tar -C "$part" -czf "$part/$name" appendonlydir
    mv "$part/$name" "$to/$name"
    rm -rf "$part"
    ls -1 "$to"/ledger-*.tar.gz | head -n -48 | xargs -r rm --
    echo "$to/$name"
    exit 0
  fi
  sleep 2
done
echo "the server rewrites its append-only file again and again; nothing was copied" >&2
exit 1
