package main

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"inkling"
	"inkling/internal/flagfile"
)

// recipeFiles are what there is to choose from with --recipe: files of settings as
// --config takes them, the first line of each a comment that says what it is for.
//
//go:embed recipes/*.yaml
var recipeFiles embed.FS

// recipeNames are the recipes in the order in which they are listed.
var recipeNames = []string{"tutorial", "fast-mnist", "best-mnist", "cifar-fast", "folder", "text", "speech", "table", "finetune"}

// folderRecipe is the one for pictures of one's own where nothing was chosen.
const folderRecipe = "folder"

// readRecipe returns the text of a recipe.
func readRecipe(name string) ([]byte, error) {
	if !slices.Contains(recipeNames, name) {
		return nil, usagef("there is no recipe %q, want %s", name, strings.Join(recipeNames, ", "))
	}
	return recipeFiles.ReadFile("recipes/" + name + ".yaml")
}

// recipeAbout is the first line of a recipe.
func recipeAbout(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimPrefix(line, "# ")
}

func newRecipes() *cobra.Command {
	return &cobra.Command{
		Use:   "recipes [NAME]",
		Short: "List the recipes of trainings, or print one",
		Long: `List the recipes that "inkling train --recipe NAME" takes: settings that go together.
With a name, print that recipe, a file of settings that --config takes, too, to begin
one's own with. "inkling train --recipe NAME --print-config" prints all settings of a
training with it.`,
		Example: `  inkling recipes
  inkling recipes fast-mnist`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				text, err := readRecipe(args[0])
				if err == nil {
					_, err = c.OutOrStdout().Write(text)
				}
				return err
			}
			return listRecipes(c.OutOrStdout())
		},
	}
}

func listRecipes(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, name := range recipeNames {
		text, err := readRecipe(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\n", name, recipeAbout(text))
	}
	return table.Flush()
}

// recipeOptions are the flags that choose a recipe.
type recipeOptions struct {
	recipe      string
	printConfig bool

	recipeSaid string   // what the recipe set, as a sentence
	recipeSets []string // the flags that it set
}

func (o *recipeOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.recipe, "recipe", "", "take the settings of the recipe of this `NAME`, which \"inkling recipes\" lists; flags and --config win")
	f.BoolVar(&o.printConfig, "print-config", false, "print all settings as --config takes them, and do nothing else")
}

// optimizerFlag reports whether a flag is a setting of optimizers.
func optimizerFlag(f *pflag.Flag) bool {
	_, is := f.Value.(*settingFlag)
	return is
}

// applyRecipe sets the flags of the recipe, if one was chosen, but for those that were
// given or that a file of settings has. What belongs to an optimizer or a schedule that is
// replaced by another is left out with it.
func (o *recipeOptions) applyRecipe(f *pflag.FlagSet, config string) error {
	if o.recipe == "" {
		return nil
	}
	text, err := readRecipe(o.recipe)
	if err != nil {
		return usagef("--recipe: %w", err)
	}
	keys, values, err := flagfile.Settings(o.recipe, text)
	if err != nil {
		return err
	}
	other := func(name string) bool { // was chosen, and is not the recipe's
		flag := f.Lookup(name)
		return (flag.Changed || flag.Value.String() != flag.DefValue) && flag.Value.String() != cmp.Or(values[name], flag.DefValue)
	}
	skips := map[string]bool{"schedule": other("lr-gamma"), "schedule-step": other("lr-gamma")}
	skips["optimizer-for"] = other("optimizer")
	split := f.Lookup("val-split")
	skips["patience"] = split.Changed && split.Value.String() == "0"
	for _, key := range keys {
		if flag := f.Lookup(key); flag != nil && optimizerFlag(flag) {
			skips[key] = other("optimizer")
		}
	}
	var set, given []string
	kept := strings.Builder{}
	for line := range strings.Lines(string(text)) {
		key, _, isSetting := strings.Cut(line, ":")
		flag := f.Lookup(key)
		switch {
		case !isSetting || strings.HasPrefix(line, "#") || flag == nil:
		case skips[key]:
			continue
		case flag.Changed:
			given = append(given, key)
		default:
			o.recipeSets = append(o.recipeSets, key)
			set = append(set, key+" "+values[key])
		}
		kept.WriteString(line)
	}
	if err := flagfile.ApplyText("recipe "+o.recipe, []byte(kept.String()), f, settable); err != nil {
		return err
	}
	o.recipeSaid = fmt.Sprintf("Recipe %s: %s.", o.recipe, strings.Join(set, ", "))
	if len(given) > 0 {
		o.recipeSaid += fmt.Sprintf(" Flags say otherwise: %s.", strings.Join(given, ", "))
	}
	if config == "" {
		return nil
	}
	o.recipeSaid += " Then " + config + "."
	return flagfile.Apply(config, f, settable)
}

// The recipe for pictures of one's own is chosen unasked for so many pictures: of fewer a
// class none can be held out to validate with, and of more it would take hours, while the
// tutorial's network learns something.
const fewestForRecipe, mostForRecipe = 20, 5000

// chooseRecipe takes the recipe for pictures of one's own if that is what the data are
// and nothing was chosen that it would be in the way of: the tutorial's settings stay at
// chance on most folders of that size. It reports whether it did.
func (o *trainOptions) chooseRecipe(set *pictureSet) (bool, error) {
	own := set.parts != nil && set.parts.HasFiles()
	if o.set == nil || o.recipe != "" || o.runOptions.config != "" || o.fromFile != "" || !own && set.kind() == inkling.Pictures {
		return false, nil
	}
	if recipe := map[inkling.Kind]string{inkling.Texts: "text", inkling.Recordings: "speech", inkling.Vectors: "table"}[set.kind()]; recipe != "" {
		o.recipe = recipe
		if err := o.applyRecipe(o.set, ""); err != nil {
			return false, err
		}
		o.recipeSaid = fmt.Sprintf("These are %s: the recipe %s was chosen.\n%s", set.kind(), recipe, o.recipeSaid)
		o.optimizer = nil
		return false, o.check()
	}
	for _, name := range []string{"model", "optimizer", "lr", "rng", "preprocess", "schedule", "lr-gamma"} {
		if o.set.Changed(name) {
			return false, nil
		}
	}
	d, err := set.open(true)
	if err != nil {
		return false, err
	}
	if n := d.Len(); n < fewestForRecipe*len(d.Classes()) || n > mostForRecipe {
		return false, nil
	}
	o.recipe = folderRecipe
	if err := o.applyRecipe(o.set, ""); err != nil {
		return false, err
	}
	o.recipeSaid = "These are few pictures of your own, on which the tutorial's settings learn little: the recipe folder was chosen (--recipe tutorial takes the others).\n" + o.recipeSaid
	o.optimizer = nil
	return true, o.check()
}

// limitSize has pictures of one's own made smaller that are larger than --max-size.
func (o *trainOptions) limitSize(set *pictureSet) (changed bool, err error) {
	if o.maxSize == 0 || o.pictures.size != "" || o.old != nil || set.parts == nil || !set.parts.HasFiles() {
		return false, nil
	}
	d, err := set.open(true)
	if err != nil {
		return false, err
	}
	_, height, width := d.Shape()
	longest := max(height, width)
	if longest <= o.maxSize {
		return false, nil
	}
	smaller := func(side int) int { return max(1, (side*o.maxSize+longest/2)/longest) }
	o.pictures.size = fmt.Sprintf("%dx%d", smaller(height), smaller(width))
	o.said = append(o.said, fmt.Sprintf("Size: the pictures, mostly %dx%d, become %s (--max-size %d; --size says another).", height, width, o.pictures.size, o.maxSize))
	return true, nil
}

// sizedPictures looks for the pictures, with the recipe and the size that suit them.
func (o *trainOptions) sizedPictures(find func() (*pictureSet, error)) (*pictureSet, error) {
	set, err := find()
	if err != nil {
		return nil, err
	}
	chosen, err := o.chooseRecipe(set)
	if err != nil {
		return nil, err
	}
	limited, err := o.limitSize(set)
	if err != nil || !chosen && !limited {
		return set, err
	}
	return find()
}

// printSettings prints what config.yaml has.
func (o *trainOptions) printSettings(out io.Writer) error {
	o.settle()
	return flagfile.Write(out, o.set, func(f *pflag.Flag) bool { return !unkept(f) })
}
