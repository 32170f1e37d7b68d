// Opens connections one after the other with Go's TLS client, which keeps
// sessions in a cache between them.
//
// client ADDRESS NAME CA VERSION CONNECTIONS
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
)

var versions = map[string]uint16{
	"TLSv1.2": tls.VersionTLS12,
	"TLSv1.3": tls.VersionTLS13,
}

func main() {
	address, name, version := os.Args[1], os.Args[2], versions[os.Args[4]]
	ca, err := os.ReadFile(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	config := &tls.Config{
		ServerName:         name,
		RootCAs:            roots,
		MinVersion:         version,
		MaxVersion:         version,
		ClientSessionCache: tls.NewLRUClientSessionCache(8),
	}
	number, err := strconv.Atoi(os.Args[5])
	if err != nil {
		log.Fatal(err)
	}
	for i := 0; i < number; i++ {
		c, err := tls.Dial("tcp", address, config)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintf(c, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", name)
		if _, err := io.Copy(io.Discard, bufio.NewReader(c)); err != nil {
			log.Fatal(err)
		}
		c.Close()
	}
}
