// Package feedback keeps drawings of which a person said what they show, in an
// SQLite file, and exports them as a data set to train on.
package feedback

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"inkling/internal/wording"
)

// Height and Width are the size of the pictures.
const (
	Height = 28
	Width  = 28
)

// Drawing is one labelled drawing.
type Drawing struct {
	// ID numbers the drawings of a store, in the order in which they came. Add
	// chooses it.
	ID int64
	// Time is when it was added, to the millisecond.
	Time time.Time
	// Strokes is the drawing as it was sent, as JSON; empty if it was a picture.
	Strokes string
	// Picture is what the network was shown: Height rows of Width pixels,
	// upright, the ink bright.
	Picture []byte
	// Preprocess names the way in which Picture was made of the drawing.
	Preprocess string
	// Model names the network.
	Model string
	// Prediction is the class that the network saw, Label the right one, and
	// LabelIndex its place among the network's classes, 0 to 255. A drawing of none of
	// these has the label None and NoneIndex.
	Prediction string
	Label      string
	LabelIndex int
}

// None is the label of a drawing that shows none of the network's classes, and NoneIndex
// stands for its place among them: the last that files of drawings know.
const (
	None      = "none"
	NoneIndex = 255
)

// IsNone reports whether the drawing shows none of the network's classes.
func (d *Drawing) IsNone() bool { return d.Label == None && d.LabelIndex == NoneIndex }

// Limits are how much a store keeps; 0 means that there is no limit.
type Limits struct {
	// Drawings is how many drawings.
	Drawings int64
	// Bytes is how large the file becomes, a drawing more or less.
	Bytes int64
}

// ErrFull is returned by Add when a store has all that its limits allow.
var ErrFull = errors.New("the feedback file is full")

// Store is an SQLite file of drawings. Its methods may be called from several
// goroutines at once, and several processes may have the file open.
type Store struct {
	path   string
	db     *sql.DB
	limits Limits
	count  atomic.Int64 // of drawings; those that others add meanwhile are left out
}

// Limit makes Add refuse what goes beyond limits. It is to be called before Add
// is.
func (s *Store) Limit(limits Limits) error {
	s.limits = limits
	var count int64
	if err := s.db.QueryRow("SELECT count(*) FROM drawings").Scan(&count); err != nil {
		return s.explain("cannot be read", err)
	}
	s.count.Store(count)
	return nil
}

// full tells which limit is reached, nil if none is.
func (s *Store) full(ctx context.Context) error {
	if most := s.limits.Drawings; most > 0 && s.count.Load() >= most {
		return fmt.Errorf("%w: it has %s, and no more are kept", ErrFull, wording.Number(most, "drawing"))
	}
	if s.limits.Bytes == 0 {
		return nil
	}
	var bytes int64
	if err := s.db.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&bytes); err != nil {
		return s.explain("cannot be read", err)
	}
	if bytes >= s.limits.Bytes {
		return fmt.Errorf("%w: it has %s, and no more than %d are kept", ErrFull, wording.Number(bytes, "byte"), s.limits.Bytes)
	}
	return nil
}

// applicationID marks the file as ours: "Inkl" in ASCII, for SQLite's PRAGMA
// application_id.
const applicationID = 0x496e6b6c

// schemaVersion is the version of the table below, in PRAGMA user_version.
const schemaVersion = 1

const schema = `CREATE TABLE drawings (
	id          INTEGER PRIMARY KEY,
	time        INTEGER NOT NULL, -- milliseconds since 1970, UTC
	strokes     TEXT,             -- JSON; NULL when a picture was sent
	picture     BLOB NOT NULL CHECK (length(picture) = 784), -- 28 rows of 28 bytes
	preprocess  TEXT NOT NULL,
	model       TEXT NOT NULL,
	prediction  TEXT NOT NULL,
	label       TEXT NOT NULL,
	label_index INTEGER NOT NULL CHECK (label_index BETWEEN 0 AND 255)
) STRICT`

// Open opens the store at path, and makes it if there is no such file. The
// folder must be there.
func Open(path string) (*Store, error) {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("feedback file %s: its folder cannot be used: %w", path, err)
	}
	return open(path, "rwc")
}

// OpenExisting opens the store at path and fails if there is none.
func OpenExisting(path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("feedback file %s cannot be opened: %w", path, err)
	}
	return open(path, "rw")
}

func open(path, mode string) (*Store, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("feedback file %s: %w", path, err)
	}
	options := url.Values{
		"mode": {mode},
		// FULL makes every drawing survive a power failure; they come one at a time.
		"_pragma": {"busy_timeout(5000)", "synchronous(FULL)", "trusted_schema(OFF)"},
		"_txlock": {"immediate"},
	}
	name := filepath.ToSlash(absolute)
	if name[0] != '/' {
		name = "/" + name // C:/... of Windows
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: name, RawQuery: options.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("feedback file %s cannot be opened: %w", path, err)
	}
	s := &Store{path: path, db: db}
	if err := s.prepare(); err != nil {
		db.Close()
		return nil, err
	}
	// Write-ahead logging lets an export read while the server writes. It is a
	// property of the file, so it must not be set before prepare knows whose it is.
	if _, err := db.Exec("PRAGMA journal_mode = WAL"); err != nil {
		db.Close()
		return nil, s.explain("cannot be written", err)
	}
	return s, nil
}

// prepare makes the table in an empty file, and checks that another file is ours.
func (s *Store) prepare() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.explain("cannot be opened", err)
	}
	defer tx.Rollback()
	var application, version, tables int
	if err := tx.QueryRowContext(ctx, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`).Scan(&application, &version, &tables); err != nil {
		return s.explain("cannot be read", err)
	}
	switch {
	case application == applicationID && version == schemaVersion:
		return nil
	case application == applicationID:
		return fmt.Errorf("feedback file %s has version %d of the format, but only version %d is known: it was written by another version of Inkling", s.path, version, schemaVersion)
	case tables > 0:
		return fmt.Errorf("feedback file %s is a database of another program; choose another path", s.path)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("%s; PRAGMA application_id = %d; PRAGMA user_version = %d", schema, applicationID, schemaVersion)); err != nil {
		return s.explain("cannot be written", err)
	}
	if err := tx.Commit(); err != nil {
		return s.explain("cannot be written", err)
	}
	return nil
}

// explain adds to an error of SQLite which file it is about and, if it is one
// of the usual ones, what to do.
func (s *Store) explain(what string, err error) error {
	hint := ""
	var fault *sqlite.Error
	if errors.As(err, &fault) {
		switch fault.Code() & 0xff { // the rest of the code is a detail
		case sqlite3.SQLITE_NOTADB:
			hint = "it is no SQLite database; choose another path: "
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			hint = "another program has held it locked for too long; close that: "
		case sqlite3.SQLITE_FULL:
			hint = "the disk is full: "
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
			hint = "file and folder must be writable: "
		}
	}
	return fmt.Errorf("feedback file %s %s: %s%w", s.path, what, hint, err)
}

// Add keeps a drawing. When it returns without an error the drawing is on the
// disk. Beyond the limits it returns ErrFull.
func (s *Store) Add(ctx context.Context, d Drawing) error {
	if len(d.Picture) != Height*Width {
		return fmt.Errorf("the picture has %s, want %d", wording.Number(len(d.Picture), "pixel"), Height*Width)
	}
	if d.LabelIndex < 0 || d.LabelIndex > 255 {
		return fmt.Errorf("the label's index is %d, want 0 to 255", d.LabelIndex)
	}
	if err := s.full(ctx); err != nil {
		return err
	}
	strokes := sql.NullString{String: d.Strokes, Valid: d.Strokes != ""}
	_, err := s.db.ExecContext(ctx, `INSERT INTO drawings (time, strokes, picture, preprocess, model, prediction, label, label_index)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, d.Time.UnixMilli(), strokes, d.Picture, d.Preprocess, d.Model, d.Prediction, d.Label, d.LabelIndex)
	if err != nil {
		return s.explain("cannot be written", err)
	}
	s.count.Add(1)
	return nil
}

// Each calls visit with every drawing, in the order in which they came, until
// visit returns an error.
func (s *Store) Each(ctx context.Context, visit func(Drawing) error) error {
	rows, err := s.db.QueryContext(ctx, `SELECT id, time, strokes, picture, preprocess, model, prediction, label, label_index
		FROM drawings ORDER BY id`)
	if err != nil {
		return s.explain("cannot be read", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d Drawing
		var milliseconds int64
		var strokes sql.NullString
		if err := rows.Scan(&d.ID, &milliseconds, &strokes, &d.Picture, &d.Preprocess, &d.Model, &d.Prediction, &d.Label, &d.LabelIndex); err != nil {
			return s.explain("cannot be read", err)
		}
		d.Time, d.Strokes = time.UnixMilli(milliseconds).UTC(), strokes.String
		if err := visit(d); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return s.explain("cannot be read", err)
	}
	return nil
}

// Close closes the file.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return s.explain("cannot be closed", err)
	}
	return nil
}
