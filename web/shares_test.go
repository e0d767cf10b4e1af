package web

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func testClient(t testing.TB, text string) client {
	t.Helper()
	c, ok := asClient(text)
	if !ok {
		t.Fatalf("%q is no address", text)
	}
	return c
}

func TestShares(t *testing.T) {
	greedy, modest := testClient(t, "192.0.2.1"), testClient(t, "192.0.2.2")
	for _, test := range []struct {
		refuse bool
		lost   string // what is taken away when the modest client takes one, and the greedy one more
		own    bool   // whether the greedy client gets that one more
	}{
		{false, "[0 1]", true},
		{true, "[9]", false},
	} {
		s := newShares(10, test.refuse)
		var lost []int
		for i := range 10 {
			s.take(greedy, 1, func() { lost = append(lost, i) })
		}
		if s.take(modest, 1, func() { t.Error("the modest client lost") }) == nil {
			t.Error("the modest client was turned away")
		}
		if got := s.take(greedy, 1, func() {}) != nil; got != test.own || fmt.Sprint(lost) != test.lost || s.used != 10 {
			t.Errorf("refuse %v: the greedy client got %v, lost %v, %d used; want %v, %s, 10", test.refuse, got, lost, s.used, test.own, test.lost)
		}
	}
	s := newShares(10, false)
	if s.take(greedy, 11, nil) != nil || s.used != 0 || len(s.holders) != 0 {
		t.Errorf("more than there is was given; %d used", s.used)
	}
}

// Whatever is taken and given, the sums are right, and nothing is left at the end.
func TestSharesAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, refuse := range []bool{false, true} {
		s := newShares(100, refuse)
		var held []*holding
		for range 5000 {
			switch random.IntN(4) {
			case 0, 1:
				var h *holding
				h = s.take(testClient(t, fmt.Sprintf("192.0.2.%d", random.IntN(5))), random.IntN(30), func() {
					held = slices.DeleteFunc(held, func(other *holding) bool { return other == h })
				})
				if h != nil {
					held = append(held, h)
				}
			case 2:
				if len(held) > 0 {
					i := random.IntN(len(held))
					s.give(held[i])
					s.give(held[i]) // once is enough
					held = slices.Delete(held, i, i+1)
				}
			case 3:
				if len(held) > 0 {
					s.renew(held[random.IntN(len(held))])
					s.grow(held[random.IntN(len(held))], 1)
				}
			}
			sum, holders := 0, map[client]int{}
			for _, h := range held {
				sum += h.size
				holders[h.holder.client] += h.size
			}
			if sum != s.used || len(holders) != len(s.holders) {
				t.Fatalf("%d of %d clients are used, want %d of %d", s.used, len(s.holders), sum, len(holders))
			}
			for c, used := range holders {
				if s.holders[c].used != used {
					t.Fatalf("%v has %d, want %d", c, s.holders[c].used, used)
				}
			}
		}
		for _, h := range held {
			s.give(h)
		}
		if s.used != 0 || len(s.holders) != 0 {
			t.Errorf("%d is left, of %d clients", s.used, len(s.holders))
		}
	}
}

func TestAsClient(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "192.0.2.1": "192.0.2.1", "[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1": "2001:db8:1:2::/64", "::ffff:192.0.2.1": "192.0.2.1", "[::1]": "::/64", "fe80::1%eth0": "fe80::/64",
		"unknown": "", "": "", "_hidden": "", "192.0.2.1, 192.0.2.2": "",
	} {
		c, ok := asClient(text)
		if got := c.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%q is the client %q, want %q", text, got, want)
		}
	}
}
