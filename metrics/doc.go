// Package metrics has the numbers that classifiers are judged by: accuracy with its
// interval, precision, recall and F1 of every class and their means, top-k
// accuracy, and how far a network's confidence can be believed. They equal
// scikit-learn's where it has them.
//
// Classes are numbered from 0. A class that nobody asked for, or that was never
// answered, counts as 0 where its share would be 0 of 0, as scikit-learn's
// zero_division=0 has it.
package metrics
