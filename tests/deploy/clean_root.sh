#!/bin/sh
# From a clean Debian with Python and make and nothing else to the demo: by the wheel, and by a checkout.
# Usage: clean_root.sh WHEEL CHECKOUT [ROOT]. As root; needs debootstrap, a Debian mirror and a package index.
# ROOT keeps the Debian for the next run. Prints the seconds of each step.
set -eu

wheel=$(realpath "$1") checkout=$(realpath "$2")
root=${3:-$(mktemp -d /var/tmp/sopbot-clean.XXXXXX)}

"$(dirname "$0")/debian_root.sh" "$root"
rm -rf "$root/home/person"
mkdir -p "$root/home/person/checkout"
cp "$wheel" "$root/home/person/"
# What git has of the checkout, with changes that are not committed yet.
(cd "$checkout" && git ls-files -z | tar -c --null --no-recursion --ignore-failed-read -T - 2>/dev/null) |
	tar -x -C "$root/home/person/checkout"

# A person of its own and a process tree of its own: nothing that the demo leaves would outlive it.
inside() {
	unshare --mount --pid --fork --kill-child sh -eu -c '
		mount -t proc proc "$1/proc"
		exec chroot --userspec=65534:65534 "$1" /usr/bin/env -i \
			PATH=/usr/bin:/bin HOME=/home/person LANG=C.UTF-8 sh -eu -c "cd /home/person; $2"
	' inside "$root" "$1"
}
timed() {
	start=$(date +%s.%N)
	inside "$2" >"$root/home/person/output" 2>&1 || { tail -n 30 "$root/home/person/output" >&2; exit 1; }
	end=$(date +%s.%N)
	echo "$1: $(echo "$start $end" | awk '{printf "%.1f", $2 - $1}') s"
}
chown -R 65534:65534 "$root/home/person"

timed 'wheel: venv and pip install' "python3 -m venv venv && venv/bin/pip install -q ./$(basename "$wheel")"
mkdir -p "$root/home/person/empty"
timed 'wheel: demo' 'cd empty && ../venv/bin/sopbot demo'
grep 'health check to resolved' "$root/home/person/output"
timed 'checkout: make setup' 'cd checkout && make setup'
timed 'checkout: make demo' 'cd checkout && make demo'
grep 'health check to resolved' "$root/home/person/output"
[ -n "${3:-}" ] || rm -rf "$root"
