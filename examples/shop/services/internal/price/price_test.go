package price

import "testing"

func TestWithTax(t *testing.T) {
	if got := Cents(999).WithTax(19); got != 1189 {
		t.Errorf("got %v", got)
	}
}
