// gorilla/websocket, as server and as client.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	subprotocol = "tandem.test"
	maxMessage  = 16 * 1024 * 1024
)

var output sync.Mutex

type command struct {
	ID        string   `json:"id"`
	URL       string   `json:"url"`
	Protocols []string `json:"protocols"`
	Profile   string   `json:"profile"`
}

type report struct {
	ID       string `json:"id"`
	Protocol string `json:"protocol"`
	Code     int    `json:"code"`
	Reason   string `json:"reason"`
	Error    string `json:"error,omitempty"`
}

func tell(line interface{}) {
	output.Lock()
	defer output.Unlock()
	json.NewEncoder(os.Stdout).Encode(line)
}

func echo(socket *websocket.Conn, id string) {
	defer socket.Close()
	socket.SetReadLimit(maxMessage)
	for {
		kind, message, err := socket.ReadMessage()
		if err == nil && kind == websocket.TextMessage && strings.HasPrefix(string(message), "!") {
			err = obey(socket, string(message))
		} else if err == nil {
			err = socket.WriteMessage(kind, message)
		}
		if err != nil {
			end := report{ID: id, Protocol: socket.Subprotocol()}
			if closed, ok := err.(*websocket.CloseError); ok {
				end.Code, end.Reason = closed.Code, closed.Text
			}
			tell(end)
			return
		}
	}
}

func obey(socket *websocket.Conn, text string) error {
	words := strings.SplitN(text, " ", 3)
	deadline := time.Now().Add(10 * time.Second)
	switch words[0] {
	case "!ping":
		return socket.WriteControl(websocket.PingMessage, []byte("interop"), deadline)
	case "!fragments":
		// A writer sends a frame whenever its buffer is full.
		writer, err := socket.NextWriter(websocket.TextMessage)
		if err != nil {
			return err
		}
		for i := 0; i < 3000; i++ {
			if _, err := writer.Write([]byte("0123456789")); err != nil {
				return err
			}
		}
		return writer.Close()
	case "!close":
		code, reason := websocket.CloseNoStatusReceived, ""
		if len(words) == 3 {
			code, _ = strconv.Atoi(words[1])
			reason = words[2]
		}
		return socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), deadline)
	}
	return nil
}

func serve(compression bool) int {
	upgrader := websocket.Upgrader{
		Subprotocols:      []string{subprotocol},
		EnableCompression: compression,
		WriteBufferSize:   4096,
		CheckOrigin:       func(*http.Request) bool { return true },
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if socket, err := upgrader.Upgrade(response, request, nil); err == nil {
			echo(socket, request.URL.Path[1:])
		}
	}))
	return listener.Addr().(*net.TCPAddr).Port
}

func connect(c command) {
	dialer := websocket.Dialer{Subprotocols: c.Protocols, EnableCompression: c.Profile != "plain", WriteBufferSize: 4096}
	socket, _, err := dialer.Dial(c.URL, nil)
	if err != nil {
		tell(report{ID: c.ID, Error: err.Error()})
		return
	}
	echo(socket, c.ID)
}

// Debian's package is the only place that knows the version.
func version() string {
	text, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "golang-github-gorilla-websocket-dev").Output()
	if err != nil {
		return "unknown"
	}
	return strings.SplitN(string(text), "-", 2)[0]
}

func main() {
	deflate := serve(true) // it never keeps contexts, and always says so
	tell(map[string]interface{}{"version": version(), "ports": map[string]int{"plain": serve(false), "deflate": deflate, "noContext": deflate}})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		go connect(c)
	}
}
