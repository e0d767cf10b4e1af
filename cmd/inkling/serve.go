package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/cli/browser"
	"github.com/spf13/cobra"

	"inkling"
	"inkling/data"
	"inkling/data/mnist/embedded"
	"inkling/feedback"
	"inkling/models/digits"
	"inkling/nn"
	"inkling/sketch"
	"inkling/web"
	"inkling/weights"
)

// serveMemory is the memory that the garbage collector aims to stay below. It
// does so at the cost of time, rather than letting pictures that are not needed
// any more pile up.
const serveMemory = 192 << 20

// serveGarbage is by how many percent the memory in use may grow before it is looked
// through, up to that limit: as long as there is room, that costs the time of answers.
const serveGarbage = 400

// serveOptions are the flags of serve.
type serveOptions struct {
	address, preprocess, feedback, logLevel string
	model                                   modelFlags
	hosts, feedbackLimit                    []string
	workers                                 int
	open, logJSON, trustProxy, training     bool
	conv                                    nn.Convolutions

	// otherPort takes another port of address's host when its own is taken.
	otherPort bool
}

// defaultAddress is Gradio's, too.
const defaultAddress = "127.0.0.1:7860"

func newServe() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve [MODEL]",
		Short: "Open a page on which a model reads what you draw, write or say",
		Long: `Serve a page on which a digit is read while it is being drawn, a text while it is being
written, or a recording when it was made, as the model is for, and an API for
programs (/openapi.json describes it). Gradio's clients can call it, too. Without
MODEL it is the tutorial's LeNet that reads, which is built in, as is a larger one
that reads pictures better: inkling serve digitnet. A MODEL that reads other pictures than
gray ones of 28x28 pixels gets a page on which a picture is dropped, and the five
likeliest classes appear, or the number that it tells.

The server answers to programs and pages of this machine only. To let others in,
listen on all addresses (--addr :7860); they can then use this machine's addresses,
and those names of it that --host allows: whole names, or *.example.org for all that
end so.

Behind a proxy, name the host that people use with --host, or let the proxy set
X-Forwarded-Host, -Proto and -For, and X-Forwarded-Prefix where the page is below a
path, and give --trust-proxy. Then nobody but the proxy may be able to reach the
server, for it believes these headers.

On the page one can train a network from scratch and watch it learn: one at a time, for
ten seconds at most, on one processor. Where others can reach the server, which is with
--host, --trust-proxy or an address that is not this machine's own, that is off unless
--training is given.

What is too much is refused with 503 and a time to come again. When it is stopped,
by Ctrl+C or SIGTERM, it says so at /readyz, answers what has come, and ends within
ten seconds.` + modelFlagsHelp,
		Example: `  inkling serve --open
  inkling serve model.pth --feedback drawings.db --feedback-limit 10000,200MB
  inkling serve --addr :7860 --host digits.example.org
  inkling serve --trust-proxy`,
		Args: optionalModel,
		RunE: func(c *cobra.Command, args []string) error {
			level, err := o.check()
			if err != nil {
				return err
			}
			ctx, stop := interruptible()
			defer stop()
			m, name, err := servedModel(args, &o.model)
			if err != nil {
				return err
			}
			return serve(ctx, c.OutOrStdout(), o.logger(c.ErrOrStderr(), level), m, name, &o)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.address, "addr", defaultAddress, "listen on this `ADDRESS`; port 0 takes any that is free")
	f.BoolVar(&o.open, "open", false, "open the page in the browser")
	f.StringVar(&o.preprocess, "preprocess", "auto", preprocessHelp)
	o.model.flags(f)
	f.StringVar(&o.feedback, "feedback", "", "keep drawings of which somebody says what they show in this `FILE`")
	f.StringSliceVar(&o.feedbackLimit, "feedback-limit", nil, "keep so many drawings, or so much, and take so many of one client: `LIMITS` with commas (default "+defaultFeedbackLimit+")")
	addConvFlag(f, &o.conv, nn.FastConvolutions)
	f.BoolVar(&o.training, "training", false, "let the page train networks in this server also where others than this machine reach it")
	f.IntVar(&o.workers, "workers", 0, "run the network on `N` goroutines; 0 means one for each processor")
	f.StringSliceVar(&o.hosts, "host", nil, "answer to these host `NAMES` as well, such as digits.example.org or *.example.org")
	f.BoolVar(&o.trustProxy, "trust-proxy", false, "heed X-Forwarded-Host, -Port, -Proto, -For and -Prefix of the proxy in front of it")
	f.StringVar(&o.logLevel, "log-level", "info", "log from this `LEVEL` on: debug (every request), info, warn or error")
	f.BoolVar(&o.logJSON, "log-json", false, "log in JSON")
	return c
}

// optionalModel wants no argument or one.
func optionalModel(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return wantArgs("MODEL")(c, args)
}

func (o *serveOptions) check() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return 0, usagef("--log-level is %q, want debug, info, warn or error", o.logLevel)
	}
	if err := checkPreprocess(o.preprocess); err != nil {
		return 0, err
	}
	if o.workers < 0 || o.workers > 1024 {
		return 0, usagef("--workers is %d, want 1 to 1024, or 0 for one for each processor", o.workers)
	}
	if _, _, err := net.SplitHostPort(o.address); err != nil {
		return 0, usagef("--addr %q is no address, want HOST:PORT such as 127.0.0.1:7860 or :7860", o.address)
	}
	if o.hosts != nil && len(o.hosts) == 0 {
		return 0, usagef("--host is empty, want a name such as digits.example.org")
	}
	for _, name := range o.hosts {
		if _, err := web.ParseHost(name); err != nil {
			return 0, usagef("--host %w", err)
		}
	}
	if len(o.feedbackLimit) > 0 && o.feedback == "" {
		return 0, usagef("--feedback-limit is given without --feedback, which keeps drawings")
	}
	if _, err := parseFeedbackLimits(o.feedbackLimit); err != nil {
		return 0, err
	}
	return level, nil
}

func (o *serveOptions) logger(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if o.logJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// trainingData is what the page trains networks with: MNIST, which is built in.
func trainingData() (learned, tests data.Dataset, err error) {
	if learned, err = embedded.Train(); err != nil {
		return nil, nil, err
	}
	tests, err = embedded.Test()
	return learned, tests, err
}

// serve shows the page and answers until ctx ends.
func serve(ctx context.Context, out io.Writer, log *slog.Logger, m *inkling.Classifier, name string, o *serveOptions) error {
	m.FitTo(1, sketch.Size, sketch.Size, "drawings become")
	drawable := m.Drawable(name)
	switch {
	case o.feedback == "":
	case drawable != nil:
		return usagef("--feedback keeps drawings, and %w", drawable)
	case m.Target != nil:
		return usagef("--feedback keeps drawings with their classes, and %s tells the number %s", name, m.Target.Name)
	}
	m.Orient("", weights.Upright, "as people read them (--orientation transposed if the network was trained on EMNIST as it is stored)")
	var preparation inkling.Preparation
	if m.Kind() == inkling.Pictures {
		var err error
		if preparation, err = m.Preparation(o.preprocess); err != nil {
			return err
		}
		m.AssumeWay(preparation)
	} else if o.preprocess != "auto" {
		return usagef("--preprocess is for pictures, and the model reads %s: leave it out", m.Kind())
	}
	fmt.Fprint(out, m.Note(name))
	limits, err := parseFeedbackLimits(append(strings.Split(defaultFeedbackLimit, ","), o.feedbackLimit...))
	if err != nil {
		return err
	}
	var store *feedback.Store
	if o.feedback != "" {
		if store, err = feedback.Open(o.feedback); err != nil {
			return err
		}
		defer store.Close()
		if err := store.Limit(limits.kept); err != nil {
			return err
		}
	}
	listener, err := listen(o.address)
	if o.otherPort && errors.Is(err, syscall.EADDRINUSE) {
		host, _, _ := net.SplitHostPort(o.address)
		listener, err = listen(net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return err
	}
	address := listener.Addr().(*net.TCPAddr)
	host, _, _ := net.SplitHostPort(o.address)
	hosts := o.hosts
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !(o.trustProxy && hosts == nil) {
		hosts = append(hosts, host) // the name that it listens on is its own
	}
	m.Convolutions = o.conv
	config, err := web.ConfigFor(name, m)
	if err != nil {
		listener.Close()
		return err
	}
	config.Preparation, config.Feedback, config.FeedbackRate, config.Workers = preparation, store, limits.taken, o.workers
	config.Hosts, config.TrustProxy, config.AnyAddress = hosts, o.trustProxy, !address.IP.IsLoopback()
	if o.training || address.IP.IsLoopback() && !o.trustProxy && o.hosts == nil {
		config.Training = trainingData
	}
	config.Log, config.Version = log, version()
	if isBuiltIn(name) {
		if config.Judge, err = digits.Judge(); err != nil {
			listener.Close()
			return err
		}
	}
	server, err := web.New(config)
	if err != nil {
		listener.Close()
		return err
	}
	defer server.Close()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(serveGarbage)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(serveMemory)
	}
	url := pageURL(host, address)
	switch {
	case m.Kind() == inkling.Texts:
		fmt.Fprintf(out, "Write at %s - Ctrl+C ends it.\n", url)
	case m.Kind() == inkling.Vectors:
		fmt.Fprintf(out, "Give it numbers at %s, or send them, as in curl %sapi/predict --json '{\"vector\": [1, 2]}' - Ctrl+C ends it.\n", url, url)
	case m.Kind() == inkling.Recordings:
		fmt.Fprintf(out, "Speak at %s - Ctrl+C ends it.\n", url)
	case drawable == nil:
		fmt.Fprintf(out, "Draw at %s - Ctrl+C ends it.\n", url)
	default:
		fmt.Fprintf(out, "Show it pictures at %s, or send them, as in curl %sapi/predict -F image=@PICTURE - Ctrl+C ends it.\n", url, url)
	}
	if o.open {
		openPage(log, url)
	}
	return server.Serve(ctx, listener)
}

// servedModel is the model that is named, or the tutorial's, which the page shows at work.
func servedModel(args []string, flags *modelFlags) (m *inkling.Classifier, name string, err error) {
	m, name, err = openModel(args, digits.LeNet, flags)
	return m, filepath.Base(name), err
}

// openModel opens the model that is named, or else the built-in one that is standard, and
// sees to it that its network can answer. Its name is the path, or what messages call the
// built-in one.
func openModel(args []string, standard string, flags *modelFlags) (m *inkling.Classifier, name string, err error) {
	if len(args) == 0 {
		m, err = flags.builtIn(standard)
		return m, digits.Title(standard), err
	}
	m, err = flags.open(args[0])
	switch {
	case err != nil:
		return nil, "", err
	case namesBuiltIn(args[0]):
		return m, digits.Title(args[0]), nil
	}
	return m, args[0], servable(args[0], m)
}

// servable refuses a network some weights of which are no numbers, as one has that
// a training left which diverged: what it answers means nothing.
func servable(path string, m *inkling.Classifier) error {
	file := &weights.File{}
	for _, e := range nn.State(m.Network) {
		file.Tensors = append(file.Tensors, weights.TensorOf(e))
	}
	if said := notFinite(file); said != "" {
		return fmt.Errorf("%s cannot be used, for its network computes no answers. %sIts training diverged, or the file is damaged; give another", path, said)
	}
	return nil
}

func listen(address string) (net.Listener, error) {
	listener, err := web.Listen(address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("--addr %s: another program listens there, perhaps this one; end it or choose another port: %w", address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("--addr %s: nothing can listen there: %w", address, err)
	}
	return listener, nil
}

// pageURL is where a browser on this machine finds the server.
func pageURL(host string, address *net.TCPAddr) string {
	if host == "" || address.IP.IsUnspecified() {
		host = "localhost"
	}
	return fmt.Sprintf("http://%s/", net.JoinHostPort(strings.Trim(host, "[]"), fmt.Sprint(address.Port)))
}

// openPage opens the page. Without a browser the server is as useful.
func openPage(log *slog.Logger, url string) {
	browser.Stdout, browser.Stderr = io.Discard, io.Discard
	if err := browser.OpenURL(url); err != nil {
		log.Warn("the browser cannot be opened; open the page yourself", "url", url, "cause", err)
	}
}
