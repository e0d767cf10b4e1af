package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"inkling"
	"inkling/data"
	"inkling/data/samples"
	"inkling/internal/wording"
	"inkling/sound"
	"inkling/text"
	"inkling/vector"
)

// sampleOptions say what is made of texts, recordings and vectors of one's own. The zero value is
// what is usual.
type sampleOptions struct {
	find    samples.Options
	fold    string
	columns string
	labels  string

	tokens, digits         string
	opening                string
	length, minCount, runs int
	// tallyRuns and letters are what a tally weighs besides; weighs tells that there is one.
	tallyRuns, letters int
	weighs             bool

	rate, mels int
	seconds    float64

	// like is the model that the samples are for, nil for a new one.
	like *inkling.Classifier
	// whole makes all of one file the part to test with; own keeps the samples' classes,
	// where the model's head is to be replaced.
	whole, own bool
}

func (o *sampleOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.find.TextColumn, "text-column", "", "take the texts of a table from this `COLUMN`, a name or a number from 1")
	f.StringVar(&o.find.LabelColumn, "label-column", "", "take the labels of a table from this `COLUMN`")
	f.StringVar(&o.columns, "columns", "", "take the numbers of a table of vectors from these `COLUMNS`, names or numbers from 1 with commas between; by default from all that have numbers")
	f.StringVar(&o.labels, "labels", "auto", "take labels for `WHAT`: classes, numbers that measure something, or auto, which is what they look like")
	f.StringVar(&o.find.Names, "names", "", "`PATTERN` of recordings' names that tell the class, such as {class}_{speaker}_{number}")
	f.StringVar(&o.find.TestWhere, "test-where", "", "test with the recordings of which this `CONDITION` on a field of --names is true: speaker=theo or number<5")
	f.StringVar(&o.fold, "fold", "", "divide texts, recordings or vectors into N parts of every class, chosen by --seed, and test with part K: `K/N`")
}

// inputFlags are those that choose what a new network reads.
func (o *sampleOptions) inputFlags(f *pflag.FlagSet) {
	f.StringVar(&o.tokens, "tokens", "auto", "divide texts into `WHAT`: words, treebank, characters, or auto, which is characters for Chinese and Japanese and else treebank")
	f.StringVar(&o.digits, "digits", "auto", "read digits `HOW`: apart, each as it is, or alike, every one as 0, or auto, which is apart for characters and else alike")
	f.IntVar(&o.length, "length", 0, "read `N` tokens of a text at most; 0 means as many as 99 of 100 texts have, 400 at most")
	f.IntVar(&o.runs, "runs", 0, "tell the network besides every token the runs of 2 to `N` that begin there; 0 means 2, or 1, which is none, for words of texts of two classes")
	f.IntVar(&o.tallyRuns, "tally-runs", 0, "let the network's tally weigh runs of up to `N` tokens; 0 means 2, or 3 for characters, and 1 only what --runs says")
	f.IntVar(&o.letters, "letters", 0, "let the network's tally weigh pieces of 3 to `N` letters of every token; 0 means 5, or none for characters, and 1 none")
	f.StringVar(&o.opening, "opening", "auto", "let the network's tally weigh each token together with the first two, and the first five with their places: `WHETHER` yes, no, or auto, which is yes where most texts are questions, but for characters")
	f.IntVar(&o.minCount, "min-count", 0, "know tokens that the texts have `N` times; 0 means 2, or 1 for fewer than 1,000 texts")
	f.IntVar(&o.rate, "rate", 0, "read recordings at `N` samples a second; 0 means theirs, 16,000 at most")
	f.Float64Var(&o.seconds, "seconds", 0, "read so many `SECONDS` of a recording at most; 0 means as many as 99 of 100 have, 10 at most")
	f.IntVar(&o.mels, "mels", 0, "divide pitches into `N` mels; 0 means 40")
}

// check refuses what makes no sense, and reads --fold.
func (o *sampleOptions) check(seed uint64) error {
	o.find.Seed = seed
	if o.fold != "" {
		k, n, found := strings.Cut(o.fold, "/")
		var err1, err2 error
		o.find.Fold, err1 = strconv.Atoi(k)
		o.find.Folds, err2 = strconv.Atoi(n)
		if !found || err1 != nil || err2 != nil || o.find.Folds < 2 || o.find.Folds > 1000 || o.find.Fold < 1 || o.find.Fold > o.find.Folds {
			return usagef("--fold is %q, want a part and how many there are, such as 3/10", o.fold)
		}
	}
	switch o.labels {
	case "", "auto":
	case string(data.ClassLabels), string(data.NumberLabels):
		o.find.Labels = data.LabelKind(o.labels)
	default:
		return usagef("--labels is %q, want auto, %s or %s", o.labels, data.ClassLabels, data.NumberLabels)
	}
	if o.columns != "" {
		o.find.Columns = strings.Split(o.columns, ",")
	}
	if o.tokens != "" && o.tokens != "auto" {
		if err := (text.Way{Tokenizer: text.Tokenizer(o.tokens)}).Check(); err != nil {
			return usagef("--tokens: %w", err)
		}
	}
	switch {
	case !slices.Contains([]string{"", "auto", "alike", "apart"}, o.digits):
		return usagef("--digits is %q, want auto, alike or apart", o.digits)
	case !slices.Contains([]string{"", "auto", "yes", "no"}, o.opening):
		return usagef("--opening is %q, want auto, yes or no", o.opening)
	case o.length < 0 || o.length > text.MaxLength:
		return usagef("--length is %d, want 0 to %d", o.length, text.MaxLength)
	case o.runs < 0 || o.runs > text.MaxRuns:
		return usagef("--runs is %d, want 0 to %d", o.runs, text.MaxRuns)
	case o.tallyRuns < 0 || o.tallyRuns > text.MaxRuns:
		return usagef("--tally-runs is %d, want 0 to %d", o.tallyRuns, text.MaxRuns)
	case o.letters < 0 || o.letters == 2 || o.letters > text.MaxLetters:
		return usagef("--letters is %d, want 0, 1, or 3 to %d", o.letters, text.MaxLetters)
	case o.minCount < 0:
		return usagef("--min-count is %d, want 0 or more", o.minCount)
	case o.rate != 0 && (o.rate < 1000 || o.rate > sound.MaxRate):
		return usagef("--rate is %d, want 1000 to %d samples a second", o.rate, sound.MaxRate)
	case o.mels != 0 && (o.mels < 8 || o.mels > 256):
		return usagef("--mels is %d, want 8 to 256", o.mels)
	case o.seconds != 0 && !(o.seconds >= 0.05 && o.seconds <= sound.MaxSeconds):
		return usagef("--seconds is %v, want 0.05 to %d", o.seconds, sound.MaxSeconds)
	}
	return nil
}

// given says what the first flag is for that was set of those for kinds, and not for this one,
// "" for none.
func (o *sampleOptions) given(kind inkling.Kind) string {
	texts := o.find.TextColumn != "" || o.tokens != "" && o.tokens != "auto" || o.digits != "" && o.digits != "auto" || o.opening != "" && o.opening != "auto" || o.length+o.minCount+o.runs+o.tallyRuns+o.letters > 0
	recordings := o.find.Names+o.find.TestWhere != "" || o.rate+o.mels > 0 || o.seconds > 0
	switch {
	case o.find.LabelColumn != "" && kind != inkling.Texts && kind != inkling.Vectors:
		return "--label-column is for tables of texts and of vectors"
	case o.columns != "" && kind != inkling.Vectors:
		return "--columns is for vectors"
	case texts && kind != inkling.Texts:
		return "--text-column, --tokens, --digits, --length, --runs, --tally-runs, --letters, --opening and --min-count are for texts"
	case recordings && kind != inkling.Recordings:
		return "--names, --test-where, --rate, --seconds and --mels are for recordings"
	case o.fold != "" && kind == inkling.Pictures:
		return "--fold is for texts, recordings and vectors"
	}
	return ""
}

// kind is what the set's samples are.
func (s *pictureSet) kind() inkling.Kind {
	switch {
	case s.text != nil:
		return inkling.Texts
	case s.sound != nil:
		return inkling.Recordings
	case s.vector != nil:
		return inkling.Vectors
	}
	return inkling.Pictures
}

// openTable opens one table of texts or of vectors.
func (s *pictureSet) openTable(ctx context.Context, fsys fs.FS, name, base string, o pictureOptions) error {
	found, err := samples.OpenTable(fsys, base, o.samples.find)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.title = string(found.Kind) + " of " + name
	return s.learnt(ctx, found, o)
}

// learnt makes the set of texts or recordings that were found.
func (s *pictureSet) learnt(ctx context.Context, found *samples.Set, o pictureOptions) error {
	kind := inkling.Kind(found.Kind)
	switch {
	case o.samples.like != nil && o.samples.like.Kind() != kind:
		return fmt.Errorf("the model reads %s, and %s are none", o.samples.like.Kind(), s.title)
	case o.size != "":
		return usagef("--size resizes pictures, and these are %s: leave it out", kind)
	case o.ownWay():
		return usagef("--preprocess prepares pictures, and these are %s: leave it out", kind)
	}
	if said := o.samples.given(kind); said != "" {
		return usagef("%s, and these are %s: leave them out", said, kind)
	}
	for _, note := range found.Notes {
		s.addReason(note)
	}
	if o.samples.whole && o.samples.find.Folds == 0 && o.samples.find.TestWhere == "" && found.Whole() {
		s.addReason(fmt.Sprintf("All %s of the file test.", thousands(len(found.Items))))
		s.like(o.samples.like)
		s.open = func(bool) (data.Dataset, error) { return s.encode(ctx, found, found.Items, nil, o) }
		return nil
	}
	d, err := found.Divide(o.samples.find)
	if err != nil {
		return err
	}
	for _, note := range d.Notes {
		s.addReason(note)
	}
	if o.samples.like != nil {
		s.like(o.samples.like)
	} else if err := s.choose(ctx, found, d, o); err != nil {
		return err
	}
	if o.samples.like == nil || o.samples.own {
		s.target = targetOf(found, d)
	}
	if s.vector != nil && o.samples.own {
		own := *s.vector
		own.Label = found.Label
		s.vector = &own
	}
	train := sync.OnceValues(func() (data.Dataset, error) { return s.encode(ctx, found, d.Train, d, o) })
	test := sync.OnceValues(func() (data.Dataset, error) { return s.encode(ctx, found, d.Test, d, o) })
	s.open = func(wantTrain bool) (data.Dataset, error) {
		if wantTrain {
			return train()
		}
		return test()
	}
	return nil
}

// like has the samples read as a model does.
func (s *pictureSet) like(m *inkling.Classifier) {
	s.text, s.sound, s.vector, s.target = m.Text, m.Sound, m.Vector, m.Target
}

// targetOf is the number that the samples to train on tell, nil for classes.
func targetOf(found *samples.Set, d *samples.Division) *inkling.Target {
	if !found.Measures {
		return nil
	}
	numbers := make([]float64, len(d.Train))
	for i, item := range d.Train {
		numbers[i] = item.Number
	}
	return &inkling.Target{Name: found.Label, Scale: data.ScaleOf(numbers)}
}

// labelsOf is what a model tells.
func labelsOf(m *inkling.Classifier) data.LabelKind {
	if m.Target != nil {
		return data.NumberLabels
	}
	return data.ClassLabels
}

// findLike has samples found as a model reads them.
func findLike(m *inkling.Classifier, o samples.Options) samples.Options {
	o.Labels = labelsOf(m)
	label := ""
	if m.Target != nil {
		label = m.Target.Name
	}
	if m.Vector != nil {
		o.Columns, label = m.Vector.Names(), m.Vector.Label
	}
	if o.LabelColumn == "" && m.Vector != nil {
		o.LabelColumn = label
	}
	return o
}

// choose chooses what a new network reads of the samples to train on.
func (s *pictureSet) choose(ctx context.Context, found *samples.Set, d *samples.Division, o pictureOptions) (err error) {
	if found.Kind == samples.Texts {
		s.text, err = chooseText(d.Train, &o.samples)
		if err == nil && o.samples.weighs && o.samples.letters == 0 && s.text.Tokenizer != text.Characters && (s.text.Pieces == nil || s.text.Pieces.Letters == 0) {
			s.addReason(fmt.Sprintf("Pieces of letters are not weighed: of %s they would take more than %d MB; --letters 5 has them weighed.", count(len(d.Train), "text"), mostPieceBytes>>20))
		}
		return err
	}
	if found.Kind == samples.Vectors {
		s.vector, err = chooseVector(found, d.Train, o)
		return err
	}
	s.sound, err = chooseSound(ctx, found.FS, d.Train, o)
	return err
}

// chooseVector is what a network reads of rows of numbers.
func chooseVector(found *samples.Set, items []samples.Item, o pictureOptions) (*vector.Input, error) {
	rows := make([][]float64, 0, len(items))
	for _, item := range items {
		if item.Err == nil {
			rows = append(rows, item.Row)
		} else if !o.skipBad {
			return nil, fmt.Errorf("%w (--skip-bad leaves out what cannot be read)", item.Err)
		}
	}
	in, err := vector.NewInput(found.Columns, rows)
	if err == nil {
		in.Label = found.Label
	}
	return in, err
}

// mostRuns is how many tokens and runs of them are known at most, the commonest: each has a
// vector, which takes half a kilobyte of the model's file, and time at each step.
const mostRuns = 30_000

// chooseText is what a network reads of texts, where it is not said.
func chooseText(items []samples.Item, o *sampleOptions) (*text.Input, error) {
	in := &text.Input{Way: text.Way{Tokenizer: text.Tokenizer(o.tokens), Lower: true}, Length: o.length}
	if o.tokens == "" || o.tokens == "auto" {
		in.Tokenizer = text.Treebank
		if text.HasNoSpaces(items[len(items)/2].Text + items[0].Text + items[len(items)-1].Text) {
			in.Tokenizer = text.Characters
		}
	}
	in.Zeros = o.digits == "alike" || o.digits != "apart" && in.Tokenizer != text.Characters
	if in.Runs = o.runs; in.Runs == 0 && (in.Tokenizer == text.Characters || tellsMoreThanTwo(items)) {
		in.Runs = 2
	}
	least := o.minCount
	if least == 0 {
		least = 2
		if len(items) < 1000 {
			least = 1
		}
	}
	var lengths []int
	tokens := func(yield func([]string, error) bool) {
		for _, item := range items {
			all, err := in.Tokens(item.Text)
			if err != nil {
				err = fmt.Errorf("%s: %w", item.Where, err)
			}
			lengths = append(lengths, len(all))
			if !yield(in.Counted(all), err) {
				return
			}
		}
	}
	bounds := []text.Option{text.MinCount(least)}
	if in.Runs > 1 {
		bounds = append(bounds, text.MaxTokens(mostRuns))
	}
	var err error
	if in.Vocabulary, err = text.NewVocabulary(tokens, bounds...); err != nil {
		return nil, err
	}
	if !o.weighs && (max(o.tallyRuns, o.letters) > 1 || o.opening == "yes") {
		return nil, usagef("--tally-runs, --letters and --opening are for what a tally weighs, and the model has none: take textcnn tally=2, or leave them out")
	}
	if in.Length == 0 {
		const most, fewest = 400, 8
		slices.Sort(lengths)
		in.Length = min(max(lengths[len(lengths)*99/100], fewest), most)
	}
	in.Pieces = choosePieces(in, items, o)
	return in, nil
}

// piecesCounted is how many numbers pieces have: the texts that one learns of here have
// fewer different ones, mostly, and each takes four bytes a class of the model's file.
const piecesCounted = 1 << 17

// mostPieceBytes is how much memory pieces of letters, of which a token has up to 24, take
// where nobody asks for them.
const mostPieceBytes = 512 << 20

// choosePieces is what a tally weighs of texts beside tokens and runs, nil for nothing.
func choosePieces(in *text.Input, texts []samples.Item, o *sampleOptions) *text.Pieces {
	p := &text.Pieces{Runs: o.tallyRuns, Letters: o.letters, Count: piecesCounted}
	if p.Runs == 0 {
		p.Runs = 2
		if in.Tokenizer == text.Characters {
			p.Runs = 3
		}
	}
	p.Opening = o.opening == "yes" || o.opening != "no" && in.Tokenizer != text.Characters && areQuestions(texts)
	switch {
	case p.Letters == 1 || p.Letters == 0 && in.Tokenizer == text.Characters:
		p.Letters = 0
	case p.Letters == 0:
		p.Letters = 5
		asked := *in
		asked.Pieces = p
		if 4*in.Length*asked.Rows() > mostPieceBytes/len(texts) {
			p.Letters = 0
		}
	}
	if !o.weighs || p.Runs <= max(in.Runs, 1) && p.Letters == 0 && !p.Opening {
		return nil
	}
	return p
}

// areQuestions tells whether most texts are questions.
func areQuestions(items []samples.Item) bool {
	questions := 0
	for _, item := range items {
		if text.IsQuestion(item.Text) {
			questions++
		}
	}
	return 2*questions > len(items)
}

// tellsMoreThanTwo tells whether items have more than two labels.
func tellsMoreThanTwo(items []samples.Item) bool {
	labels := map[string]bool{}
	for _, item := range items {
		if labels[item.Label] = true; len(labels) > 2 {
			return true
		}
	}
	return false
}

// chooseSound is what a network reads of recordings, where it is not said: some are looked
// at.
func chooseSound(ctx context.Context, fsys fs.FS, items []samples.Item, o pictureOptions) (*sound.Input, error) {
	const looked, mostRate, mostSeconds = 300, 16000, 10
	rates := map[int]int{}
	var lengths []float64
	for i := 0; i < len(items); i += max(1, len(items)/looked) {
		clip, err := decodeClip(ctx, fsys, items[i].File)
		if err != nil {
			if o.skipBad && ctx.Err() == nil {
				continue
			}
			return nil, err
		}
		rates[clip.Rate]++
		lengths = append(lengths, clip.Duration().Seconds())
	}
	if len(lengths) == 0 {
		return nil, errors.New("none of the recordings that were looked at can be read")
	}
	slices.Sort(lengths)
	rate := o.samples.rate
	if rate == 0 {
		for r, n := range rates {
			if n > rates[rate] || n == rates[rate] && r > rate {
				rate = r
			}
		}
		rate = max(min(rate, mostRate), 1000)
	}
	seconds := o.samples.seconds
	if seconds == 0 {
		seconds = min(max(math.Ceil(20*lengths[len(lengths)*99/100])/20, 0.25), mostSeconds)
	}
	in := sound.UsualInput(rate, seconds)
	in.Mels = cmp.Or(o.samples.mels, in.Mels)
	return &in, in.Check()
}

func decodeClip(ctx context.Context, fsys fs.FS, name string) (*sound.Clip, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	clip, err := sound.Decode(ctx, f, sound.Own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return clip, nil
}

// mostSampleBytes is how much memory samples may take.
const mostSampleBytes = 2 << 30

// encode makes a data set of samples: those that cannot be read are an error, or left out
// with --skip-bad.
func (s *pictureSet) encode(ctx context.Context, found *samples.Set, items []samples.Item, d *samples.Division, o pictureOptions) (data.Dataset, error) {
	shape := s.shape()
	size := shape[0] * shape[1] * shape[2]
	if len(items) > mostSampleBytes/size {
		return nil, fmt.Errorf("%s would take %d MB, want %d at most: take fewer, or read less of each (--length or --seconds)", count(len(items), s.kind().One()), len(items)/1024*size/1024, mostSampleBytes>>20)
	}
	classes, labels := s.classesOf(d, o)
	if s.target != nil && !found.Measures {
		return nil, fmt.Errorf("the model tells the number %s, and %s have classes", s.target.Name, s.title)
	}
	rows, marks := make([]byte, len(items)*size), make([]byte, len(items))
	faults := make([]error, len(items))
	var turn sync.Mutex
	var workers sync.WaitGroup
	next := 0
	for range min(runtime.GOMAXPROCS(0), len(items)) {
		workers.Go(func() {
			for {
				turn.Lock()
				i := next
				next++
				turn.Unlock()
				if i >= len(items) || ctx.Err() != nil {
					return
				}
				label, known := labels[items[i].Label]
				if !known && s.target == nil {
					faults[i] = fmt.Errorf("%s is of the class %q, which the model does not know: it tells %s apart", items[i].Where, items[i].Label, some(classes))
					continue
				}
				row, err := s.row(ctx, found.FS, items[i])
				copy(rows[i*size:][:size], row)
				marks[i], faults[i] = byte(label), err
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	where := make([]samples.Item, 0, len(items))
	kept := 0
	s.turn.Lock()
	defer s.turn.Unlock()
	for i, err := range faults {
		if err != nil {
			if !o.skipBad {
				return nil, fmt.Errorf("%w (--skip-bad leaves out what cannot be read)", err)
			}
			s.faults = append(s.faults, err)
			continue
		}
		copy(rows[kept*size:], rows[i*size:][:size])
		marks[kept] = marks[i]
		where = append(where, items[i])
		kept++
	}
	if kept == 0 {
		return nil, fmt.Errorf("none of %s can be read: %w", count(len(items), s.kind().One()), s.faults[0])
	}
	memory, err := data.NewMemory(rows[:kept*size], marks[:kept], classes, shape[0], shape[1], shape[2])
	set := &sampleSet{memory, where}
	if s.target != nil {
		return &measuredSet{set, s.target.Scale}, err
	}
	return set, err
}

// measuredSet is one whose labels are numbers.
type measuredSet struct {
	*sampleSet
	scale data.Scale
}

// Number is what a sample measures.
func (s *measuredSet) Number(i int) float64 { return s.items[i].Number }

// Scale is how the network tells it.
func (s *measuredSet) Scale() data.Scale { return s.scale }

// sampleSet is texts, recordings or vectors as bytes, which knows what they were.
type sampleSet struct {
	*data.Memory
	items []samples.Item
}

// Original is the text, in small letters; of a recording, its bytes.
func (s *sampleSet) Original(i int) []byte {
	if s.items[i].Text == "" {
		row, _, err := s.Example(i)
		if err != nil {
			return []byte(s.items[i].Where)
		}
		return row
	}
	return []byte(strings.ToLower(s.items[i].Text))
}

// item is what a sample was found as.
func (s *sampleSet) item(i int) samples.Item { return s.items[i] }

// Where is the file, or the file and the line.
func (s *sampleSet) Where(i int) string { return s.items[i].Where }

// shape is that of the samples' bytes.
func (s *pictureSet) shape() (shape [3]int) {
	switch {
	case s.text != nil:
		shape[0], shape[1], shape[2] = s.text.Shape()
	case s.vector != nil:
		shape[0], shape[1], shape[2] = s.vector.Shape()
	default:
		shape[0], shape[1], shape[2] = s.sound.Shape()
	}
	return shape
}

// classesOf are the classes and their labels: the model's, if it has some.
func (s *pictureSet) classesOf(d *samples.Division, o pictureOptions) ([]string, map[string]int) {
	switch {
	case s.target != nil:
		return []string{s.target.Name}, nil
	case o.samples.like == nil || d != nil && o.samples.own:
		return d.Classes, d.Labels
	}
	labels := map[string]int{}
	for i, class := range o.samples.like.About.Classes {
		labels[class] = i
	}
	return o.samples.like.About.Classes, labels
}

// row makes the bytes of a sample.
func (s *pictureSet) row(ctx context.Context, fsys fs.FS, item samples.Item) ([]byte, error) {
	if s.text != nil {
		sample, err := s.text.Read(item.Text)
		if err != nil {
			// What has no word, as a row of signs may, is read as nothing known.
			if !errors.Is(err, text.ErrNoToken) {
				return nil, fmt.Errorf("%s: %w", item.Where, err)
			}
			sample = &text.Sample{Numbers: []int32{text.Unknown}}
		}
		return s.text.Bytes(sample), nil
	}
	if s.vector != nil {
		if item.Err != nil {
			return nil, item.Err
		}
		row, err := s.vector.Bytes(item.Row)
		if err != nil {
			err = fmt.Errorf("%s: %w", item.Where, err)
		}
		return row, err
	}
	clip, err := decodeClip(ctx, fsys, item.File)
	if err != nil {
		return nil, err
	}
	samples, err := s.sound.Take(clip)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", item.File, err)
	}
	return s.sound.Bytes(samples), nil
}

// describe tells what the network reads of the samples.
func (s *pictureSet) describe() string {
	switch s.kind() {
	case inkling.Texts:
		what := map[text.Tokenizer]string{text.Words: "words", text.Treebank: "tokens of the Penn Treebank", text.Characters: "characters"}[s.text.Tokenizer]
		if s.text.Zeros {
			what += " with every digit as 0"
		}
		if s.text.Runs > 1 {
			what += fmt.Sprintf(" and runs of up to %d", s.text.Runs)
		}
		return fmt.Sprintf("texts as %s, %s of them known%s, %d of a text read", what, thousands(s.text.Vocabulary.Len()-2), describePieces(s.text), s.text.Length)
	case inkling.Recordings:
		return fmt.Sprintf("%g s of recordings at %s samples a second, %d mels in %d columns", s.sound.Seconds, thousands(s.sound.Rate), s.sound.Mels, s.sound.Columns)
	case inkling.Vectors:
		const most = 8
		names := s.vector.Names()
		text := strings.Join(names[:min(len(names), most)], ", ")
		if len(names) > most {
			text += fmt.Sprintf(" and %d more", len(names)-most)
		}
		return fmt.Sprintf("vectors of %s (%s)", wording.Number(len(names), "number"), printable(text))
	}
	return ""
}

// aboutVectors tells in a few words what a model's file says of vectors.
func aboutVectors(file string) string {
	in, err := vector.ParseInput(file)
	if err != nil {
		return err.Error()
	}
	return (&pictureSet{vector: in}).describe()
}

// describePieces tells what a tally weighs beside what is known.
func describePieces(in *text.Input) string {
	var all []string
	if p := in.Pieces; p != nil {
		if p.Runs > max(in.Runs, 1) {
			all = append(all, fmt.Sprintf("runs of up to %d", p.Runs))
		}
		if p.Letters > 0 {
			all = append(all, fmt.Sprintf("pieces of 3 to %d letters", p.Letters))
		}
		if p.Opening {
			all = append(all, "how a text begins")
		}
	}
	switch last := len(all) - 1; {
	case last < 0:
		return ""
	case last == 0:
		return ", weighed with " + all[0]
	default:
		return ", weighed with " + strings.Join(all[:last], ", ") + " and " + all[last]
	}
}

// aboutTexts tells in a few words what a model's file says of texts.
func aboutTexts(file string) string {
	in, err := text.ParseInput(file)
	if err != nil {
		return err.Error()
	}
	return (&pictureSet{text: in}).describe()
}

// capital begins a sentence with a word.
func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
