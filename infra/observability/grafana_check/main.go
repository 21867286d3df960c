// Reads dashboards as strictly as Grafana's own schema allows: no unknown field, none missing, none
// of another type. `make test-dashboards` runs it.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	// Without them a panel's options and a target's fields would be taken as they are.
	plugins.RegisterDefaultPlugins()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "name the dashboards' files")
		os.Exit(2)
	}
	failed := false
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s:\n%v\n", path, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func check(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	read := dashboard.Dashboard{}
	// Of a sound one it returns a list of no errors, which is not nil.
	if err := read.UnmarshalJSONStrict(raw); err != nil && err.Error() != "" {
		return err
	}
	if err := read.Validate(); err != nil {
		return err
	}
	fmt.Printf("%s: %d panels and rows, as Grafana's schema wants them\n", path, len(read.Panels))
	return nil
}
