package score

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// inputDigest is the SHA-256 of the Profile's binary form, its length before
// it, and the loan's terms: one byte 1, the amount in minor units, the
// currency and the term, big-endian; or one byte 0 where there is no loan.
func inputDigest(in Input) (string, error) {
	data, err := in.Profile.MarshalBinary()
	if err != nil {
		return "", fmt.Errorf("input digest: %w", err)
	}
	h := sha256.New()
	tail := binary.BigEndian.AppendUint64(nil, uint64(len(data)))
	h.Write(tail)
	h.Write(data)
	tail = append(tail[:0], 0)
	if l := in.Loan; l != nil {
		tail[0] = 1
		tail = binary.BigEndian.AppendUint64(tail, uint64(l.Amount.Minor))
		tail = append(tail, l.Amount.Currency[:]...)
		tail = binary.BigEndian.AppendUint32(tail, uint32(l.TermMonths))
	}
	h.Write(tail)
	return digestText(h.Sum(nil)), nil
}

func digestText(sum []byte) string { return "sha256:" + hex.EncodeToString(sum) }
