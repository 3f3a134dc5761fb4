// Command golayer makes a layer of a program the way ko does: a tar archive in memory, its SHA-256,
// gzip at BestSpeed, the SHA-256 of that. Only a peer to measure against.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "golayer:", err)
		os.Exit(1)
	}
}

func main() {
	program, err := os.ReadFile(os.Args[1])
	check(err)

	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	check(w.WriteHeader(&tar.Header{Name: "ko-app", Typeflag: tar.TypeDir, Mode: 0o555}))
	check(w.WriteHeader(&tar.Header{Name: "/ko-app/program", Size: int64(len(program)), Mode: 0o555}))
	_, err = w.Write(program)
	check(err)
	check(w.Close())
	diffID := sha256.Sum256(archive.Bytes())

	file, err := os.Create(os.Args[2])
	check(err)
	digest := sha256.New()
	z, err := gzip.NewWriterLevel(io.MultiWriter(file, digest), gzip.BestSpeed)
	check(err)
	_, err = z.Write(archive.Bytes())
	check(err)
	check(z.Close())
	check(file.Close())
	fmt.Printf("sha256:%x sha256:%x\n", diffID, digest.Sum(nil))
}
