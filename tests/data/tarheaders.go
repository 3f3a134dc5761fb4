// Writes the headers that archive/tar makes of the entries on standard input, one a line:
// type mode size mtime name link key=value, separated by tabs; - stands for nothing.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		f := strings.Split(in.Text(), "\t")
		mode, _ := strconv.ParseInt(f[1], 8, 64)
		size, _ := strconv.ParseInt(f[2], 10, 64)
		mtime, _ := strconv.ParseInt(f[3], 10, 64)
		h := &tar.Header{Typeflag: f[0][0], Mode: mode, Size: size, Name: f[4],
			ModTime: time.Unix(mtime, 0)}
		if f[5] != "-" {
			h.Linkname = f[5]
		}
		if f[6] != "-" {
			key, value, _ := strings.Cut(f[6], "=")
			h.PAXRecords = map[string]string{key: value}
		}
		var b bytes.Buffer
		if err := tar.NewWriter(&b).WriteHeader(h); err != nil {
			panic(err)
		}
		os.Stdout.Write(b.Bytes())
	}
}
