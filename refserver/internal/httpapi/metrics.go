package httpapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts calls. Labels are of bounded sets: routes, known methods,
// status codes.
type metrics struct {
	inFlight prometheus.Gauge
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	page     http.Handler
}

func newMetrics(reg *prometheus.Registry) (*metrics, error) {
	m := &metrics{
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "acme_http_requests_in_flight", Help: "Calls being answered, those that wait included."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "acme_http_requests_total", Help: "Calls answered."}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "acme_http_request_duration_seconds", Help: "Time from a call's header to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"method", "route"}),
	}
	err := errors.Join(reg.Register(m.inFlight), reg.Register(m.requests), reg.Register(m.duration))
	m.page = promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
	return m, err
}

// began counts a call in and returns what counts it out.
func (m *metrics) began() (done func(method, pattern string, status int, took time.Duration)) {
	m.inFlight.Inc()
	return func(method, pattern string, status int, took time.Duration) {
		m.inFlight.Dec()
		route := routeName(pattern)
		m.requests.WithLabelValues(knownMethod(method), route, statusLabel(status)).Inc()
		m.duration.WithLabelValues(knownMethod(method), route).Observe(took.Seconds())
	}
}

// get serves /metrics.
func (m *metrics) get(w http.ResponseWriter, r *http.Request) error {
	m.page.ServeHTTP(w, r)
	return nil
}
