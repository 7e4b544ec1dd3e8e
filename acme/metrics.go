package acme

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"acme.example/creditscore/acme/webhook"
)

// metrics is what the engine counts. No label takes a value from outside:
// codes and classes are closed lists.
type metrics struct {
	accepted  prometheus.Counter
	jobs      *prometheus.CounterVec   // status, code
	duration  *prometheus.HistogramVec // status
	steps     *prometheus.HistogramVec // step
	faults    *prometheus.CounterVec   // step, code
	attempts  *prometheus.CounterVec   // class
	delivered prometheus.Histogram
}

// secondsBuckets spans a score at once to one after a bank's bad hour.
var secondsBuckets = []float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 20, 25, 30, 60, 120, 300, 900, 3600}

func newMetrics(e *Engine, reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "acme_jobs_accepted_total", Help: "Jobs accepted.",
		}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "acme_jobs_finished_total", Help: "Jobs finished, by status and error code.",
		}, []string{"status", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "acme_job_duration_seconds", Help: "From acceptance to the end of a job.", Buckets: secondsBuckets,
		}, []string{"status"}),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "acme_step_duration_seconds", Help: "One attempt at a step.", Buckets: secondsBuckets,
		}, []string{"step"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "acme_step_faults_total", Help: "Failed attempts at a step, by code.",
		}, []string{"step", "code"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "acme_webhook_attempts_total", Help: "Webhook attempts, by class; delivered when it succeeded.",
		}, []string{"class"}),
		delivered: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "acme_webhook_delivery_seconds", Help: "From an event to its 2xx.", Buckets: secondsBuckets,
		}),
	}
	if reg == nil {
		return m, nil
	}
	all := []prometheus.Collector{
		m.accepted, m.jobs, m.duration, m.steps, m.faults, m.attempts, m.delivered,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "acme_jobs_unfinished", Help: "Jobs accepted and not finished.",
		}, func() float64 { return float64(e.unfinished.size()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "acme_jobs_unfinished_limit", Help: "Unfinished jobs beyond which requests are refused.",
		}, func() float64 { return float64(e.cfg.Limits.MaxAccepted) }),
	}
	if s := e.storeRole; s != nil {
		for name, a := range map[string]*agenda{"fetch": s.jobs, "score": s.scores, "deliver": s.deliveries} {
			all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "acme_commands_waiting", Help: "Commands that wait to be issued.", ConstLabels: prometheus.Labels{"step": name},
			}, func() float64 { n, _ := a.size(); return float64(n) }))
		}
	}
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) finished(d *jobDoc) {
	code := ""
	if d.Error != nil {
		code = string(d.Error.Code)
	}
	m.jobs.WithLabelValues(string(d.Status), code).Inc()
	m.duration.WithLabelValues(string(d.Status)).Observe(d.CompletedAt.Sub(d.CreatedAt).Seconds())
}

func (m *metrics) fault(s step, c ErrorCode) { m.faults.WithLabelValues(string(s), string(c)).Inc() }

func (m *metrics) step(s step, d time.Duration) {
	m.steps.WithLabelValues(string(s)).Observe(d.Seconds())
}

func (m *metrics) attempt(r webhook.Result, d *deliveryDoc, now time.Time) {
	class := string(r.Class)
	if r.Delivered() {
		class = "delivered"
		m.delivered.Observe(now.Sub(d.CreatedAt).Seconds())
	}
	m.attempts.WithLabelValues(class).Inc()
}
