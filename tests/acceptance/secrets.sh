#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A key never gets out: not into the log at any level, standard error, standard output, the journal, live files, printed addresses,
# nor back from a vendor that repeats it in its error.
. "$(dirname "$0")/lib.sh"
key='S3cr3t-Key/with+signs=0123456789'
encoded=S3cr3t-Key%2Fwith%2Bsigns%3D0123456789
fragment=r3t-Key # what even a cut or encoded copy would show
export MASSIVE_API_KEY=$key TAPEDECK_LOG_LEVEL=debug TAPEDECK_LOG=$scratch/tapedeck.log
lake=$scratch/lake

# Everything that any run below wrote is kept here and searched at the end; a stranger sees no more than this.
mkdir "$scratch/seen"
seen=0
keep() { seen=$((seen + 1)) && cat "$out" "$err" >"$scratch/seen/$seen.$1"; }
clean() { # NAME: of what has been written so far
  local found
  found=$(grep -rlaF -e "$key" -e "$encoded" -e "$fragment" "$scratch/seen" "$scratch/tapedeck.log" "$lake" "$home" 2>/dev/null | grep -v '/credentials$')
  is "$1" "$found" ""
}

start_sim --tickers 12 --sessions 4 --key "$key"
minutes=(ingest -t stocks_minute -s 2025-12-02 -e 2025-12-05 --lake "$lake" --verbose)
run "${minutes[@]}" --base-url "$sim_url" --tickers MEGA,RUNA
keep good
succeeds "the key works"
clean "a good run shows it nowhere"
holds "the log has lines of that run" test -s "$scratch/tapedeck.log"

# Standing still in the middle of a download: live files, command line, environment aside.
good_sim=$sim_pid good_url=$sim_url
start_sim --tickers 12 --sessions 4 --key "$key" --latency 60000
"$TAPEDECK" "${minutes[@]}" --base-url "$sim_url" --tickers RUNB >"$scratch/seen/waiting.out" 2>"$scratch/seen/waiting.err" </dev/null &
owner=$!
children+=("$owner")
live_job() { grep -qs '"state":"running"' "$lake/_runs/live/$owner-"*.json; }
wait_until 60 live_job || give_up "an ingest runs"
clean "a running job's live file does not have it"
holds "nor does its command line" bash -c '! tr "\0" " " </proc/'"$owner"'/cmdline | grep -qF '"$fragment"
run status --lake "$lake" --verbose
keep status
stop "$owner"
stop_sim

# Vendors that answer badly, each in its own way.
for fault in 500 429 notauth plan html garbage cutjson truncate reset; do
  start_sim --tickers 12 --sessions 4 --key "$key" --fault "$fault=1"
  TAPEDECK_RETRIES=1 run "${minutes[@]}" --base-url "$sim_url" --tickers RUNC --max-concurrent 1
  keep "$fault"
  [ "$rc" -ne 0 ] && ok "a vendor of '$fault' fails the run (exit status $rc)" || not_ok "a vendor of '$fault' fails the run" "$err"
  stop_sim
done
clean "no failure shows it"

# A vendor that says the key back, in the body, in a header and in the next page's address.
if command -v python3 >/dev/null; then
  cat >"$scratch/echo.py" <<'PYTHON'
import http.server, json, sys, urllib.parse
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        key = (self.headers.get("Authorization") or "Bearer ?").split(" ", 1)[1]
        quoted = urllib.parse.quote(key, safe="")
        if "PAGE" in self.path:
            body, status = {"status": "OK", "results": [], "next_url": "http://127.0.0.1:1/x?apiKey=" + quoted}, 200
        elif "BODY" in self.path:
            body, status = {"status": "ERROR", "error": "Unknown API Key " + key + " (" + quoted + ")"}, 401
        else:
            body, status = {"status": "ERROR", "message": "bad request " + self.path + "?apiKey=" + quoted + " by " + key}, 400
        data = json.dumps(body).encode()
        self.send_response(status, "No " + key)
        self.send_header("X-Key", key)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
  mkfifo "$scratch/echo.port"
  python3 "$scratch/echo.py" >"$scratch/echo.port" 2>/dev/null </dev/null &
  echo_pid=$!
  children+=("$echo_pid")
  read -r -t 120 port <"$scratch/echo.port"
  for ticker in BODY OTHER PAGE; do
    TAPEDECK_RETRIES=1 run "${minutes[@]}" --base-url "http://127.0.0.1:$port" --tickers "$ticker"
    keep "echo-$ticker"
    [ "$rc" -ne 0 ] && ok "a vendor that repeats the key ($ticker) fails the run" || not_ok "a vendor that repeats the key ($ticker) fails the run" "$err"
  done
  holds "its words are told without the key" grep -qF 'Unknown API Key ***' "$scratch/seen"/*.echo-BODY
  run doctor --network --base-url "http://127.0.0.1:$port" --lake "$lake"
  keep doctor-echo
  stop "$echo_pid"
else
  skip "a vendor that repeats the key" "python3 is not installed"
fi
clean "not even a vendor that repeats it gets it printed"

# Addresses that carry a key, a file that holds it, and the commands that print settings.
run "${minutes[@]}" --base-url "$good_url?apiKey=$encoded" --tickers RUNA
keep url
run doctor --network --base-url "$good_url" --lake "$lake" --verbose
keep doctor
holds "doctor says that there is a key" grep -qi 'key' "$out"
run config --verbose --format json
keep config
unset MASSIVE_API_KEY
mkdir -p "$XDG_CONFIG_HOME/tapedeck"
(umask 077 && printf 'api_key: "%s"\n' "$key" >"$XDG_CONFIG_HOME/tapedeck/credentials")
run "${minutes[@]}" --base-url "$good_url" --tickers RUNA
keep credentials
succeeds "the credentials file works"
(umask 077 && printf 'api_key: [%s\n' "$key" >"$XDG_CONFIG_HOME/tapedeck/credentials")
run "${minutes[@]}" --base-url "$good_url" --tickers RUNA
keep broken-credentials
is "a broken credentials file is refused" "$((rc == 3 || rc == 5))" 1
POLYGON_API_KEY=$key run "${minutes[@]}" --base-url "$good_url" --tickers RUNA
keep polygon
clean "nor addresses, settings and credentials files"
is "everything was looked at" "$(find "$scratch/seen" -type f -size +0 | wc -l | awk '{ print ($1 > 14) }')" 1
grep -qaF "$fragment" <<<"$key" && ok "the search would find it" || not_ok "the search would find it"
stop "$good_sim"
finish
