package main

import "context"

func anonymizeCommand(_ context.Context, args []string, io surroundings) error { return nil }
