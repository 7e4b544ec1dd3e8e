package anonymize_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
)

var update = flag.Bool("update", false, "rewrite golden files")

// sample makes a Profile with everything in it, the same for the same seed.
func sample(seed uint64, n int) *anonymize.Profile {
	r := rand.New(rand.NewPCG(seed, 0))
	p := &anonymize.Profile{AsOf: today, Asked: bank.Range{From: today - 730, To: today}}
	full := anonymize.Account{
		ID: anonymize.Pseudonym{1, 2, 3}, Kind: anonymize.KindCurrent, Currency: eur, Complete: true,
		HasBalance: true, Balance: -12345, BalanceDate: today, Pending: 3,
		Delivered: bank.Range{From: today - 730, To: today},
	}
	balance := int64(100000)
	for i := range n {
		x := anonymize.Transaction{
			Date:     today - 730 + bank.Date(i*730/max(n, 1)),
			Amount:   r.Int64N(400000) - 200000,
			Category: anonymize.Category(r.IntN(28)),
		}
		balance += x.Amount
		x.HasBalanceAfter, x.BalanceAfter = true, balance
		if k := r.IntN(120); k > 0 {
			x.Counterparty = anonymize.Pseudonym{byte(k), byte(k * 7), 9}
		}
		full.Transactions = append(full.Transactions, x)
	}
	gaps := anonymize.Account{Kind: anonymize.KindSavings, Currency: usd, Transactions: []anonymize.Transaction{
		{Date: today + 1, Amount: math.MaxInt64, HasBalanceAfter: true, BalanceAfter: math.MinInt64},
		{Date: -5, Amount: math.MinInt64, Category: 255},
		{Date: math.MaxInt32, HasBalanceAfter: true, BalanceAfter: math.MaxInt64},
	}}
	p.Accounts = []anonymize.Account{full, {Kind: 200}, gaps}
	return p
}

func encode(t testing.TB, p *anonymize.Profile) []byte {
	t.Helper()
	b, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBinaryRoundTrip(t *testing.T) {
	t.Parallel()
	for _, p := range []*anonymize.Profile{{}, sample(1, 0), sample(2, 1), sample(3, 1500)} {
		b := encode(t, p)
		var got anonymize.Profile
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(p, &got) {
			t.Error("not what was written")
		}
		if !bytes.Equal(b, encode(t, &got)) {
			t.Error("written again, other bytes")
		}
		for cut := 0; cut < len(b); cut += 1 + cut/64 {
			if err := got.UnmarshalBinary(b[:cut]); !errors.Is(err, anonymize.ErrBadProfile) {
				t.Fatalf("cut at %d of %d: %v", cut, len(b), err)
			}
		}
		if err := got.UnmarshalBinary(append(bytes.Clone(b), 0)); !errors.Is(err, anonymize.ErrBadProfile) {
			t.Errorf("a byte more: %v", err)
		}
		if !reflect.DeepEqual(p, &got) {
			t.Error("a failed reading changed the Profile")
		}
	}
}

func TestJSONIsOneString(t *testing.T) {
	t.Parallel()
	type message struct{ Profile *anonymize.Profile }
	in := message{sample(4, 20)}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out message
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Error("not what was written")
	}
	for _, bad := range []string{`{"Profile":{"AsOf":1}}`, `{"Profile":"!"}`, `{"Profile":"QVAC"}`} {
		if err := json.Unmarshal([]byte(bad), &out); !errors.Is(err, anonymize.ErrBadProfile) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestBinarySize(t *testing.T) {
	t.Parallel()
	if size := len(encode(t, sample(5, 1500))); size > 20_000 {
		t.Errorf("1,500 transactions take %d bytes", size)
	} else {
		t.Logf("1,500 transactions take %d bytes", size)
	}
}

// Stored profiles outlive the program that wrote them: the form of version
// 1 never changes.
func TestBinaryGolden(t *testing.T) {
	t.Parallel()
	const file = "testdata/profile_v1.hex"
	p := sample(6, 12)
	dump := ""
	for line := encode(t, p); len(line) > 0; line = line[min(32, len(line)):] {
		dump += hex.EncodeToString(line[:min(32, len(line))]) + "\n"
	}
	if *update {
		if err := os.WriteFile(file, []byte(dump), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if dump != string(want) {
		t.Errorf("the binary form changed:\n%s", dump)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(string(want), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	var got anonymize.Profile
	if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(p, &got) {
		t.Errorf("reading it: %v", err)
	}
}

// Numbers and names of categories are stored and shown: they never change.
func TestCategoryNumbers(t *testing.T) {
	t.Parallel()
	const want = "uncategorized salary benefits pension transfer_in transfer_out cash_in cash_out card_payment rent " +
		"mortgage household utilities insurance groceries loan_repayment loan_disbursement fees penalty_fee " +
		"interest_earned interest_paid gambling tax own_transfer reversal direct_debit savings debt_collection category_28"
	var got []string
	for c := range anonymize.Category(29) {
		got = append(got, c.String())
	}
	if strings.Join(got, " ") != want {
		t.Error(got)
	}
}

func FuzzUnmarshalBinary(f *testing.F) {
	for i, n := range []int{0, 1, 30} {
		f.Add(encode(f, sample(uint64(i), n)))
	}
	f.Add([]byte("AP\x01\x00\x00\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p, again anonymize.Profile
		if err := p.UnmarshalBinary(data); err != nil {
			if !errors.Is(err, anonymize.ErrBadProfile) || !reflect.DeepEqual(p, again) {
				t.Fatal(err)
			}
			return
		}
		b := encode(t, &p)
		if !bytes.Equal(b, data) {
			t.Fatalf("a second form of one profile: %x for %x", data, b)
		}
		if err := again.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(p, again) {
			t.Fatal(err)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	p := sample(7, 1500)
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encode(b, p)
		}
	})
	data := encode(b, p)
	b.Run("unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		var q anonymize.Profile
		for b.Loop() {
			if err := q.UnmarshalBinary(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
