#!/bin/sh
# Buy a fixed quantity once a day: dca.sh BTCUSDT 0.002
#
# Safe to call again after a failure: the job's id holds the date, so that the day's order is sent once, and a
# job that was cut off is gone on with. Cron mails what is printed to stderr.
set -u
symbol=${1:?usage: dca.sh SYMBOL QUANTITY}
quantity=${2:?usage: dca.sh SYMBOL QUANTITY}
here=$(cd "$(dirname "$0")" && pwd)
orderkit=${ORDERKIT:-uv run --quiet --project $here/../.. orderkit}
log=${DCA_LOG:-${XDG_STATE_HOME:-$HOME/.local/state}/orderkit-dca.jsonl}
mkdir -p "$(dirname "$log")"

# shellcheck disable=SC2086 # the command may be several words
$orderkit market "$symbol" BUY "$quantity" --job-id "dca-$symbol-$(date -u +%Y%m%d)" --json --quiet --yes >>"$log"
code=$?
case $code in
0) ;;
7) echo "dca $symbol: the exchange could not be reached; nothing is in doubt, the next call tries again" >&2 ;;
8) echo "dca $symbol: the order's outcome is not known yet; run: orderkit reconcile" >&2 ;;
*) echo "dca $symbol: not bought, exit code $code; the last line of $log says why" >&2 ;;
esac
exit $code
