package acme

import (
	"context"
	"errors"
	"time"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
)

// faultOf puts a BankClient's error into the words of the API. Nothing of an
// error that is not a *bank.Error is repeated: its text might be the bank's.
func faultOf(ctx context.Context, err error) *Fault {
	var be *bank.Error
	var panicked *PanicError
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		detail := "the bank did not answer in time"
		if errors.As(err, &be) && be.Detail != "" {
			detail = be.Detail
		}
		return &Fault{Code: CodeTimeout, Detail: detail, Retryable: true}
	case errors.As(err, &be):
		f := &Fault{Code: codeOf(be.Code), Detail: detailOf(be), Retryable: be.Retryable(), RetryAfter: be.RetryAfter}
		f.TokenRefused = be.Code == bank.CodeUnauthorized
		if f.Code == CodeBankRateLimited && f.RetryAfter == 0 {
			f.RetryAfter = rateLimitPause
		}
		return f
	case errors.Is(err, bank.ErrUnknownBank):
		return &Fault{Code: CodeBankUnavailable, Detail: "the bank is not configured"}
	case errors.As(err, &panicked):
		return &Fault{Code: CodeBankBadData, Detail: "the bank client failed"}
	}
	return &Fault{Code: CodeBankUnavailable, Retryable: true}
}

// rateLimitPause is waited when a bank says that it was asked too often but
// not for how long.
const rateLimitPause = time.Minute

func codeOf(c bank.Code) ErrorCode {
	switch c {
	case bank.CodeUnauthorized:
		return CodeBankUnauthorized
	case bank.CodeRateLimited:
		return CodeBankRateLimited
	case bank.CodeBadData:
		return CodeBankBadData
	}
	return CodeBankUnavailable
}

// detailOf says what was being done and how it went, in ACME's words.
func detailOf(e *bank.Error) string {
	if e.Detail == "" {
		return e.Op
	}
	return e.Op + ": " + e.Detail
}

// publicError is what may be logged of a plugged-in bank's error.
func publicError(err error) string {
	var be *bank.Error
	if errors.As(err, &be) {
		return be.Error()
	}
	return "bank client error"
}

// scoreFault puts a Scorer's error into the words of the API.
func scoreFault(ctx context.Context, err error) *Fault {
	switch {
	case errors.Is(err, score.ErrInsufficientHistory):
		return &Fault{Code: CodeInsufficientHistory, Detail: err.Error()}
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &Fault{Code: CodeTimeout, Detail: "the score took too long", Retryable: true, RetryAfter: time.Second}
	}
	return &Fault{Code: CodeScoreFailed}
}
