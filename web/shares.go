package web

import "container/list"

// shares divides a limited amount, of memory or of places, among clients. As
// long as there is enough of it, a client may have all. When there is not, the
// client gives back that has most, so that nobody can shut out others however
// much he takes. It belongs to the mutex of whoever uses it.
type shares struct {
	limit   int
	used    int
	holders map[client]*holder
	// refuse turns the client that has most away when it asks for more, and takes
	// from another what he got last: for what waits its turn. Otherwise everybody
	// gets what he asks for, and what is the oldest goes: for what is used again
	// and again, or for ever.
	refuse bool
}

// A holder is what one client has.
type holder struct {
	client   client
	used     int
	holdings *list.List // of *holding, the oldest in front
}

// A holding is one thing that a client has.
type holding struct {
	holder *holder
	place  *list.Element // nil when it was given back
	size   int
	lose   func() // called when it is taken away
}

func newShares(limit int, refuse bool) *shares {
	return &shares{limit: limit, holders: map[client]*holder{}, refuse: refuse}
}

// take gives a client so much, nil if it cannot have it. When that is taken away
// again, lose is called, which may give, but not take.
func (s *shares) take(c client, size int, lose func()) *holding {
	own := s.holders[c]
	if own == nil {
		own = &holder{client: c, holdings: list.New()}
		s.holders[c] = own
	}
	h := &holding{holder: own, size: size, lose: lose}
	h.place = own.holdings.PushBack(h)
	own.used += size
	s.used += size
	for s.used > s.limit {
		most := own
		for _, other := range s.holders {
			if other.used > most.used {
				most = other
			}
		}
		victim := most.victim(s.refuse)
		s.give(victim)
		if victim == h {
			return nil
		}
		victim.lose()
	}
	return h
}

// victim is the oldest holding, or the newest, of those that are not nothing.
func (h *holder) victim(newest bool) *holding {
	first, next := h.holdings.Front, (*list.Element).Next
	if newest {
		first, next = h.holdings.Back, (*list.Element).Prev
	}
	for place := first(); place != nil; place = next(place) {
		if held := place.Value.(*holding); held.size > 0 {
			return held
		}
	}
	panic("web: a client has something that nothing adds up to")
}

// grow changes how much a holding is. It may become more than there is until
// the next one is asked for.
func (s *shares) grow(h *holding, by int) {
	if h.place != nil {
		h.size += by
		h.holder.used += by
		s.used += by
	}
}

// renew makes a holding the client's newest.
func (s *shares) renew(h *holding) {
	if h.place != nil {
		h.holder.holdings.MoveToBack(h.place)
	}
}

// give gives a holding back, if that was not done before.
func (s *shares) give(h *holding) {
	if h == nil || h.place == nil {
		return
	}
	h.holder.holdings.Remove(h.place)
	h.place = nil
	h.holder.used -= h.size
	s.used -= h.size
	if h.holder.holdings.Len() == 0 {
		delete(s.holders, h.holder.client)
	}
}
