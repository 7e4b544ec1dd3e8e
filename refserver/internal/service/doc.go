// Package service puts a server together from its configuration (keys, store,
// banks, engine, HTTP API) and runs it until it is told to drain.
//
//	s, err := service.Open(cfg, service.Options{Logger: log})
//	err = s.Run(ctx) // until ctx ends, then drains
package service
