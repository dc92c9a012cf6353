#!/bin/sh
# Installs the servers that integration tests use. Debian or Ubuntu, as root. Doing it twice is fine.
set -eu

missing=''
for package in prometheus prometheus-alertmanager chromium docker.io busybox-static postgresql nats-server redis-server mariadb-server memcached openssh-server systemd debootstrap docker-compose haproxy python3-venv; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
	echo 'make services: everything is installed'
	exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "make services: this is not Debian or Ubuntu; install by your own means:$missing" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "make services: only root can install$missing; try: sudo make services" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # one word a package
apt-get install -y -qq --no-install-recommends $missing
echo "make services: installed$missing"
