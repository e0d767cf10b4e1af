package main

import (
	"regexp"
	"strconv"
	"time"

	"inkling/feedback"
	"inkling/web"
)

// defaultFeedbackLimit lets people correct what they draw as fast as they can,
// and nobody fill the disk.
const defaultFeedbackLimit = "100000,1GB,300/min"

// feedbackLimits are how much feedback is kept, and how fast it is taken.
type feedbackLimits struct {
	kept  feedback.Limits
	taken web.Rate
}

var feedbackLimitForm = regexp.MustCompile(`^([0-9]{1,12})(|kB|KB|MB|GB|TB|/s|/min|/h)$`)

// parseFeedbackLimits reads what --feedback-limit was given.
func parseFeedbackLimits(given []string) (l feedbackLimits, err error) {
	for _, each := range given {
		found := feedbackLimitForm.FindStringSubmatch(each)
		if found == nil {
			return l, usagef("--feedback-limit has %q, want a number of drawings such as 100000, a size such as 500MB, a rate such as 300/min, or several of them with commas", each)
		}
		number, err := strconv.ParseInt(found[1], 10, 64)
		if err != nil || number == 0 {
			return l, usagef("--feedback-limit has %q, want more than 0; leave out --feedback to keep none", each)
		}
		switch found[2] {
		case "":
			l.kept.Drawings = number
		case "kB", "KB":
			l.kept.Bytes = number * 1e3
		case "MB":
			l.kept.Bytes = number * 1e6
		case "GB":
			l.kept.Bytes = min(number, 1e6) * 1e9
		case "TB":
			l.kept.Bytes = min(number, 1e6) * 1e12
		case "/s":
			l.taken = web.Rate{Number: number, Period: time.Second}
		case "/min":
			l.taken = web.Rate{Number: number, Period: time.Minute}
		case "/h":
			l.taken = web.Rate{Number: number, Period: time.Hour}
		}
	}
	return l, nil
}
