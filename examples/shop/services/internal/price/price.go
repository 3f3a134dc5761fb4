// Package price calculates with amounts of money in cents.
package price

import "fmt"

// Cents is an amount of money.
type Cents int64

// String shows an amount as people write it.
func (c Cents) String() string { return fmt.Sprintf("%d.%02d EUR", c/100, c%100) }

// WithTax adds a tax of so many percent, rounded up to a cent.
func (c Cents) WithTax(percent int64) Cents { return c + (c*Cents(percent)+99)/100 }
