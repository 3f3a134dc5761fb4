//go:build express

package main

func init() { println("express shipping") }
