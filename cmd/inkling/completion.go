package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"inkling/models"
	"inkling/sketch"
	"inkling/transform"
	"inkling/weights"
)

// What a shell offers for flags and arguments. Flags of one name take the same in
// all commands, unless flagCompletions has the command's path before the name.
var (
	flagCompletions = map[string]cobra.CompletionFunc{
		"augment":     completeAugment,
		"classes":     completeFiles("txt"),
		"config":      completeFiles("yaml", "yml"),
		"data":        completeData,
		"dtype":       oneOf(dtypes...),
		"every":       oneOf("1s", "10s"),
		"feedback":    anyFile,
		"from":        completeModels,
		"graphics":    oneOf("auto", "kitty", "iterm2", "sixel", "blocks", "none"),
		"grid":        completeFiles("png"),
		"input":       completeFiles("npy", "npz", "pb"),
		"compare":     completeFiles("npy", "npz", "pb"),
		"run output":  completeFolders,
		"atol":        nobodyKnows,
		"rtol":        nobodyKnows,
		"invert":      oneOf("auto", "yes", "no"),
		"log-level":   oneOf("debug", "info", "warn", "error"),
		"labels":      oneOf("auto", "classes", "numbers"),
		"lang":        oneOf("auto", "en", "zh"),
		"job":         oneOf("train", "predict"),
		"model":       oneOf(models.Names()...),
		"net":         oneOf(models.Names()...),
		"optimizer":   oneOf(optimizerNames()...),
		"orientation": oneOf("upright", "transposed"),
		"out":         completeModels,
		"rng":         oneOf("go", "torch"),
		"conv":        oneOf("exact", "fast"),
		"recipe":      oneOf(recipeNames...),
		"resume":      completeFolders,
		"root":        completeFolders,
		"save-every":  oneOf("30s", "5m", "1000"),
		"preprocess":  completeProcedures,
		"schedule":    oneOf(scheduleNames()...),
		"show out":    completeFiles("png"),
		"export out":  completeFolders,
		"test out":    completeFolders,
		"compare out": completeFolders,
		"page out":    completeFolders,
		"find-lr out": completeFiles("png"),

		"eval-strokes model": completeModels,
		"eval-strokes out":   completeFiles("png"),
		"schedule-step":      oneOf("epoch", "batch"),

		"digits": oneOf("auto", "alike", "apart"), "opening": oneOf("auto", "yes", "no"),
		"tokens": oneOf("auto", "words", "treebank", "characters"),

		// What nobody can guess.
		"text-column": nobodyKnows, "label-column": nobodyKnows, "columns": nobodyKnows, "names": nobodyKnows, "test-where": nobodyKnows, "fold": nobodyKnows, "seconds": nobodyKnows,
		"addr": nobodyKnows, "betas": nobodyKnows, "feedback-limit": nobodyKnows, "freeze": nobodyKnows, "lr-factor": nobodyKnows, "host": nobodyKnows, "name": nobodyKnows, "ns-steps": nobodyKnows, "optimizer-for": nobodyKnows, "mean": nobodyKnows, "mirror": nobodyKnows, "padding": nobodyKnows, "rename": nobodyKnows,
		"max-steps": nobodyKnows, "max-time": oneOf("10m", "1h", "8h"), "patience": nobodyKnows, "run": nobodyKnows, "size": nobodyKnows, "std": nobodyKnows, "writers": nobodyKnows,
	}

	// argumentCompletions are for the arguments of commands, by their names.
	argumentCompletions = map[string]cobra.CompletionFunc{
		"test":         firstOnly(completeModels),
		"info":         firstOnly(completeModels),
		"serve":        firstOnly(completeModels),
		"convert":      completeModels,
		"run":          firstOnly(completeModels),
		"predict":      completeModelOrPictures,
		"eval-strokes": firstOnly(completeFiles("jsonl", "gz")),
		"sweep":        firstOnly(completeFiles("yaml", "yml")),
		"watch":        firstOnly(completeFolders),
		"compare":      completeFolders,
		"get":          firstOnly(completeSets),
		"verify":       firstOnly(completeSets),
		"path":         firstOnly(completeSets),
		"data info":    firstOnly(completeData),
		"recipes":      firstOnly(oneOf(recipeNames...)),
	}
)

// modelEndings are those of files with weights, without their points.
var modelEndings = func() (endings []string) {
	for _, f := range weights.Formats() {
		for _, ending := range f.Endings {
			endings = append(endings, strings.TrimPrefix(ending, "."))
		}
	}
	return endings
}()

var pictureEndings = []string{"png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp"}

var (
	completeModels  = completeFiles(modelEndings...)
	completeFolders = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	nobodyKnows = cobra.NoFileCompletions
	anyFile     = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	}
)

// addCompletions sets what is offered for all flags and arguments of a command and
// of those below it.
func addCompletions(c *cobra.Command) {
	if c.ValidArgsFunction == nil {
		c.ValidArgsFunction = lookUp(argumentCompletions, c, c.Name(), nobodyKnows)
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		complete := lookUp(flagCompletions, c, f.Name, nil)
		switch f.Value.Type() {
		case "bool":
			return
		case "int", "intSlice", "uint64", "float64", "duration":
			if complete == nil {
				complete = nobodyKnows
			}
		}
		if complete != nil {
			c.RegisterFlagCompletionFunc(f.Name, complete) // fails if the command has its own
		}
	})
	for _, sub := range c.Commands() {
		addCompletions(sub)
	}
}

// lookUp returns what a table has for a name: that of the command, or of its
// parent, before it is meant for the command alone.
func lookUp(table map[string]cobra.CompletionFunc, c *cobra.Command, name string, otherwise cobra.CompletionFunc) cobra.CompletionFunc {
	before := c.Name()
	if before == name && c.HasParent() {
		before = c.Parent().Name()
	}
	if f, ok := table[before+" "+name]; ok {
		return f
	}
	if f, ok := table[name]; ok {
		return f
	}
	return otherwise
}

// oneOf offers words.
func oneOf(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// completeFiles offers files with these endings, and folders to look into.
func completeFiles(endings ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return endings, cobra.ShellCompDirectiveFilterFileExt
	}
}

// firstOnly offers what f does for the first argument, and nothing for others.
func firstOnly(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(c, args, begun)
	}
}

// completeModelOrPictures offers models and pictures for the first argument, and
// pictures after it.
func completeModelOrPictures(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	endings := pictureEndings
	if len(args) == 0 {
		endings = append(append([]string{}, modelEndings...), pictureEndings...)
	}
	return endings, cobra.ShellCompDirectiveFilterFileExt
}

// completeSets offers the names of data sets.
func completeSets(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, s := range catalog() {
		names = append(names, cobra.CompletionWithDesc(s.fullName(), s.Title))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeData offers the names of data sets, and files and folders if none begins
// as what stands there.
func completeData(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	sets, _ := completeSets(c, args, begun)
	if c.Flags().Lookup("download") != nil {
		sets = append(sets, cobra.CompletionWithDesc("auto", "EMNIST if it was downloaded, else MNIST"))
	}
	var names []cobra.Completion
	for _, name := range sets {
		if strings.HasPrefix(name, begun) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// completeProcedures offers the ways from a drawing to the network's input.
func completeProcedures(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	if f := c.Flags().Lookup("preprocess"); f != nil && f.DefValue == "auto" {
		names = append(names, "auto")
	}
	for _, p := range sketch.Procedures() {
		names = append(names, string(p))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeAugment offers the steps of --augment, behind those that stand there.
func completeAugment(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := begun[:strings.LastIndexByte(begun, ',')+1]
	var steps []cobra.Completion
	if before == "" {
		steps = append(steps, cobra.CompletionWithDesc("auto", "what suits the data"), cobra.CompletionWithDesc("none", "nothing"))
	}
	for _, s := range transform.AugmentationSteps() {
		steps = append(steps, cobra.CompletionWithDesc(before+s.Name, s.About))
	}
	return steps, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
