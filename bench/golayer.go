// Command golayer makes a layer of a program the way ko does (pkg/build/gobuild.go: tarBinary and buildLayer): a tar
// archive in memory, which go-containerregistry compresses and hashes. Only a peer to measure against.
package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "golayer:", err)
		os.Exit(1)
	}
}

func archive(path string) []byte {
	var buf bytes.Buffer
	program, err := os.Open(path)
	check(err)
	defer program.Close()
	stat, err := program.Stat()
	check(err)

	w := tar.NewWriter(&buf)
	check(w.WriteHeader(&tar.Header{Name: "ko-app", Typeflag: tar.TypeDir, Mode: 0o555}))
	check(w.WriteHeader(&tar.Header{Name: "/ko-app/program", Size: stat.Size(), Typeflag: tar.TypeReg, Mode: 0o555}))
	_, err = io.Copy(w, program)
	check(err)
	check(w.Close())
	return buf.Bytes()
}

func main() {
	data := archive(os.Args[1])
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewBuffer(data)), nil
	}, tarball.WithCompressedCaching)
	check(err)
	packed, err := layer.Compressed()
	check(err)
	file, err := os.Create(os.Args[2])
	check(err)
	_, err = io.Copy(file, packed)
	check(err)
	check(file.Close())
}
