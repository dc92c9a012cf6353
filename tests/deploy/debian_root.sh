#!/bin/sh
# A minimal Debian with Python and make, and nothing else, in the folder ROOT; one that is there stays.
# Usage: debian_root.sh ROOT. As root; needs debootstrap, a Debian mirror.
set -eu

root=$1 suite=${SUITE:-bookworm}
[ ! -x "$root/usr/bin/make" ] || exit 0
debootstrap --variant=minbase --include=python3,python3-venv,make "$suite" "$root" ${MIRROR:+"$MIRROR"} >"$root.log" 2>&1 ||
	{ tail -n 5 "$root.log" >&2; exit 1; }
# The network of this machine: its name server, and its certificates where they are its own.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
if [ -n "${SSL_CERT_FILE:-}" ]; then
	mkdir -p "$root/etc/ssl/certs"
	cp -L "$SSL_CERT_FILE" "$root/etc/ssl/certs/ca-certificates.crt"
	printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
fi
[ -c "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
