#!/usr/bin/env bash
# bench/table.sh RESULTS MACHINE [print-only]: results (SIDE|ROW|NUMBER|WORDS) beside target, ratio and the value that stands in bench/README.md; puts the table there.
set -euo pipefail
cd "$(dirname "$0")"
table() {
  awk -F'|' -v machine="$2" -v q='"' '
    FILENAME == "README.md" { # | what | measured | ... of the table that is there: its measured value becomes "last"
      if ($0 ~ /^<!-- api -->/) inside = 1; if ($0 ~ /^<!-- \/api -->/) inside = 0
      if (inside && NF > 6) { name = $2; gsub(/^ +| +$/, "", name); split($3, v, " "); last[name] = v[1] }
      next
    }
    { number[$1, $2] = $3; words[$1, $2] = $4 }
    function row(key, name, unit, target, up, r) {
      if (!(("timonier", key) in number)) return
      r = ("kube-apiserver", key) in number ? number["kube-apiserver", key] : ""
      printf "| %s | %s %s; %s | %s | %s | %s | %s |\n", name, number["timonier", key], unit, words["timonier", key], target, (name in last ? last[name] : "-"), \
        (r == "" ? "-" : r " " unit "; " words["kube-apiserver", key]), (r > 0 ? sprintf("%.2f", number["timonier", key] / r) : "-")
    }
    END {
      print "`./bench.sh api` on " machine ". Over TLS with a bearer token on loopback, server and client share the machine."
      print ""
      print "| work | measured | target | last | kube-apiserver 1.20 + etcd | ratio |"
      print "| --- | --- | --- | --- | --- | --- |"
      row("create", "durable creates, 32 connections", "/s", "5,000/s, p99 20 ms")
      row("get", "GET one of 11,000, 32 connections", "/s", "30,000/s")
      row("list", "LIST all 11,000, 4 connections", "/s", "80/s")
      row("page", "LIST limit=500, 4 connections", "/s", "1,500/s")
      row("memory", "memory after this work", "MB", "150 MB")
      row("watch", "events to 1,000 watchers, 200 changes/s wanted", "/s", "200,000/s, p99 100 ms late, 4 µs each")
      row("writer", "writes meanwhile", "/s", "200/s, none delayed")
      row("start", "start with 100,000 objects on disk to ready", "s", "1.5 s")
      row("pods", "150,000 pods of 3 kB: memory over their bytes", "times", "1.3")
      row("podlist", "one LIST of them adds", "MB", "16 MB")
    }' README.md "$1"
}
table "$1" "$2" >"$1.table"
cat "$1.table"
[ "${3:-}" = print-only ] || { awk -v file="$1.table" '/^<!-- api -->/ { print; while ((getline line < file) > 0) print line; skip = 1 } /^<!-- \/api -->/ { skip = 0 } !skip' README.md >"$1.readme"; cp "$1.readme" README.md; }
