#!/usr/bin/env bash
# Makes the images that Dockerfile and compose.yaml begin from, under their names, for where their registries are out of reach: of Debian and this
# machine's .NET instead of Ubuntu and Microsoft's. The one that the site runs in has the parts that `aspnet:10.0-noble-chiseled-extra` has, and no others: the C library, OpenSSL,
# ICU, time zones, certificates, a user without rights; no shell, no package manager, no Kerberos.
#   base-images.sh DIRECTORY    works there, as root; podman takes its storage from CONTAINERS_STORAGE_CONF
set -euo pipefail
shopt -s nullglob
cd "$1"
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
path=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

take() { # take FILE…: copies files of this machine, and what they lead to
  readlink -f "$@" | cat - <(printf '%s\n' "$@") | cut -c 2- | sort -u | tar -C / -c -T - | tar -C chiselled -x --keep-directory-symlink
}

library() { # library PATTERN…: where the loader finds what matches
  local pattern
  for pattern in "$@"; do ldconfig -p | awk -v pattern="^$pattern\$" '$1 ~ pattern && !seen[$1]++ { print $NF }'; done
}

mkdir -p chiselled/{etc,home/app,usr/bin,usr/lib,usr/lib64,usr/share/dotnet}
mkdir -m 1777 chiselled/tmp
for directory in bin lib lib64; do ln -s usr/$directory chiselled/$directory; done
# shellcheck disable=SC2046 # a word for each
take /lib/ld-linux-*.so.* /lib64/ld-linux-*.so.* $(library 'lib(c|m)[.]so[.]6' 'lib(dl|resolv|nss_files|nss_dns)[.]so[.]2' 'libpthread[.]so[.]0' 'librt[.]so[.]1') \
  $(library 'libgcc_s[.]so[.]1' 'libstdc[+][+][.]so[.]6' 'lib(ssl|crypto)[.]so[.]3' 'libicu(uc|i18n|data)[.]so[.][0-9]+') \
  /usr/share/zoneinfo /etc/ssl/certs/ca-certificates.crt
grep '^root:' /etc/passwd >chiselled/etc/passwd
grep '^root:' /etc/group >chiselled/etc/group
echo 'app:x:1654:1654::/home/app:/bin/false' >>chiselled/etc/passwd
echo 'app:x:1654:' >>chiselled/etc/group
chown 1654:1654 chiselled/home/app
cp --archive "$dotnet"/{dotnet,host,shared} chiselled/usr/share/dotnet/
ln -s ../share/dotnet/dotnet chiselled/usr/bin/dotnet
tar -C chiselled -c . | podman import --quiet --change ENV=APP_UID=1654 --change ENV=ASPNETCORE_HTTP_PORTS=8080 \
  --change ENV=DOTNET_RUNNING_IN_CONTAINER=true --change USER=1654 - mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra

# The build stage fetches packages, from whom this machine trusts.
debootstrap --variant=minbase --include=ca-certificates,libicu72,libssl3 bookworm debian >debootstrap.log
cp --recursive --dereference --no-clobber /etc/ssl/certs/. debian/etc/ssl/certs/
cp /etc/ssl/certs/ca-certificates.crt debian/etc/ssl/certs/
tar -C debian -c . | podman import --quiet --change ENV="$path" - localhost/debian
podman build --quiet --tag mcr.microsoft.com/dotnet/sdk:10.0-noble --file - "$dotnet" <<'DOCKERFILE'
FROM localhost/debian
COPY . /usr/share/dotnet
RUN ln -s ../share/dotnet/dotnet /usr/bin/dotnet
ENV DOTNET_NOLOGO=1 NUGET_CERT_REVOCATION_MODE=offline
DOCKERFILE

# And the database of compose.yaml, with as much of its entry point as that relies on.
mkdir postgres
cat >postgres/entrypoint.sh <<'ENTRYPOINT'
#!/bin/sh
set -eu
data=/var/lib/postgresql/data
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
if [ ! -s "$data/PG_VERSION" ]; then
  chown postgres "$data"
  install -o postgres -m 600 "$POSTGRES_PASSWORD_FILE" /tmp/password
  as_postgres initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 -D "$data"
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  as_postgres pg_ctl -D "$data" -w -o "-c listen_addresses=" start
  as_postgres createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
  as_postgres pg_ctl -D "$data" -w stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$@" -D "$data" -c "listen_addresses=*"
ENTRYPOINT
chmod +x postgres/entrypoint.sh
podman build --quiet --network host --tag docker.io/library/postgres:17 --file - postgres <<'DOCKERFILE'
FROM localhost/debian
RUN apt-get update && apt-get install -y --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/*/main
RUN ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ && install -d -o postgres /var/lib/postgresql/data
COPY entrypoint.sh /usr/local/bin/
STOPSIGNAL SIGINT
ENTRYPOINT ["entrypoint.sh"]
CMD ["postgres"]
DOCKERFILE
rm -rf chiselled debian postgres
