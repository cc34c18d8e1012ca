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

for _ in 1 2 3 4 5; do
  rm -rf "$part"
  mkdir "$part"
  cp "$from"/*.manifest "$part/manifest"
  if cp -R "$from" "$part/appendonlydir" 2>/dev/null && cmp -s "$part/manifest" "$from"/*.manifest
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
