// Package text makes what a network reads of sentences: it divides them into tokens, and
// gives every token a number.
//
//	way := text.Way{Tokenizer: text.Treebank, Lower: true}
//	vocabulary, err := text.NewVocabulary(way.All(sentences), text.MinCount(2))
//	numbers, mask := text.Pad([][]int32{vocabulary.Encode(tokens)}, 40)
//
// Tokens are those of Unicode, of the Penn Treebank as NLTK has them, or characters, as
// for Chinese. A [Way] and a [Vocabulary] are written as JSON, so that a model carries both.
package text
