# What bench/api.sh and bench/growth.sh share: servers to measure and the tools to measure them. Read with ".", not run.
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
export DOTNET_EnableWriteXorExecute=0 # as "timonier up" starts a server
tools/publish.sh
dotnet build bench/Timonier.Bench -c Release -v quiet --nologo >/dev/null
program=$PWD/out/timonier/timonier bench=$PWD/bench/Timonier.Bench/bin/Release/net10.0/bench
work=$(mktemp -d /tmp/timonier-bench-XXXXXX)
pids=() server='' token='' url=''
finish() { stop; rm -rf "$work"; }
trap finish EXIT
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done; pids=(); }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
processes() { local IFS=,; echo "${pids[*]}"; }
# Another name than curl's, for which servers print prettily, by decoding.
call() { curl -sk -A timonier-bench --max-time 60 -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -X "$1" "$url$2" ${3:+-d "$3"}; }
ready() { # LIMIT_SECONDS: waits until the server says that it is
  for _ in $(seq $(($1 * 50))); do
    [ "$(curl -sk --max-time 5 "$url/readyz" || true)" = ok ] && return 0
    kill -0 "${pids[0]}" 2>/dev/null || break
    sleep 0.02
  done
  echo "bench: the server at $url is not ready: $(tail -3 "$work/log")" >&2; exit 1
}
mb() { awk '/VmRSS/ { sum += $2 } END { printf "%.0f", sum / 1024 }' $(printf '/proc/%s/status ' "${pids[@]}"); }
ticks() { awk '{ sum += $14 + $15 } END { print sum * 10000 }' $(printf '/proc/%s/stat ' "${pids[@]}"); }  # microseconds of CPU time

start_timonier() { # DIRECTORY [OPTION...]
  local data=$1; shift
  local listen; listen=127.0.0.1:$(port)
  url=https://$listen
  "$program" server --no-node --data-dir "$data" --listen "$listen" "$@" >"$work/log" 2>&1 & pids=($!)
  ready 60
  token=$(cat "$data/bench-token" 2>/dev/null || true)
  [ -z "$token" ] || return 0
  for _ in $(seq 100); do [ -s "$data/admin.kubeconfig" ] && break; sleep 0.1; done
  export KUBECONFIG=$data/admin.kubeconfig
  { "$program" create namespace bench; "$program" create serviceaccount bench; "$program" create serviceaccount default --namespace bench || true
    "$program" create clusterrolebinding bench --clusterrole cluster-admin --serviceaccount default:bench; } >/dev/null 2>&1
  token=$("$program" create token bench --duration 2h); echo "$token" >"$data/bench-token"
}
start_upstream() {
  local bin=$HOME/.cache/kubernetes-e2e/bin data=$work/upstream etcd; etcd=http://127.0.0.1:$(port)
  mkdir -p "$data"; url=https://127.0.0.1:$(port) token=bench-token
  echo 'bench-token,bench,bench,system:masters' >"$data/tokens"
  openssl genrsa -out "$data/key" 2048 2>/dev/null
  etcd --data-dir "$data/etcd" --listen-client-urls "$etcd" --advertise-client-urls "$etcd" --listen-peer-urls "http://127.0.0.1:$(port)" >"$work/etcd.log" 2>&1 & local store=$!
  "$bin/kube-apiserver" --etcd-servers "$etcd" --bind-address 127.0.0.1 --secure-port "${url##*:}" --insecure-port 0 --cert-dir "$data" --token-auth-file "$data/tokens" --authorization-mode RBAC \
    --service-account-issuer https://kubernetes.default.svc --service-account-signing-key-file "$data/key" --service-account-key-file "$data/key" --service-cluster-ip-range 10.97.0.0/16 \
    --endpoint-reconciler-type none --disable-admission-plugins ServiceAccount >"$work/log" 2>&1 & pids=($! $store)
  ready 60
  call POST /api/v1/namespaces '{"metadata":{"name":"bench"}}' >/dev/null
}

fill() { "$bench" create "$url" "$token" --pids "$(processes)" "$@"; }
watches() { "$bench" watch "$url" "$token" --pids "$(processes)" "$@"; }
load() { # SECONDS CONNECTIONS PATH [LUA]: prints rate, p99_ms, mb_s and cpu_us as "fill" does
  printf 'wrk.headers["Authorization"] = "Bearer %s"\n%s\n' "$token" "${4:-}" >"$work/wrk.lua"
  local cpu; cpu=$(ticks)
  wrk -t2 -c"$2" -d"$1" --timeout 20s --latency -s "$work/wrk.lua" "$url$3" >"$work/wrk"
  awk -v cpu=$(($(ticks) - cpu)) '
    function ms(t) { return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t * 1000 }
    function mb(t) { return t ~ /GB$/ ? t * 1073.7 : t ~ /MB$/ ? t * 1.0486 : t / 1000 }
    / 99%/ { print "p99_ms", ms($2) } / 50%/ { print "p50_ms", ms($2) } /^Requests\/sec/ { printf "rate %s\n", ($2 > 1000 ? int($2) : $2) } /^Transfer/ { printf "mb_s %.0f\n", mb($2) }
    / requests in / { printf "cpu_us %.1f\n", cpu / $1 } /Socket errors|Non-2xx/ { print > "/dev/stderr" }' "$work/wrk"
}
random_name='request = function() return wrk.format("GET", string.format("/api/v1/namespaces/bench/configmaps/bench-%06d", math.random(0, '
value() { awk -v k="$2" '$1 == k { print $2 }' <<<"$1"; }
