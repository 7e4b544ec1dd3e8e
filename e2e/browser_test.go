package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"html"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// browser is a headless Chromium with nothing remembered.
type browser struct{ program, artifacts string }

func newBrowser(t *testing.T) browser {
	t.Helper()
	b := browser{artifacts: cmp.Or(os.Getenv("ACME_ARTIFACTS"), t.TempDir())}
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			b.program = path
			return b
		}
	}
	t.Skip("no Chromium in the PATH: the pages were not opened in a browser")
	return b
}

// viewport is a size a page is looked at in, in CSS pixels.
type viewport struct {
	name          string
	width, height int
}

var (
	phone   = viewport{"phone", 390, 1700} // as tall as the longest page, to see all of it
	desktop = viewport{"desktop", 1280, 1400}
)

// dom opens a page and returns its text as the browser built it: the markup
// after every redirect, and its words without the tags.
func (b browser) dom(t *testing.T, page string) (markup, words string) {
	t.Helper()
	markup = b.run(t, "--dump-dom", page)
	body := regexp.MustCompile(`(?s)<(style|title).*?</(style|title)>`).ReplaceAllString(markup, " ")
	words = html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " "))
	words = strings.Join(strings.Fields(words), " ")
	return markup, regexp.MustCompile(` ([,.?:])`).ReplaceAllString(words, "$1")
}

// shot takes a picture of a page and checks that something is on it.
//
// A browser's window is never narrower than some 500 pixels, so the page is
// put into a frame of the wanted width. Pages forbid being framed, for good
// reasons: what is framed is a copy of their markup.
func (b browser) shot(t *testing.T, name, markup string, v viewport) {
	t.Helper()
	dir := t.TempDir()
	frame := filepath.Join(dir, "frame.html")
	source := `<!doctype html><meta charset="utf-8"><style>body{margin:0}iframe{display:block;border:0}</style>` +
		`<iframe width="` + itoa(v.width) + `" height="` + itoa(v.height) + `" srcdoc="` + html.EscapeString(markup) + `"></iframe>`
	if err := os.WriteFile(frame, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(b.artifacts, 0o700); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(b.artifacts, name+"-"+v.name+".png")
	b.run(t, "--screenshot="+target, "--window-size="+itoa(max(v.width, 500))+","+itoa(v.height), "file://"+frame)
	raw, err := os.ReadFile(target)
	if err != nil {
		t.Fatalf("no screenshot: %v", err)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("the screenshot is no picture: %v", err)
	}
	colours := map[[4]uint32]bool{}
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y += 2 {
		for x := img.Bounds().Min.X; x < min(img.Bounds().Max.X, v.width); x++ {
			r, g, bl, a := img.At(x, y).RGBA()
			colours[[4]uint32{r, g, bl, a}] = true
		}
	}
	if len(colours) < 8 {
		t.Errorf("%s: %d colours: the page is blank", target, len(colours))
	}
}

// run starts the browser once and returns what it wrote to stdout.
func (b browser) run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	fixed := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir=" + t.TempDir(),
	}
	cmd := exec.CommandContext(ctx, b.program, slices.Concat(fixed, args)...)
	cmd.WaitDelay = 5 * time.Second // its helper processes may hold the pipes open
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	if err := cmd.Run(); err != nil {
		t.Fatalf("the browser: %v\n%s", err, faults.String())
	}
	return out.String()
}

// get returns a page's headers as they come over the wire.
func get(t *testing.T, page string) http.Header {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp.Header
}

func itoa(n int) string { return strconv.Itoa(n) }
