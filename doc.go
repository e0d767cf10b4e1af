// Package inkling opens a model's file and lets its network look at pictures:
// what the command, the server and a program of one's own are built on.
package inkling
