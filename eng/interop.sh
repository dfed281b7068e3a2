#!/usr/bin/env bash
# Tries Tandem against other implementations of WebSocket, and writes what came of it to docs/interop.md.
# Usage: eng/interop.sh [--build]   (--build: only makes the peers' programs, where a source is newer than what was made)
# A peer whose tools are missing is not made; its tests say so.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=tests/Tandem.Interop.Tests/peers
out=artifacts/interop
java=/usr/share/java
mkdir -p "$out/netty"

# --ignore-scripts: what a package would run while it is installed is not needed by any of ours.
if command -v npm >/dev/null; then
  if [ ! -f $peers/node/node_modules/.package-lock.json ] || [ $peers/node/package-lock.json -nt $peers/node/node_modules/.package-lock.json ]; then
    npm ci --prefix $peers/node --ignore-scripts --no-progress --loglevel=error
  fi
fi

gorilla=/usr/share/gocode/src/github.com/gorilla/websocket
if command -v go >/dev/null && [ -d $gorilla ] && [ ! "$out/gorilla" -nt $peers/go/main.go ]; then
  # Debian's packages are on a GOPATH; nothing is fetched.
  GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$PWD/$out/go-cache" go build -o "$out/gorilla" $peers/go/main.go
fi

if command -v javac >/dev/null && [ -f $java/netty-codec-http.jar ] && [ ! "$out/netty/NettyPeer.class" -nt $peers/java/NettyPeer.java ]; then
  javac -Xlint:all -Werror -d "$out/netty" -cp "$java/netty-buffer.jar:$java/netty-codec.jar:$java/netty-codec-http.jar:$java/netty-common.jar:$java/netty-handler.jar:$java/netty-transport.jar" $peers/java/NettyPeer.java
fi

[ "${1:-}" = --build ] && exit

dotnet build tests/Tandem.Interop.Tests -c Release -v quiet -nologo
TANDEM_INTEROP_WRITE=1 exec tests/Tandem.Interop.Tests/bin/Release/net10.0/Tandem.Interop.Tests -noColor -noLogo
