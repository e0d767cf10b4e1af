package download

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"inkling/internal/wording"
)

// errNoRanges says that a server sends whole files only.
var errNoRanges = errors.New("the server does not send parts of a file")

// errSilent is why a connection on which nothing comes is given up.
var errSilent = errors.New("the server sends nothing more")

// final is an error that no further attempt would mend.
type final struct{ error }

func (e final) Unwrap() error { return e.error }

// later is an error after which the server wants to be left alone for a while.
type later struct {
	error
	wait time.Duration
}

func (e later) Unwrap() error { return e.error }

const (
	longestWait  = 30 * time.Second
	longestPlea  = 2 * time.Minute // that a server may ask for
	pageHasBegun = 512             // bytes that tell a web page
)

// persist calls attempt until it succeeds, fails for good, or has failed too
// often in a row without bringing anything.
func persist(ctx context.Context, o Options, attempt func() (came int64, err error)) error {
	failures := 0
	for {
		came, err := attempt()
		var f final
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("the download was stopped: %w", context.Cause(ctx))
		case errors.As(err, &f):
			return f.error
		}
		if came > 0 {
			failures = 0
		}
		if failures++; failures >= o.Attempts {
			return fmt.Errorf("gave up after %d attempts: %w", failures, err)
		}
		// A random part keeps many clients from coming back all at once.
		wait := min(o.Wait<<(failures-1), longestWait)
		wait += rand.N(wait/4 + 1)
		var l later
		if errors.As(err, &l) {
			wait = max(wait, min(l.wait, longestPlea))
		}
		o.Notice(fmt.Sprintf("%v; trying again in %v", err, wait.Round(time.Millisecond)))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// answer is a response to a request for a whole file or for some of its bytes.
type answer struct {
	body   io.Reader
	ranged bool  // whether the bytes asked for come, and not the whole file
	from   int64 // the first byte that comes
	length int64 // how many come, -1 if the server does not say
	total  int64 // of the whole file, 0 if the server does not say
	// validator tells this edition of the file from others, if it is not empty.
	validator string
}

// ask makes a request and hands the answer to use. The range is what stands
// behind "bytes="; none if it is empty. ifRange is the edition that the range
// is wanted of.
func ask(ctx context.Context, o Options, url, byteRange, ifRange string, use func(answer) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(o.Silence, func() { cancel(errSilent) })
	defer silence.Stop()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return final{fmt.Errorf("%s cannot be asked for: %w", url, err)}
	}
	// Without this a .gz file may come unpacked, if the server calls its
	// compression one of the transport.
	request.Header.Set("Accept-Encoding", "identity")
	if byteRange != "" {
		request.Header.Set("Range", "bytes="+byteRange)
		if ifRange != "" {
			request.Header.Set("If-Range", ifRange)
		}
	}
	response, err := o.Client.Do(request)
	var lookup *net.DNSError
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return final{fmt.Errorf("%s cannot be downloaded: there is no host of that name, or no network: %w", url, err)}
	case err != nil:
		return fmt.Errorf("%s cannot be downloaded: %w", url, because(ctx, err))
	}
	defer response.Body.Close()
	a := answer{length: response.ContentLength, validator: validator(response.Header)}
	switch response.StatusCode {
	case http.StatusOK:
		a.total = max(response.ContentLength, 0)
	case http.StatusPartialContent:
		a.ranged = true
		if a.from, a.length, a.total, err = contentRange(response.Header.Get("Content-Range")); err != nil {
			return final{fmt.Errorf("%s cannot be downloaded: %w", url, err)}
		}
	default:
		return badStatus(url, response)
	}
	a.body = &guarded{ctx, response.Body, silence, o.Silence}
	if !a.ranged {
		first := make([]byte, pageHasBegun)
		n, err := io.ReadFull(a.body, first)
		if isPage(first[:n]) {
			return final{fmt.Errorf("%s is a web page%s and not the file: perhaps the file has moved, or this network wants a login first", url, title(first[:n]))}
		}
		again := io.Reader(bytes.NewReader(first[:n]))
		switch {
		case err == nil:
			a.body = io.MultiReader(again, a.body)
		case err == io.EOF || err == io.ErrUnexpectedEOF && (a.length < 0 || a.length == int64(n)):
			a.body = again
		default:
			return fmt.Errorf("%s broke off after %s: %w", url, wording.Number(n, "byte"), err)
		}
	}
	return use(a)
}

// guarded gives a connection up on which nothing comes.
type guarded struct {
	ctx     context.Context
	body    io.Reader
	silence *time.Timer
	allowed time.Duration
}

func (g *guarded) Read(b []byte) (int, error) {
	n, err := g.body.Read(b)
	if n > 0 {
		g.silence.Reset(g.allowed)
	}
	if err != nil && err != io.EOF {
		err = because(g.ctx, err)
	}
	return n, err
}

// because returns the cause of a cancelled context, which says more than the
// error that comes of it.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// badStatus says what a status means for another attempt.
func badStatus(url string, response *http.Response) error {
	err := fmt.Errorf("%s cannot be downloaded: the server answers %s", url, response.Status)
	switch code := response.StatusCode; {
	case code == http.StatusRequestedRangeNotSatisfiable:
		return errOutOfRange
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500 && code != http.StatusNotImplemented:
		after := response.Header.Get("Retry-After")
		if seconds, e := strconv.ParseUint(after, 10, 16); e == nil {
			return later{err, time.Duration(seconds) * time.Second}
		}
		if date, e := http.ParseTime(after); e == nil {
			return later{err, time.Until(date)}
		}
		return err
	}
	return final{err}
}

// errOutOfRange says that the bytes asked for are not there.
var errOutOfRange = errors.New("the file has become shorter on the server")

// validator returns what tells an edition of a file from others. A weak ETag
// does not: it stays when bytes change (RFC 9110, section 13.1.5).
func validator(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return h.Get("Last-Modified")
}

var contentRangePattern = regexp.MustCompile(`^bytes (\d{1,18})-(\d{1,18})/(\d{1,18})$`)

// contentRange reads which bytes of how many come.
func contentRange(header string) (from, length, total int64, err error) {
	m := contentRangePattern.FindStringSubmatch(header)
	if m == nil {
		return 0, 0, 0, fmt.Errorf("the server's Content-Range is %.80q, want something like bytes 0-99/1000", header)
	}
	from, _ = strconv.ParseInt(m[1], 10, 64)
	last, _ := strconv.ParseInt(m[2], 10, 64)
	total, _ = strconv.ParseInt(m[3], 10, 64)
	if last < from || last >= total {
		return 0, 0, 0, fmt.Errorf("the server's Content-Range is %q, which cannot be", header)
	}
	return from, last - from + 1, total, nil
}

func isPage(first []byte) bool {
	text := bytes.ToLower(bytes.TrimLeft(first, " \t\r\n\ufeff"))
	return bytes.HasPrefix(text, []byte("<!doctype")) || bytes.HasPrefix(text, []byte("<html")) || bytes.HasPrefix(text, []byte("<?xml"))
}

var titlePattern = regexp.MustCompile(`(?is)<title>\s*([^<]{1,80}?)\s*</title>`)

// title returns what a page calls itself, in brackets.
func title(page []byte) string {
	if m := titlePattern.FindSubmatch(page); m != nil {
		return fmt.Sprintf(" (%q)", m[1])
	}
	return ""
}

// transfer brings the bytes of a part.
type transfer struct {
	part  *part
	name  string // for people
	max   int64
	o     Options
	meter *meter
}

// run brings the rest of the part.
func (t *transfer) run(ctx context.Context) error {
	t.meter = newMeter(t.name, t.o.Progress)
	return persist(ctx, t.o, func() (int64, error) {
		for {
			before := t.part.size
			if want := t.part.about.want(); want >= 0 && before == want && want > 0 {
				return 0, nil
			}
			err := t.attempt(ctx)
			if errors.Is(err, errOutOfRange) && t.part.size > 0 {
				if err := t.part.restart(); err != nil {
					return 0, final{err}
				}
			}
			came := t.part.size - before
			// A server may send less at a time than it was asked for.
			if err != nil || t.part.about.want() < 0 || came <= 0 {
				return came, err
			}
		}
	})
}

// attempt asks for what is missing and stores what comes of it.
func (t *transfer) attempt(ctx context.Context) error {
	p := t.part
	partly := p.about.From > 0 || p.about.To >= 0
	byteRange := ""
	if partly || p.size > 0 {
		byteRange = fmt.Sprintf("%d-", p.about.From+p.size)
		if p.about.To >= 0 {
			byteRange += strconv.FormatInt(p.about.To-1, 10)
		}
	}
	return ask(ctx, t.o, p.about.URL, byteRange, p.about.Validator, func(a answer) error {
		url, known := p.about.URL, p.about
		changed := known.Validator != "" && a.validator != known.Validator || known.Total > 0 && a.total != known.Total
		switch {
		case !a.ranged && partly:
			return final{errNoRanges}
		case a.ranged && changed:
			p.about.Validator, p.about.Total = "", 0
			if partly { // its place in the file may be another now
				return final{fmt.Errorf("%s was changed on the server while it was downloaded: try again", url)}
			}
			if err := p.restart(); err != nil {
				return final{err}
			}
			return fmt.Errorf("%s was changed on the server", url)
		case a.ranged && a.from != known.From+p.size:
			return final{fmt.Errorf("%s cannot be downloaded: the server sends from byte %d on, asked for %d", url, a.from, known.From+p.size)}
		case !a.ranged && p.size > 0:
			t.o.Notice(url + " starts over: the server has another edition of it, or sends whole files only")
			if err := p.restart(); err != nil {
				return final{err}
			}
		}
		if a.total > t.max {
			return final{fmt.Errorf("%s has %s, more than the %d that it may have", url, wording.Number(a.total, "byte"), t.max)}
		}
		about := record{url, known.From, known.To, a.total, a.validator}
		if err := p.begin(about); err != nil {
			return final{err}
		}
		return t.store(a)
	})
}

// store appends what comes to the part.
func (t *transfer) store(a answer) error {
	p, buffer := t.part, make([]byte, 64<<10)
	want := p.about.want()
	most := t.max
	if want >= 0 {
		most = want
	}
	for got := int64(0); ; {
		n, err := a.body.Read(buffer)
		if p.size+int64(n) > most {
			return final{fmt.Errorf("%s sends more than the %s that there should be", p.about.URL, wording.Number(most, "byte"))}
		}
		if n > 0 {
			if _, err := p.Write(buffer[:n]); err != nil {
				return final{fmt.Errorf("the download cannot be stored: %w", err)}
			}
			got += int64(n)
			t.meter.add(n, p.size, want)
		}
		switch {
		case err == io.EOF && a.length >= 0 && got < a.length, err != nil && err != io.EOF:
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("%s broke off after %s: %w", p.about.URL, wording.Number(p.size, "byte"), err)
		case err == io.EOF:
			return nil
		}
	}
}
